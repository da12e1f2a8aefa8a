import type { Clock } from './clock.ts';

export interface Allowance {
  /** What may be used at once. */
  readonly burst: number;
  readonly perSecond: number;
}

/** A token bucket: filled by and by up to its size, emptied by use. */
export class TokenBucket {
  readonly #allowance: Allowance;
  readonly #clock: Clock;
  #tokens: number;
  #at: number;

  constructor(allowance: Allowance, clock: Clock) {
    this.#allowance = allowance;
    this.#clock = clock;
    this.#tokens = allowance.burst;
    this.#at = clock.now();
  }

  /** False, and nothing is used, when there is not enough. */
  take(tokens = 1): boolean {
    this.#fill();
    if (this.#tokens < tokens) return false;
    this.#tokens -= tokens;
    return true;
  }

  /** How long until one can be taken, in whole seconds; 0 when one can be now. */
  get waitSeconds(): number {
    this.#fill();
    return this.#tokens >= 1 ? 0 : Math.ceil((1 - this.#tokens) / this.#allowance.perSecond);
  }

  get isFull(): boolean {
    this.#fill();
    return this.#tokens >= this.#allowance.burst;
  }

  #fill(): void {
    const now = this.#clock.now();
    // A clock that was set back fills nothing, and takes nothing away.
    const filled = (Math.max(0, now - this.#at) / 1000) * this.#allowance.perSecond;
    this.#tokens = Math.min(this.#allowance.burst, this.#tokens + filled);
    this.#at = now;
  }
}

/** A bucket for each address. Beyond this many the one that was least recently used is forgotten. */
const MOST_ADDRESSES = 10_000;

export class AddressAllowance {
  readonly #allowance: Allowance;
  readonly #clock: Clock;
  /** The least recently used first. */
  readonly #buckets = new Map<string, TokenBucket>();

  constructor(allowance: Allowance, clock: Clock) {
    this.#allowance = allowance;
    this.#clock = clock;
  }

  take(address: string): boolean {
    const bucket = this.#buckets.get(address) ?? new TokenBucket(this.#allowance, this.#clock);
    this.#buckets.delete(address);
    this.#buckets.set(address, bucket);
    const taken = bucket.take();
    this.#forget();
    return taken;
  }

  /** How long until one can be taken, in whole seconds; 0 when one can be now. */
  waitSeconds(address: string): number {
    return this.#buckets.get(address)?.waitSeconds ?? 0;
  }

  /** How many addresses are remembered. */
  get size(): number {
    return this.#buckets.size;
  }

  /** At most two at a time, so that no call pays for a rush. */
  #forget(): void {
    let most = 2;
    for (const [address, bucket] of this.#buckets) {
      if (most-- === 0 || (this.#buckets.size <= MOST_ADDRESSES && !bucket.isFull)) return;
      this.#buckets.delete(address);
    }
  }
}
