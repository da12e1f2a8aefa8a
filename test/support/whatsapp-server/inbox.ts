import type { BinaryNode } from 'baileys';

interface Waiting {
  readonly stanza: BinaryNode;
  /** Whether it went over the connection that there is now. */
  isSent: boolean;
}

/** What a device has not yet said that it got. Survives every connection. */
export class Inbox {
  readonly #waiting = new Map<string, Waiting>();
  /** Messages for which the device asked to have them once more; it refuses the ones that it could not read afterwards. */
  readonly #refused = new Set<string>();
  readonly #onSettled = new Map<string, () => void>();

  /** Keeps it until it is settled under this key. */
  keep(key: string, stanza: BinaryNode): void {
    this.#waiting.delete(key);
    this.#waiting.set(key, { stanza, isSent: false });
  }

  settle(key: string): void {
    this.#waiting.delete(key);
    this.#onSettled.get(key)?.();
    this.#onSettled.delete(key);
  }

  /** The device could not read it and has asked its author for another copy, which will come under the same key. */
  retried(key: string): void {
    this.settle(key);
    this.#refused.add(key);
  }

  /** The device does not want it. */
  refuse(key: string): void {
    if (!this.#refused.delete(key)) this.settle(key);
  }

  /** Calls back when it is settled, or at once when it is not there. */
  whenSettled(key: string, then: () => void): void {
    if (this.#waiting.has(key)) this.#onSettled.set(key, then);
    else then();
  }

  /** There is a new connection. */
  unsend(): void {
    for (const entry of this.#waiting.values()) entry.isSent = false;
    this.#refused.clear();
  }

  /** What has not gone over this connection, the oldest first. */
  unsent(): readonly BinaryNode[] {
    return [...this.#waiting.values()].filter(({ isSent }) => !isSent).map(({ stanza }) => stanza);
  }

  markSent(stanza: BinaryNode): void {
    for (const entry of this.#waiting.values()) if (entry.stanza === stanza) entry.isSent = true;
  }

  count(tag: string): number {
    return [...this.#waiting.values()].filter(({ stanza }) => stanza.tag === tag).length;
  }
}
