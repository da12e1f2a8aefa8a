import pino from 'pino';
import type { Logger } from '../lib/logger.ts';
import type { Config } from './config/config.ts';
import type { Flags } from './config/layers.ts';
import { loadConfig } from './config/load.ts';
import { configInvalid, describeProblem } from './config/problem.ts';
import { processSurroundings, type Surroundings, worldReadable } from './config/sources.ts';
import { checkStartup } from './config/startup-checks.ts';

export interface Prepared {
  readonly config: Config;
  /** One line each: what works, but should be looked at. */
  readonly warnings: readonly string[];
  readonly logger: Logger;
}

/** Reads and checks the configuration. Throws CONFIG_INVALID with everything that keeps the agents from starting. */
export function prepare(flags: Flags, surroundings: Surroundings = processSurroundings()): Prepared {
  const loaded = loadConfig({ flags, ...surroundings });
  if (!loaded.ok) throw loaded.error;
  const { config, warnings, privateFiles } = loaded.value;
  const problems = [
    ...warnings,
    ...checkStartup(config, { worldReadable: worldReadable([...privateFiles, config.databasePath]) }),
  ];
  const errors = problems.filter(({ severity }) => severity === 'error');
  if (errors.length > 0) throw configInvalid(errors);
  return {
    config,
    warnings: problems.map(describeProblem),
    logger: pino({ level: config.logLevel }, pino.destination({ dest: 2, sync: true })),
  };
}

/** Resolves with the name of the first signal that asks the process to end; a second one ends it at once. */
export function untilAskedToStop(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.once(signal, () => {
        process.once(signal, () => process.exit(130));
        resolve(signal);
      });
    }
  });
}
