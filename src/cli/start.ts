import { agentSecrets } from '../daemon/agent-secrets.ts';
import { startDaemon } from '../daemon/daemon.ts';
import { prepare, untilAskedToStop } from '../daemon/run.ts';
import type { RunOptions } from './options.ts';
import { printEach } from './output.ts';

/** `parley start`: runs until it is asked to stop, then drains. */
export async function start(options: RunOptions): Promise<void> {
  const { config, warnings, logger } = prepare(options);
  const asked = untilAskedToStop();
  const daemon = await startDaemon(config, { logger, secretOf: agentSecrets() });
  for (const warning of warnings) process.stderr.write(`Warning: ${warning}\n`);
  printEach({ event: 'running', url: daemon.url }, options, ({ url }) => `Parley is running: ${url}`);
  for (const provider of config.offers) {
    printEach(
      { event: 'unused-key', provider },
      options,
      () => `A key for ${provider} is set and not used: npm start -- --provider ${provider} uses it.`,
    );
  }
  await asked;
  printEach(
    { event: 'stopping' },
    options,
    () => 'Stopping: what is in hand is finished, the rest waits for the next start.',
  );
  await daemon.stop();
  // What libraries have left running for a while is not waited for: all that matters has been written.
  setImmediate(() => process.exit());
}
