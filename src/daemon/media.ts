import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Channel } from '../channels/channel.ts';
import type { ChatIn, Media } from '../domain/chat.ts';
import { ParleyError } from '../domain/errors.ts';
import { keepFile } from './kept-files.ts';

/** The folder of files that have come, among the data. */
export const MEDIA = 'media';

export interface MediaOptions {
  /** Where files are kept; made when the first comes. */
  readonly folder: string;
  readonly maxBytes: number;
  readonly channels: ReadonlyMap<string, Channel>;
}

/** The name of a file says nothing of who sent it, and cannot lead out of the folder. */
const EXTENSION = /^\w+\/(?:x-)?([a-z0-9]{1,8})\b/;

/** Keeps the files that come with messages, and describes them in words. */
export class MediaFiles {
  readonly #options: MediaOptions;

  constructor(options: MediaOptions) {
    this.#options = options;
  }

  /** A line for each file. One that is gone or too large is described all the same; rejects when it can be fetched later. */
  async describe(chat: ChatIn): Promise<readonly string[]> {
    return Promise.all((chat.media ?? []).map((media) => this.#describe(chat, media)));
  }

  async #describe({ channel, account }: ChatIn, media: Media): Promise<string> {
    const what = [media.kind, media.name === undefined ? null : JSON.stringify(media.name), media.mime]
      .filter(Boolean)
      .join(', ');
    try {
      const { path, bytes } = await this.#keep(channel, account, media);
      return `[${what}, ${Math.ceil(bytes / 1024)} KiB, kept as ${path}]`;
    } catch (error) {
      if (error instanceof ParleyError && error.code === 'MEDIA_UNAVAILABLE') return `[${what}: ${error.message}]`;
      throw error;
    }
  }

  async #keep(channel: string, account: string, media: Media): Promise<{ path: string; bytes: number }> {
    const { folder, maxBytes, channels } = this.#options;
    const fetch = channels.get(channel)?.fetch?.bind(channels.get(channel));
    if (!fetch) throw new ParleyError('MEDIA_UNAVAILABLE', 'it cannot be fetched here.');
    const name = createHash('sha256')
      .update(JSON.stringify([channel, account, media.source]))
      .digest('hex')
      .slice(0, 32);
    const path = join(folder, `${name}.${EXTENSION.exec(media.mime)?.[1] ?? 'bin'}`);
    if (existsSync(path)) return { path, bytes: media.bytes ?? 0 };
    const content = await fetch(account, media, maxBytes);
    await keepFile(path, content);
    return { path, bytes: content.byteLength };
  }
}
