import { captureRejectionSymbol, EventEmitter } from 'node:events';

/**
 * Makes an emitter whose asynchronous listeners may fail. The library leaves some of their failures to nobody, such as an answer that
 * it could not send on a connection just closed, and one of these would end the process. `failed` is told instead.
 */
export function withFailuresCaught<T>(
  make: () => T,
  emitterOf: (made: T) => EventEmitter,
  failed: (error: Error) => void,
): T {
  // What an emitter does is settled when it is made; `make` runs to its end before anybody else makes one.
  const before = EventEmitter.captureRejections;
  EventEmitter.captureRejections = true;
  try {
    const made = make();
    Object.assign(emitterOf(made), { [captureRejectionSymbol]: failed });
    return made;
  } finally {
    EventEmitter.captureRejections = before;
  }
}
