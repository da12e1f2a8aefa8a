import { EventEmitter } from 'node:events';
import type { AgentId } from '../domain/addresses.ts';
import type { Clock } from '../lib/clock.ts';
import type { Json } from '../lib/json.ts';
import type { PresenceFrame } from '../protocol/hub-frames.ts';

/** What happens on the hub, as it happens. */
export type HubEvent =
  | Omit<Extract<PresenceFrame, { event: 'agent-joined' | 'agent-left' }>, 'type'>
  | { readonly event: 'hub-shutdown' }
  | { readonly event: 'task-progress'; readonly agent: AgentId; readonly requestId: string; readonly progress: Json };

export class HubEvents {
  readonly #emitter = new EventEmitter().setMaxListeners(0);

  emit(event: HubEvent): void {
    this.#emitter.emit('event', event);
  }

  subscribe(listener: (event: HubEvent) => void): () => void {
    this.#emitter.on('event', listener);
    return () => this.#emitter.off('event', listener);
  }
}

/** A silent connection is kept open by a comment this often. */
const COMMENT_EVERY_MS = 15_000;
/** A client that lets more than this pile up does not read any more. */
const MAX_BUFFERED_BYTES = 1024 * 1024;

/** The part of an HTTP response that a stream of events is written to. */
interface EventSink {
  readonly writableLength: number;
  write(text: string): unknown;
  end(): unknown;
  destroy(): unknown;
  once(event: 'close', listener: () => void): unknown;
}

/** The events as an SSE stream (WHATWG HTML, section 9.2) until the client goes away or the hub stops. */
export function streamEvents(sink: EventSink, events: HubEvents, clock: Clock): void {
  let cancelComment = (): void => {};
  const write = (text: string): void => {
    sink.write(text);
    if (sink.writableLength > MAX_BUFFERED_BYTES) sink.destroy();
  };
  const unsubscribe = events.subscribe(({ event, ...data }) => {
    write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
    if (event === 'hub-shutdown') sink.end();
  });
  const comment = (): void => {
    cancelComment = clock.timer(clock.now() + COMMENT_EVERY_MS, () => {
      write(': still here\n\n');
      comment();
    });
  };
  sink.once('close', () => {
    unsubscribe();
    cancelComment();
  });
  comment();
  write(': connected\n\n');
}
