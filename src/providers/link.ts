import type { LanguageModelV4 } from '@ai-sdk/provider';
import type { Clock } from '../lib/clock.ts';
import { err, type Result } from '../lib/result.ts';
import { Breaker, type BreakerState } from './breaker.ts';
import type { ProviderId } from './catalogue.ts';
import { classifyFailure, type Failure, isTransient } from './failure.ts';
import { callModel, type ModelReply, type ModelRequest } from './model-call.ts';
import type { ModelLimits } from './patience.ts';
import type { RateCap } from './rate-cap.ts';

/** One provider in a chain. */
export interface ChainLink {
  readonly provider: ProviderId;
  readonly modelId: string;
  /** Makes the model; called for every try. */
  model(): Promise<LanguageModelV4>;
  /** Shared by all who use the same key. */
  readonly cap?: RateCap;
}

/** How a link is doing, for people. */
export interface LinkState {
  readonly provider: ProviderId;
  readonly modelId: string;
  readonly breaker: BreakerState;
  /** `at`: epoch milliseconds. */
  readonly lastFailure: (Pick<Failure, 'kind' | 'detail'> & { readonly at: number }) | null;
}

/** A wrong key does not mend itself: it is looked at again after ten minutes, or a restart. */
const MISCONFIGURED_OPEN_MS = 10 * 60_000;
/** A provider may ask for a day's rest; it is probed again before that. */
const LONGEST_REST_MS = 10 * 60_000;
/** When nothing says how long to wait. */
const RETRY_SOON_MS = 5000;

/** A link with its breaker and its cap. */
export class GuardedLink {
  readonly #link: ChainLink;
  readonly #clock: Clock;
  readonly #breaker: Breaker;
  readonly #cap: RateCap | null;
  #lastFailure: LinkState['lastFailure'] = null;

  constructor(link: ChainLink, clock: Clock) {
    this.#link = link;
    this.#clock = clock;
    this.#breaker = new Breaker(clock);
    this.#cap = link.cap ?? null;
  }

  state(): LinkState {
    const { provider, modelId } = this.#link;
    return { provider, modelId, breaker: this.#breaker.state, lastFailure: this.#lastFailure };
  }

  /** Asks once, unless breaker or cap forbid it. Every transient failure says when to come again. Throws only on abort. */
  async ask(
    request: () => ModelRequest,
    limits: ModelLimits,
    signal?: AbortSignal,
  ): Promise<Result<ModelReply, Failure>> {
    const capWaitMs = this.#cap?.waitMs() ?? 0;
    if (capWaitMs > 0) {
      return err({ kind: 'rate-limited', retryAfterMs: capWaitMs, detail: 'our cap of requests per minute' });
    }
    if (!this.#breaker.tryEnter()) return err(this.#skipped());
    this.#cap?.count();
    try {
      const reply = await this.#call(request, limits, signal);
      if (reply.ok) this.#breaker.succeeded();
      return reply.ok ? reply : err(this.#failed(reply.error));
    } catch (error) {
      this.#breaker.left();
      throw error;
    }
  }

  async #call(
    request: () => ModelRequest,
    limits: ModelLimits,
    signal?: AbortSignal,
  ): Promise<Result<ModelReply, Failure>> {
    let requests = 0;
    // The first was counted before anything was waited for, so that calls at the same time see each other.
    const onRequest = (): void => {
      requests += 1;
      if (requests > 1) this.#cap?.count();
    };
    let model: LanguageModelV4;
    try {
      model = await this.#link.model();
    } catch (error) {
      return err(classifyFailure(error, this.#clock.now()));
    }
    return callModel(model, request(), { clock: this.#clock, limits, signal, onRequest });
  }

  #failed(failure: Failure): Failure {
    const { kind, detail } = failure;
    this.#lastFailure = { kind, detail, at: this.#clock.now() };
    this.#tellBreaker(failure);
    return isTransient(kind) ? { ...failure, retryAfterMs: this.#breaker.waitMs || RETRY_SOON_MS } : failure;
  }

  /** A refused or rejected request is no failure of the link: it is up, it just does not want this one. */
  #tellBreaker({ kind, retryAfterMs }: Failure): void {
    if (kind === 'misconfigured') this.#breaker.open(MISCONFIGURED_OPEN_MS);
    else if (!isTransient(kind)) this.#breaker.succeeded();
    else if (retryAfterMs) this.#breaker.open(Math.min(retryAfterMs, LONGEST_REST_MS));
    else this.#breaker.failed();
  }

  /** The failure of a link that is not asked because its breaker is open: the one that opened it. */
  #skipped(): Failure {
    const { kind, detail } = this.#lastFailure ?? { kind: 'unavailable', detail: 'no failure on record' };
    const failure = { kind, detail: `not asked since: ${detail}` };
    return isTransient(kind) ? { ...failure, retryAfterMs: this.#breaker.waitMs || RETRY_SOON_MS } : failure;
  }
}
