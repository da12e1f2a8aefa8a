import type { LanguageModelV4 } from '@ai-sdk/provider';
import { ParleyError } from '../domain/errors.ts';
import { PROVIDERS, type ProviderId } from './catalogue.ts';
import type { ChainLink } from './link.ts';
import type { RateCap } from './rate-cap.ts';

/** A provider as somebody set it up. What is left out takes the catalogue's default. */
export interface ProviderSettings {
  readonly provider: ProviderId;
  readonly apiKey?: string | undefined;
  readonly model?: string | undefined;
  readonly baseUrl?: string | undefined;
  /** No more requests than this in any minute. */
  readonly requestsPerMinute?: number | undefined;
}

/** The environment variable without which this provider cannot be used, or null when nothing is missing. */
export function missingVariable({ provider, apiKey, model, baseUrl }: ProviderSettings): string | null {
  const { variables, keyRequired, defaultModel, defaultBaseUrl } = PROVIDERS[provider];
  if (keyRequired && !apiKey) return variables.key;
  if (!model && defaultModel === null) return variables.model;
  if (!baseUrl && defaultBaseUrl === null) return variables.baseUrl;
  return null;
}

/** The link of a chain that these settings make. A link with something missing fails as misconfigured when it is tried. */
export function chainLink(settings: ProviderSettings, agentName: string, cap: RateCap | null = null): ChainLink {
  const { provider } = settings;
  const { defaultModel } = PROVIDERS[provider];
  return {
    provider,
    modelId: settings.model || defaultModel || 'none',
    model: () => connect(settings, agentName),
    ...(cap === null ? {} : { cap }),
  };
}

async function connect(settings: ProviderSettings, agentName: string): Promise<LanguageModelV4> {
  const { label, defaultModel, defaultBaseUrl, connect } = PROVIDERS[settings.provider];
  const missing = missingVariable(settings);
  const model = settings.model || defaultModel;
  const baseUrl = settings.baseUrl || defaultBaseUrl;
  if (missing !== null || !model || !baseUrl) {
    throw new ParleyError('PROVIDER_MISCONFIGURED', `${label} is not set up: ${missing} is missing`, {
      hint: `Set ${missing}, or choose another AI_PROVIDER.`,
    });
  }
  return connect({ apiKey: settings.apiKey ?? '', model, baseUrl, agentName });
}
