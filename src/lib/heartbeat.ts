import type { Clock } from './clock.ts';

const PING_EVERY_MS = 30_000;
/** Of silence: who has said nothing for so long is gone. */
const DEAD_AFTER_MS = 90_000;

export interface Heartbeat {
  /** Something was heard. */
  beat(): void;
  stop(): void;
}

/** Asks for a sign of life every 30 s; calls `dead` once when there was none for 90 s. */
export function startHeartbeat(clock: Clock, ping: () => void, dead: () => void): Heartbeat {
  let heardAt = clock.now();
  let cancel: () => void = () => undefined;
  const arm = (): void => {
    const deadAt = heardAt + DEAD_AFTER_MS;
    cancel = clock.timer(Math.min(clock.now() + PING_EVERY_MS, deadAt), () => {
      if (clock.now() >= heardAt + DEAD_AFTER_MS) return dead();
      ping();
      arm();
    });
  };
  arm();
  return {
    beat: () => {
      heardAt = clock.now();
    },
    stop: () => cancel(),
  };
}
