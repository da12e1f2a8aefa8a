import { NOISE_WA_HEADER } from 'baileys';
import { ProtocolError } from './stanza.ts';

const LENGTH_BYTES = 3;
/** `ED`, a version, and the length of the routing information that the server gave at an earlier connection. */
const ROUTING_MARK = Buffer.from([0x45, 0x44, 0, 1]);
const ROUTING_HEAD_BYTES = ROUTING_MARK.length + LENGTH_BYTES;
const MAX_ROUTING_BYTES = 1024;

/** A frame as it goes over the wire: its length in three bytes, then itself. */
export function frameOf(content: Uint8Array): Buffer {
  const frame = Buffer.alloc(LENGTH_BYTES + content.length);
  frame.writeUIntBE(content.length, 0, LENGTH_BYTES);
  frame.set(content, LENGTH_BYTES);
  return frame;
}

/** Cuts what a client sends into frames, after the intro that every connection begins with. */
export class FrameReader {
  /** Longer frames are refused; small until somebody has proven who they are. */
  maxBytes: number;
  #rest = Buffer.alloc(0);
  #introduced = false;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  /** The frames that are complete now. Throws a ProtocolError when these cannot be any. */
  *read(chunk: Uint8Array): Generator<Buffer> {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    this.#introduced ||= this.#readIntro();
    if (!this.#introduced) return;
    for (;;) {
      const frame = this.#next();
      if (!frame) return;
      yield frame;
    }
  }

  #next(): Buffer | undefined {
    if (this.#rest.length < LENGTH_BYTES) return undefined;
    const length = this.#rest.readUIntBE(0, LENGTH_BYTES);
    if (length > this.maxBytes) throw new ProtocolError(`a frame of ${length} bytes`);
    if (this.#rest.length < LENGTH_BYTES + length) return undefined;
    return this.#take(LENGTH_BYTES + length).subarray(LENGTH_BYTES);
  }

  /** Whether all of it was there. */
  #readIntro(): boolean {
    if (begins(this.#rest, ROUTING_MARK)) {
      if (this.#rest.length < ROUTING_HEAD_BYTES) return false;
      const length = this.#rest.readUIntBE(ROUTING_MARK.length, LENGTH_BYTES);
      if (length > MAX_ROUTING_BYTES) throw new ProtocolError(`routing information of ${length} bytes`);
      if (this.#rest.length < ROUTING_HEAD_BYTES + length + NOISE_WA_HEADER.length) return false;
      this.#take(ROUTING_HEAD_BYTES + length);
    }
    if (!begins(this.#rest, NOISE_WA_HEADER)) throw new ProtocolError('not the intro of a WhatsApp client');
    if (this.#rest.length < NOISE_WA_HEADER.length) return false;
    this.#take(NOISE_WA_HEADER.length);
    return true;
  }

  #take(length: number): Buffer {
    const taken = this.#rest.subarray(0, length);
    this.#rest = this.#rest.subarray(length);
    return taken;
  }
}

/** Whether one is the beginning of the other, as far as there is any of it. */
function begins(bytes: Buffer, mark: Buffer): boolean {
  const length = Math.min(bytes.length, mark.length);
  return bytes.subarray(0, length).equals(mark.subarray(0, length));
}
