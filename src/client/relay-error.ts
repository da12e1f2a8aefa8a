import { CodedError } from '../lib/errors.ts';

interface Circumstances {
  readonly hint: string;
  readonly reason?: string;
  readonly status?: number | null;
  readonly retryAfterMs?: number | null;
  readonly cause?: unknown;
}

/**
 * What a relay, or the way to it, has refused. The code is the relay's own (docs/guides/relay.md has them all), or HTTP_ and the status when it
 * gave none; INVALID_ADDRESS, UNREACHABLE or UNEXPECTED_ANSWER when it was not the relay that refused.
 */
export class RelayError extends CodedError<string> {
  /** What came of the request, in a few words. */
  readonly reason: string;
  /** Of HTTP; null when there was no answer. */
  readonly status: number | null;
  /** When it is worth trying again; null when the relay did not say. */
  readonly retryAfterMs: number | null;

  constructor(
    code: string,
    message: string,
    { hint, reason = message, status = null, retryAfterMs = null, cause }: Circumstances,
  ) {
    super(code, message, hint, cause);
    this.reason = reason;
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }

  /** Whether the same request may be taken later: it was not this request that was wrong. */
  get mayPass(): boolean {
    return this.status === null ? this.code !== 'INVALID_ADDRESS' : !isForGood(this.status);
  }
}

/** Of the 4xx these say that it cannot be now; the others, that it can never be. */
const NOT_NOW: readonly number[] = [408, 425, 429];

const isForGood = (status: number): boolean => status >= 400 && status < 500 && !NOT_NOW.includes(status);
