import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import { err, ok, type Result } from '../lib/result.ts';
import type { ProviderId } from './catalogue.ts';
import { type Failure, type FailureKind, isTransient } from './failure.ts';
import { type ChainLink, GuardedLink, type LinkState } from './link.ts';
import type { ModelRequest, TokenUsage } from './model-call.ts';
import { DEFAULT_MODEL_LIMITS, type ModelLimits } from './patience.ts';

/** What came of asking a chain. */
export interface ModelAnswer {
  /** Empty when the model let its tool calls speak for it. */
  readonly text: string;
  readonly usage: TokenUsage;
  readonly provider: ProviderId;
  readonly modelId: string;
  /** Who was tried before, in order. */
  readonly failedOver: readonly { readonly provider: ProviderId; readonly kind: FailureKind }[];
}

interface Attempt {
  readonly provider: ProviderId;
  readonly kind: FailureKind;
  readonly detail: string;
}

/**
 * No provider answered. `down`: some may after `retryAfterMs` milliseconds. `refused`, `misconfigured`: waiting will not help.
 */
export type ChainFailure =
  | { readonly kind: 'down'; readonly retryAfterMs: number; readonly tried: readonly Attempt[] }
  | { readonly kind: 'refused' | 'misconfigured'; readonly tried: readonly Attempt[] };

interface ChainOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits?: ModelLimits;
}

/** However soon a provider says it is back. */
const SHORTEST_RETRY_MS = 1000;

/** The providers of one agent, tried in order until one answers. */
export class ModelChain {
  readonly #links: readonly GuardedLink[];
  readonly #logger: Logger;
  readonly #limits: ModelLimits;

  constructor(links: readonly ChainLink[], { clock, logger, limits = DEFAULT_MODEL_LIMITS }: ChainOptions) {
    this.#links = links.map((link) => new GuardedLink(link, clock));
    this.#logger = logger;
    this.#limits = limits;
  }

  /**
   * Gets an answer. `request` is called afresh for every try, so that what the tools of a failed try prepared can be dropped.
   * Throws only the signal's reason, when it aborts.
   */
  async generate(request: () => ModelRequest, signal?: AbortSignal): Promise<Result<ModelAnswer, ChainFailure>> {
    const failures: (Failure & { readonly provider: ProviderId })[] = [];
    for (const link of this.#links) {
      signal?.throwIfAborted();
      const { provider, modelId } = link.state();
      const reply = await link.ask(request, this.#limits, signal);
      if (reply.ok) {
        const { text, usage } = reply.value;
        return ok({
          text,
          usage,
          provider,
          modelId,
          failedOver: failures.map(({ provider, kind }) => ({ provider, kind })),
        });
      }
      this.#logger.warn({ provider, model: modelId, ...reply.error }, 'provider gave no answer');
      failures.push({ provider, ...reply.error });
    }
    return err(chainFailure(failures));
  }

  /** How each provider is doing, in order. */
  state(): readonly LinkState[] {
    return this.#links.map((link) => link.state());
  }
}

function chainFailure(failures: readonly (Failure & { readonly provider: ProviderId })[]): ChainFailure {
  const tried = failures.map(({ provider, kind, detail }) => ({ provider, kind, detail }));
  // One refusal is the answer even if others are down: asking again would only have it refused again.
  if (tried.some(({ kind }) => kind === 'refused')) return { kind: 'refused', tried };
  const waits = failures.filter(({ kind }) => isTransient(kind)).map(({ retryAfterMs }) => retryAfterMs ?? 0);
  if (waits.length === 0) return { kind: 'misconfigured', tried };
  return { kind: 'down', retryAfterMs: Math.max(SHORTEST_RETRY_MS, Math.min(...waits)), tried };
}
