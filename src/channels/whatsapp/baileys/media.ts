import { createHash } from 'node:crypto';
import type { proto, WASocket } from 'baileys';
import { z } from 'zod';
import type { Media } from '../../../domain/chat.ts';
import { ParleyError } from '../../../domain/errors.ts';
import type { Baileys } from './baileys.ts';

/** Where an encrypted file lies on WhatsApp's servers, and what opens it. Bytes are in base64. */
const sourceSchema = z.object({
  type: z.enum(['image', 'video', 'audio', 'document', 'sticker']),
  directPath: z.string().startsWith('/').nullable(),
  url: z.url().nullable(),
  mediaKey: z.base64(),
  sha256: z.base64().nullable(),
});
type Source = z.infer<typeof sourceSchema>;

/** What the kinds of messages with a file have in common. */
interface FileMessage {
  readonly mimetype?: string | null;
  readonly fileLength?: number | { toNumber(): number } | null;
  readonly fileName?: string | null;
  readonly directPath?: string | null;
  readonly url?: string | null;
  readonly mediaKey?: Uint8Array | null;
  readonly fileSha256?: Uint8Array | null;
}

/** The file that a message carries; null when it has none, or none that could ever be fetched. */
export function mediaOf(message: proto.IMessage): Media | null {
  const found = fileOf(message);
  if (!found) return null;
  const { type, file } = found;
  if (!(file.directPath || file.url) || !file.mediaKey?.length) return null;
  const source: Source = {
    type,
    directPath: file.directPath || null,
    url: file.url || null,
    mediaKey: Buffer.from(file.mediaKey).toString('base64'),
    sha256: file.fileSha256?.length ? Buffer.from(file.fileSha256).toString('base64') : null,
  };
  return {
    kind: type,
    mime: file.mimetype ?? 'application/octet-stream',
    bytes: lengthOf(file),
    ...(file.fileName ? { name: file.fileName } : {}),
    source,
  };
}

function fileOf(message: proto.IMessage): { readonly type: Source['type']; readonly file: FileMessage } | null {
  const video = message.videoMessage ?? message.ptvMessage;
  if (message.imageMessage) return { type: 'image', file: message.imageMessage };
  if (video) return { type: 'video', file: video };
  if (message.audioMessage) return { type: 'audio', file: message.audioMessage };
  if (message.documentMessage) return { type: 'document', file: message.documentMessage };
  if (message.stickerMessage) return { type: 'sticker', file: message.stickerMessage };
  return null;
}

function lengthOf({ fileLength }: FileMessage): number | null {
  if (fileLength === null || fileLength === undefined) return null;
  return typeof fileLength === 'number' ? fileLength : fileLength.toNumber();
}

/**
 * Fetches and decrypts a file from the servers that WhatsApp names: never from one that the sender named. Rejects with
 * MEDIA_UNAVAILABLE when it is gone, is larger than `maxBytes`, or is not what was sent, else with CHANNEL_SEND_FAILED.
 */
export async function fetchMedia(
  baileys: Baileys,
  socket: WASocket,
  media: Media,
  maxBytes: number,
): Promise<Uint8Array> {
  const source = sourceSchema.safeParse(media.source).data;
  if (!source) throw new ParleyError('MEDIA_UNAVAILABLE', 'The message does not say where its file is.');
  if (media.bytes !== null && media.bytes > maxBytes) throw tooLarge(maxBytes);
  const stream = await open(baileys, socket, source);
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of stream) {
      bytes += chunk.length;
      if (bytes > maxBytes) throw tooLarge(maxBytes);
      chunks.push(chunk);
    }
  } catch (cause) {
    if (cause instanceof ParleyError) throw cause;
    throw new ParleyError('CHANNEL_SEND_FAILED', 'A file could not be fetched from WhatsApp.', { cause });
  }
  const file = Buffer.concat(chunks);
  if (source.sha256 !== null && createHash('sha256').update(file).digest('base64') !== source.sha256) {
    throw new ParleyError('MEDIA_UNAVAILABLE', 'The file on the server of WhatsApp is not the one that was sent.');
  }
  return file;
}

async function open(baileys: Baileys, socket: WASocket, source: Source): Promise<AsyncIterable<Buffer>> {
  try {
    await socket.refreshMediaConn();
    const host = socket.getMediaHost();
    const location = locationOf(source, host);
    const mediaKey = Buffer.from(source.mediaKey, 'base64');
    return await baileys.downloadContentFromMessage({ ...location, mediaKey }, source.type, { host });
  } catch (cause) {
    if (cause instanceof ParleyError) throw cause;
    const status = statusOf(cause);
    if (status === 404 || status === 410) {
      throw new ParleyError('MEDIA_UNAVAILABLE', 'The file is not on the server of WhatsApp any more.', { cause });
    }
    throw new ParleyError('CHANNEL_SEND_FAILED', 'A file could not be fetched from WhatsApp.', { cause });
  }
}

/** The whole address is the sender's word: it could lead anywhere, into the network of this machine too. */
function locationOf({ directPath, url }: Source, host: string): { directPath: string } | { url: string } {
  if (directPath !== null) return { directPath };
  if (url !== null && new URL(url).hostname === new URL(`https://${host}`).hostname) return { url };
  throw new ParleyError('MEDIA_UNAVAILABLE', 'The file is not on a server of WhatsApp.');
}

/** The HTTP status, or the close code, that an error of the library carries. */
export function statusOf(error: unknown): number | null {
  if (!(error instanceof Error) || !('output' in error)) return null;
  const { output } = error;
  if (typeof output !== 'object' || output === null || !('statusCode' in output)) return null;
  return typeof output.statusCode === 'number' ? output.statusCode : null;
}

const tooLarge = (maxBytes: number): ParleyError =>
  new ParleyError('MEDIA_UNAVAILABLE', `The file has more than ${maxBytes} bytes.`);
