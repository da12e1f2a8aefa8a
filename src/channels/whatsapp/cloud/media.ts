import { readFile, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { z } from 'zod';
import type { ChatOut, Media } from '../../../domain/chat.ts';
import { ParleyError } from '../../../domain/errors.ts';
import { errorText } from '../../../lib/errors.ts';
import { err, ok, type Result } from '../../../lib/result.ts';
import { meaningOf } from './error-codes.ts';
import type { GraphAnswer, GraphClient, GraphFailure } from './graph-client.ts';

export type OutgoingFile = NonNullable<ChatOut['file']>;

/** How a file goes to WhatsApp: as what it is shown, and under which type it is uploaded. */
export interface Upload {
  readonly kind: 'image' | 'video' | 'audio' | 'document';
  readonly mime: string;
}

const MB = 1024 * 1024;
const OFFICE = 'application/vnd.openxmlformats-officedocument';

interface Uploadable {
  readonly kind: Upload['kind'];
  readonly types: readonly string[];
  readonly maxBytes: number;
}

/** Other types are not taken: https://developers.facebook.com/documentation/business-messaging/whatsapp/business-phone-numbers/media */
const UPLOADABLE: readonly Uploadable[] = [
  { kind: 'image', types: ['image/jpeg', 'image/png'], maxBytes: 5 * MB },
  { kind: 'video', types: ['video/mp4', 'video/3gpp'], maxBytes: 16 * MB },
  {
    kind: 'audio',
    types: ['audio/aac', 'audio/amr', 'audio/mpeg', 'audio/mp4', 'audio/ogg', 'audio/opus'],
    maxBytes: 16 * MB,
  },
  {
    kind: 'document',
    types: [
      ...['text/plain', 'application/pdf', 'application/msword'],
      ...['application/vnd.ms-excel', 'application/vnd.ms-powerpoint'],
      ...[`${OFFICE}.wordprocessingml.document`, `${OFFICE}.spreadsheetml.sheet`],
      `${OFFICE}.presentationml.presentation`,
    ],
    maxBytes: 100 * MB,
  },
];

/** What is text under another name: its own name says what it is. */
const TEXT = /^(?:text\/.+|application\/(?:json|xml|yaml|x-yaml|toml|javascript|.+\+(?:json|xml)))$|^image\/svg\+xml$/;

/** How a file can be sent; or why it cannot, in words. */
export function uploadOf(mime: string, bytes: number): Result<Upload, string> {
  const type = mime.split(';')[0]?.trim().toLowerCase() ?? '';
  const found = UPLOADABLE.find(({ types }) => types.includes(type));
  if (!found) {
    return TEXT.test(type)
      ? uploadOf('text/plain', bytes)
      : err(`WhatsApp takes no files of the type ${type || 'none'}`);
  }
  const { kind, maxBytes } = found;
  if (bytes > maxBytes) return err(`WhatsApp takes ${kind}s of ${maxBytes / MB} MB at most`);
  return ok({ kind, mime });
}

/** How many bytes a file of this machine has; null when it is not there, or no file. */
export async function sizeOf({ path }: OutgoingFile): Promise<number | null> {
  try {
    const found = await stat(path);
    return found.isFile() ? found.size : null;
  } catch {
    return null;
  }
}

export const fileNameOf = ({ name, path }: OutgoingFile): string => name ?? basename(path);

/** Rejects when the file cannot be read. */
export async function uploadFile(client: GraphClient, file: OutgoingFile, { mime }: Upload): Promise<GraphAnswer> {
  const bytes = await readFile(file.path);
  return await client.postMedia(new Blob([bytes], { type: mime }), fileNameOf(file));
}

const sourceSchema = z.object({ id: z.string().min(1) });
const placeSchema = z.object({ url: z.string(), file_size: z.coerce.number().optional().catch(undefined) });

/** The bytes of a file that came with a message. Rejects with MEDIA_UNAVAILABLE or CHANNEL_SEND_FAILED. */
export async function downloadMedia(client: GraphClient, media: Media, maxBytes: number): Promise<Uint8Array> {
  const source = sourceSchema.safeParse(media.source);
  if (!source.success) throw unavailable('it did not come from here');
  const answer = await client.media(source.data.id);
  if (answer.kind === 'failed') throw notFetched(answer.failure);
  if (answer.kind !== 'ok') throw failed(answer.reason);
  const place = placeSchema.safeParse(answer.body);
  if (!place.success) throw failed('WhatsApp does not say where it is');
  if ((place.data.file_size ?? 0) > maxBytes) throw tooLarge(maxBytes);
  const bytes = await download(client, place.data.url, maxBytes);
  if (bytes === null) throw tooLarge(maxBytes);
  if (!(bytes instanceof Uint8Array)) throw notFetched(bytes);
  return bytes;
}

async function download(client: GraphClient, url: string, maxBytes: number): ReturnType<GraphClient['download']> {
  try {
    return await client.download(url, maxBytes);
  } catch (error) {
    throw failed(errorText(error), error);
  }
}

/** An error about this one file: it is gone. About the account, or about WhatsApp: it may work later. */
function notFetched({ status, code }: GraphFailure): ParleyError {
  const { remedy, words } = meaningOf(code, status);
  return remedy.kind === 'refuse' ? unavailable('WhatsApp does not have it any more') : failed(words);
}

const unavailable = (why: string): ParleyError =>
  new ParleyError('MEDIA_UNAVAILABLE', `The file cannot be fetched: ${why}.`);
const tooLarge = (maxBytes: number): ParleyError => unavailable(`it has more than ${maxBytes} bytes`);
const failed = (why: string, cause?: unknown): ParleyError =>
  new ParleyError('CHANNEL_SEND_FAILED', `The file cannot be fetched now: ${why}.`, { cause });
