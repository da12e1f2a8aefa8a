import { startHub } from '../daemon/hub.ts';
import type { HubFlags } from '../daemon/hub-settings.ts';
import { untilAskedToStop } from '../daemon/run.ts';
import { type OutputOptions, printEach } from './output.ts';

/** `parley hub`: runs until it is asked to stop; SIGHUP has it read its secrets again. */
export async function hub(options: HubFlags & OutputOptions): Promise<void> {
  const asked = untilAskedToStop(['SIGINT', 'SIGTERM']);
  const running = await startHub(options);
  process.on('SIGHUP', () => running.reload());
  printEach({ event: 'running', url: running.url }, options, ({ url }) => `The hub is running: ${url}`);
  await asked;
  printEach(
    { event: 'stopping' },
    options,
    () => 'Stopping: the agents are told, and what they have in hand is answered.',
  );
  await running.stop();
}
