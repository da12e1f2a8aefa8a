import { agentSecrets } from '../daemon/agent-secrets.ts';
import { type Pull, startLink } from '../daemon/link.ts';
import { relayLogger } from '../daemon/relay.ts';
import { untilAskedToStop } from '../daemon/run.ts';
import { spoolSettings } from '../daemon/spool-settings.ts';
import type { SpoolOptions } from './options.ts';
import { printEach } from './output.ts';

export interface LinkOptions extends SpoolOptions {
  readonly pull?: Pull[];
}

/** `parley link`: forwards and fetches until it is asked to stop. */
export async function link(options: LinkOptions): Promise<void> {
  const { pull: pulls = [] } = options;
  const settings = spoolSettings(options);
  const asked = untilAskedToStop();
  const running = await startLink(
    { databasePath: settings.databasePath, pulls, secretOf: agentSecrets() },
    { logger: relayLogger(settings) },
  );
  printEach({ event: 'linked', pulls }, options, () =>
    [
      'Linked. Messages for agents on relays are forwarded.',
      ...pulls.map(({ agent, url }) => `${agent} fetches from ${url}`),
    ].join('\n'),
  );
  await asked;
  await running.stop();
}
