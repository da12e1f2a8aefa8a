import type { Clock } from '../lib/clock.ts';
import type { PresenceFrame } from '../protocol/hub-frames.ts';
import type { ConnectedAgent, ConnectedAgents } from './connected-agents.ts';
import { textFrame } from './text-frame.ts';

/** How long it is gathered who comes and goes before the others are told again, in milliseconds. */
const GATHER_MS = 100;

interface Change {
  readonly frame: Buffer;
  readonly of: ConnectedAgent;
}

/**
 * Tells the agents who else comes and goes: at once, but when many come together, as after a restart, of all of them together. What
 * n agents are to be told of each other are n² frames; so they are far fewer writes, of bytes that all of them share.
 */
export class Presence {
  readonly #agents: ConnectedAgents;
  readonly #clock: Clock;
  #changes: Change[] = [];
  #cancel: (() => void) | null = null;

  constructor(agents: ConnectedAgents, clock: Clock) {
    this.#agents = agents;
    this.#clock = clock;
  }

  /** Whoever joins is told what comes after it. */
  announce(frame: PresenceFrame, of: ConnectedAgent): void {
    this.#changes.push({ frame: textFrame(JSON.stringify(frame)), of });
    if (this.#cancel === null) this.#tell();
  }

  stop(): void {
    this.#cancel?.();
  }

  #tell(): void {
    const changes = this.#changes.splice(0);
    this.#cancel = null;
    if (changes.length === 0) return;
    this.#cancel = this.#clock.timer(this.#clock.now() + GATHER_MS, () => this.#tell());
    const all = Buffer.concat(changes.map(({ frame }) => frame));
    const afterJoining = new Map<ConnectedAgent, number>();
    let bytes = 0;
    for (const { frame, of } of changes) {
      bytes += frame.length;
      afterJoining.set(of, bytes);
    }
    for (const agent of this.#agents.list()) agent.connection.sendFrames(all.subarray(afterJoining.get(agent) ?? 0));
  }
}
