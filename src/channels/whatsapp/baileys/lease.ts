import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Clock } from '../../../lib/clock.ts';
import type { WhatsAppSessions } from './sessions.ts';

/** How long a process that has died without a word keeps an account from another machine's, milliseconds. */
const TTL_MS = 30_000;
const RENEW_MS = 10_000;

/** How soon to look again whether the owner of an account has given it up, milliseconds. */
export const LOOK_AGAIN_MS = 5_000;

/** In a container every process has the same number: this one is told from those before it by when it began. */
const STARTED = String(performance.timeOrigin);

export interface LeaseOptions {
  readonly sessions: Pick<WhatsAppSessions, 'own' | 'disown'>;
  readonly account: string;
  readonly clock: Clock;
  /** Somebody else has become the owner, because this process was silent for too long. */
  readonly lost: () => void;
}

/** The right to run an account: two processes that both connect as one device take the connection from each other, again and again. */
export class Lease {
  readonly #options: LeaseOptions;
  readonly #holder = `${hostname()}/${process.pid}/${STARTED}/${randomUUID()}`;
  #cancelRenewal: (() => void) | null = null;

  constructor(options: LeaseOptions) {
    this.#options = options;
  }

  /** Whether this is the owner now; if so it stays so, until `release` or `lost`. */
  async take(): Promise<boolean> {
    const { sessions, account } = this.#options;
    const owner = await sessions.own(account, this.#holder, TTL_MS, isDead);
    if (owner !== this.#holder) return false;
    this.#renewLater();
    return true;
  }

  async release(): Promise<void> {
    this.#cancelRenewal?.();
    this.#cancelRenewal = null;
    await this.#options.sessions.disown(this.#options.account, this.#holder);
  }

  #renewLater(): void {
    const { clock } = this.#options;
    this.#cancelRenewal?.();
    const cancel = clock.timer(clock.now() + RENEW_MS, () => {
      if (this.#cancelRenewal === cancel) void this.#renew(cancel);
    });
    this.#cancelRenewal = cancel;
  }

  async #renew(current: () => void): Promise<void> {
    const { sessions, account, lost } = this.#options;
    // A database in trouble is no reason to give up the account: nobody else can take it there either.
    const owner = await sessions.own(account, this.#holder, TTL_MS, isDead).catch(() => this.#holder);
    if (this.#cancelRenewal !== current) return;
    if (owner === this.#holder) return this.#renewLater();
    this.#cancelRenewal = null;
    lost();
  }
}

/** A process of this machine that is there no more: after a crash, its successor need not wait. */
function isDead(holder: string): boolean {
  const [machine, pid, started] = holder.split('/');
  if (machine !== hostname()) return false;
  if (Number(pid) === process.pid) return started !== STARTED;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ESRCH';
  }
}
