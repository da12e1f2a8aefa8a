import type { FlowEvent, LiveChange, LiveEvent, Typing } from './wire.ts';

/** How many movements of envelopes a page that opens now is told of. */
export const FLOW_KEPT = 200;

/** What goes on right now: tells the open pages, and remembers what a page that opens later needs. */
export class LiveFeed {
  readonly #listeners = new Set<(event: LiveEvent) => void>();
  readonly #flow: FlowEvent[] = [];
  readonly #typing = new Map<string, Typing>();
  #notice: string | null = null;
  #seq = 0;

  /** The returned function ends the subscription. */
  subscribe(listener: (event: LiveEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  publish(change: LiveChange): void {
    this.#remember(change);
    this.#seq += 1;
    const event: LiveEvent = { ...change, seq: this.#seq };
    for (const listener of [...this.#listeners]) listener(event);
  }

  now(): {
    readonly seq: number;
    readonly flow: readonly FlowEvent[];
    readonly typing: readonly Typing[];
    readonly notice: string | null;
  } {
    return { seq: this.#seq, flow: [...this.#flow], typing: [...this.#typing.values()], notice: this.#notice };
  }

  #remember(change: LiveChange): void {
    switch (change.kind) {
      case 'flow':
        this.#flow.push(change.event);
        if (this.#flow.length > FLOW_KEPT) this.#flow.shift();
        break;
      case 'typing':
        if (change.on) this.#typing.set(typingKey(change.typing), change.typing);
        else this.#typing.delete(typingKey(change.typing));
        break;
      case 'notice':
        this.#notice = change.text;
        break;
      default:
    }
  }
}

const typingKey = ({ account, peer }: Typing): string => `${account} ${peer.kind} ${peer.id}`;
