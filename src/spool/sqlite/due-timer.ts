import type { Clock } from '../../lib/clock.ts';
import type { Database } from './database.ts';
import { nextDue } from './due.ts';

/**
 * Knows when the next delivery comes due, and says so. It keeps that time in memory: asking the database in every
 * transaction took a seventh of the processor's time when messages come one at a time. The time may be too early (what was due then
 * is settled by now), never too late.
 */
export class DueTimer {
  readonly #db: Database;
  readonly #clock: Clock;
  readonly #onDue: () => void;
  #at = Number.POSITIVE_INFINITY;
  #cancel: (() => void) | null = null;
  /** The state of the database that #at is true of, but for our own commits: those are told to `expect`. */
  #version = -1;

  constructor(db: Database, clock: Clock, onDue: () => void) {
    this.#db = db;
    this.#clock = clock;
    this.#onDue = onDue;
  }

  /** Whether something may have come due: by the time, or by what another process has committed. */
  mayBeDue(now: number): boolean {
    return now >= this.#at || this.#db.dataVersion() !== this.#version;
  }

  /** We have committed something that comes due then. */
  expect(at: number): void {
    if (at < this.#at) this.#arm(at);
  }

  /** Asks the database. */
  look(): void {
    this.#version = this.#db.dataVersion();
    this.#arm(nextDue(this.#db) ?? Number.POSITIVE_INFINITY);
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = null;
  }

  #arm(at: number): void {
    if (at === this.#at && this.#cancel) return;
    this.stop();
    this.#at = at;
    if (at < Number.POSITIVE_INFINITY) this.#cancel = this.#clock.timer(at, () => this.#fire());
  }

  #fire(): void {
    this.#cancel = null;
    // A timer may fire a moment early: from here on we look, and looking arms it anew.
    this.#at = Number.NEGATIVE_INFINITY;
    this.#onDue();
  }
}
