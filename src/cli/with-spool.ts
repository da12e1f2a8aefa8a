import { type Coordinator, openSpool } from '../daemon/open-spool.ts';
import { spoolSettings } from '../daemon/spool-settings.ts';
import type { SpoolOptions } from './options.ts';

/** Opens the message spool that the options and the surroundings name, does the work, and closes it. */
export async function withSpool<T>(options: SpoolOptions, work: (spool: Coordinator) => Promise<T> | T): Promise<T> {
  const settings = spoolSettings(options);
  const debug = (text: string): void => {
    if (settings.logLevel === 'debug') process.stderr.write(`debug: ${text}\n`);
  };
  debug(`${settings.transport} transport, database ${settings.databasePath}, project root ${settings.projectRoot}`);
  const begun = performance.now();
  const spool = openSpool(settings);
  debug(`opened after ${Math.round(performance.now() - begun)} ms`);
  try {
    return await work(spool);
  } finally {
    await spool.close();
    debug(`closed after ${Math.round(performance.now() - begun)} ms`);
  }
}
