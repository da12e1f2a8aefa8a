import { checkConfig } from '../daemon/check-config.ts';
import type { SpoolOptions } from './options.ts';
import { printResult } from './output.ts';

/** `parley config validate`: what `parley start` would say of the configuration. Throws CONFIG_INVALID with all that is wrong. */
export function validateConfig(options: SpoolOptions): void {
  const { config, warnings } = checkConfig(options);
  const { mode, databasePath } = config;
  const agents = config.agents.map(({ id, name, chain }) => ({
    id,
    name,
    providers: chain.map(({ provider }) => provider),
  }));
  printResult({ mode, database: databasePath, agents, warnings }, options, () =>
    [
      mode === 'demo'
        ? 'The configuration is valid. It names no agents: the demo runs.'
        : 'The configuration is valid.',
      `Database: ${databasePath}`,
      ...agents.map(({ id, name, providers }) => `Agent ${id}: ${name}, ${providers.join(', then ')}`),
      ...warnings.map((warning) => `Warning: ${warning}`),
    ].join('\n'),
  );
}
