import type { AgentId } from '../domain/addresses.ts';
import type { Binding, Panel } from '../domain/routing.ts';
import { PROVIDERS, type ProviderId } from '../providers/catalogue.ts';
import type { Config } from './config/config.ts';

/** What a configuration comes to, for whoever looks whether it is what they meant. */
export interface ConfigSummary {
  readonly mode: Config['mode'];
  /** The path of its file. */
  readonly database: string;
  readonly agents: readonly {
    readonly id: AgentId;
    readonly name: string;
    /** In the order in which they are tried, and likewise with their models. */
    readonly providers: readonly ProviderId[];
    readonly chain: readonly { readonly provider: ProviderId; readonly model: string | null }[];
  }[];
  readonly panels: readonly Panel[];
  readonly bindings: readonly Binding[];
  /** Who answers where nothing else fits; null: whose account it is. */
  readonly defaultAgent: AgentId | null;
  readonly accounts: readonly AgentId[];
}

/** The agents of a configuration, and who of them answers whom. */
export function summarise({ mode, databasePath, agents, routing, accounts }: Config): ConfigSummary {
  return {
    mode,
    database: databasePath,
    agents: agents.map(({ id, name, chain }) => ({
      id,
      name,
      providers: chain.map(({ provider }) => provider),
      chain: chain.map(({ provider, model }) => ({
        provider,
        model: model ?? PROVIDERS[provider].defaultModel,
      })),
    })),
    panels: routing?.panels ?? [],
    bindings: routing?.bindings ?? [],
    defaultAgent: routing?.defaultAgent ?? null,
    accounts,
  };
}
