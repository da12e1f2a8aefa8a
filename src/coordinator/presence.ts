import type { Clock } from '../lib/clock.ts';
import type { CoordinatorRegistry } from './registry.ts';

/** How often somebody who waits for messages says that it is there, in milliseconds; it counts as active for five minutes. */
const HEARTBEAT_MS = 60_000;

/** An agent that has just been heard of stays there until the returned function is called. */
export function attend(registry: CoordinatorRegistry, agent: string, clock: Clock): () => void {
  let cancel: () => void = () => undefined;
  const arm = (): void => {
    cancel = clock.timer(clock.now() + HEARTBEAT_MS, beat);
  };
  const beat = (): void => {
    arm();
    // A heartbeat that fails is followed by another; that the agent was deregistered is found when it sends.
    registry.heartbeat(agent).catch(() => undefined);
  };
  arm();
  return () => cancel();
}
