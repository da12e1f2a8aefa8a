import type { Readable } from 'node:stream';

/** What several streams say, up to a number of bytes together. */
export class CappedOutput {
  #room: number;
  readonly #full: () => void;

  /** `full` is called when more comes than there is room for; that is dropped. */
  constructor(maxBytes: number, full: () => void) {
    this.#room = maxBytes;
    this.#full = full;
  }

  /** Reads the stream from now on. The returned function gives what it has said so far. */
  of(stream: Pick<Readable, 'on'> | null | undefined): () => Buffer {
    const chunks: Buffer[] = [];
    stream?.on('data', (chunk: Buffer) => {
      const kept = chunk.subarray(0, this.#room);
      this.#room -= kept.length;
      chunks.push(kept);
      if (kept.length < chunk.length) this.#full();
    });
    return () => Buffer.concat(chunks);
  }
}
