import pino from 'pino';
import type { Logger } from '../lib/logger.ts';
import { type CheckedConfig, checkConfig } from './check-config.ts';

export interface Prepared extends CheckedConfig {
  readonly logger: Logger;
}

/** Reads and checks the configuration, as `checkConfig` does, and makes a logger for it. */
export function prepare(...from: Parameters<typeof checkConfig>): Prepared {
  const checked = checkConfig(...from);
  return { ...checked, logger: pino({ level: checked.config.logLevel }, pino.destination({ dest: 2, sync: true })) };
}

const END_SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** Resolves with the name of the first signal that asks the process to end; a second one ends it at once. */
export function untilAskedToStop(signals = END_SIGNALS): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of signals) {
      process.once(signal, () => {
        process.once(signal, () => process.exit(130));
        resolve(signal);
      });
    }
  });
}
