import { createHash } from 'node:crypto';
import { GraphError } from './errors.ts';

export interface StoredMedia {
  readonly id: string;
  readonly mime: string;
  readonly bytes: Uint8Array;
  readonly name: string | null;
}

const MB = 1024 * 1024;
/** What can be uploaded, and up to how many bytes; .../whatsapp/business-phone-numbers/media#supported-media-types */
const LIMITS: readonly (readonly [RegExp, number])[] = [
  [/^image\/(?:jpeg|png)$/, 5 * MB],
  [/^image\/webp$/, 0.5 * MB],
  [/^video\/(?:mp4|3gpp)$/, 16 * MB],
  [/^audio\/(?:aac|mp4|mpeg|amr|ogg|opus)$/, 16 * MB],
  [/^(?:text\/plain|application\/(?:pdf|msword|vnd\.ms-(?:excel|powerpoint)))$/, 100 * MB],
  [/^application\/vnd\.openxmlformats-officedocument\.\w+\.(?:document|sheet|presentation)$/, 100 * MB],
];

/** The files that were uploaded, or came with a message. */
export class MediaStore {
  /** How often the bytes of a file were asked for. */
  downloads = 0;
  readonly #files = new Map<string, StoredMedia>();

  add(bytes: Uint8Array, mime: string, name: string | null = null): StoredMedia {
    const media = { id: String(1_000_000 + this.#files.size), mime, bytes, name };
    this.#files.set(media.id, media);
    return media;
  }

  /** The file of a form with `messaging_product`, `type` and `file`. Throws 100 and 131053. */
  async upload(body: Uint8Array, contentType: string): Promise<StoredMedia> {
    const form = await new Response(body, { headers: { 'content-type': contentType } }).formData().catch(() => null);
    const file = form?.get('file');
    const type = form?.get('type');
    if (form?.get('messaging_product') !== 'whatsapp' || !(file instanceof File) || typeof type !== 'string') {
      throw new GraphError(100, 'A form with messaging_product, type and file is needed.');
    }
    if (file.type !== type) throw new GraphError(100, `The file is ${file.type}, and the form says ${type}.`);
    const limit = LIMITS.find(([types]) => types.test(type.split(';')[0] ?? ''))?.[1];
    if (limit === undefined) throw new GraphError(100, `Files of the type ${type} are not taken.`);
    if (file.size === 0 || file.size > limit) throw new GraphError(131053, `A ${type} has 1 to ${limit} bytes.`);
    return this.add(new Uint8Array(await file.arrayBuffer()), type, file.name);
  }

  /** Throws 100, as for every object that is not there. */
  find(id: string): StoredMedia {
    const media = this.#files.get(id);
    if (media) return media;
    throw new GraphError(100, `Object with ID '${id}' does not exist.`);
  }

  remove(id: string): void {
    this.#files.delete(id);
  }
}

export const sha256Of = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
