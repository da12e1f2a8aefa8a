import { startDaemon } from '../daemon/daemon.ts';
import { prepare, untilAskedToStop } from '../daemon/run.ts';
import { printLine } from './output.ts';

/** `parley start`: runs until it is asked to stop, then drains. */
export async function start(flags: { port?: string; provider?: string[] }): Promise<void> {
  const { config, warnings, logger } = prepare(flags);
  const asked = untilAskedToStop();
  const daemon = await startDaemon(config, { logger });
  for (const warning of warnings) process.stderr.write(`Warning: ${warning}\n`);
  printLine(`Parley is running: ${daemon.url}`);
  for (const provider of config.offers) {
    printLine(`A key for ${provider} is set and not used: npm start -- --provider ${provider} uses it.`);
  }
  await asked;
  printLine('Stopping: what is in hand is finished, the rest waits for the next start.');
  await daemon.stop();
}
