import type { Clock } from '../../lib/clock.ts';
import type { LiveEvent } from './wire.ts';

/** A silent connection is kept open by a comment this often: proxies and browsers give up on one that says nothing. */
export const HEARTBEAT_MS = 15_000;
/** A client that lets more than this pile up does not read any more; it is let go, and catches up when it comes back. */
export const MAX_BUFFERED_BYTES = 1024 * 1024;

/** The part of an HTTP response that a stream of events is written to. */
export interface EventSink {
  readonly writableLength: number;
  write(text: string): unknown;
  end(): unknown;
  destroy(): unknown;
  once(event: 'close', listener: () => void): unknown;
}

/** The events as an SSE stream (WHATWG HTML, section 9.2) until the client goes away or the returned function ends it. */
export function streamEvents(
  sink: EventSink,
  subscribe: (listener: (event: LiveEvent) => void) => () => void,
  clock: Clock,
): () => void {
  let cancelHeartbeat = (): void => {};
  const write = (text: string): void => {
    sink.write(text);
    if (sink.writableLength > MAX_BUFFERED_BYTES) {
      release();
      sink.destroy();
    }
  };
  const unsubscribe = subscribe((event) => write(`id: ${event.seq}\ndata: ${JSON.stringify(event)}\n\n`));
  const release = (): void => {
    unsubscribe();
    cancelHeartbeat();
    cancelHeartbeat = () => {};
  };
  const beat = (): void => {
    cancelHeartbeat = clock.timer(clock.now() + HEARTBEAT_MS, () => {
      beat();
      write(': still here\n\n');
    });
  };
  sink.once('close', release);
  beat();
  // The page waits for the first byte before it asks for the state, so that no change falls between the two.
  write('retry: 1000\n\n');
  return () => {
    release();
    sink.end();
  };
}
