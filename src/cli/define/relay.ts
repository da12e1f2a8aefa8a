import { isIP } from 'node:net';
import { type Command, Option } from 'commander';
import { ParleyError } from '../../domain/errors.ts';
import { duration, list, whole } from '../arguments.ts';
import type { LinkOptions } from '../link.ts';
import type { SpoolOptions } from '../options.ts';
import type { RelayStartOptions, RotateOptions } from '../relay.ts';
import { examples } from './examples.ts';

const DAY_S = 86_400;

/** The commands that connect machines. */
export function defineRelayCommands(parley: Command): void {
  const relay = parley
    .command('relay')
    .description('The HTTP relay: mailboxes for agents on other machines.')
    .addHelpText(
      'after',
      examples('parley relay start', 'parley relay gen-secret agent-b', 'parley relay list-secrets'),
    );

  relay
    .command('start')
    .description('Serve the mailboxes of this database until Ctrl-C.')
    .option('--host <address>', 'where to listen; 0.0.0.0 for all networks', '127.0.0.1')
    .option('--port <number>', 'the port', whole('--port', 0, 65_535), 8420)
    .option(
      '--trust-proxy <addresses>',
      'believe X-Forwarded-For of these proxies: IP addresses or CIDR ranges',
      addresses,
    )
    .addHelpText('after', examples('parley relay start', 'parley relay start --host 0.0.0.0 --port 8420'))
    .action(async (options: RelayStartOptions) => (await import('../relay.ts')).startRelayServer(options));

  relay
    .command('gen-secret <agent>')
    .description('Make the secret of an agent, and print it. An older one is void at once.')
    .addHelpText('after', examples('parley relay gen-secret agent-b'))
    .action(async (agent: string, options: SpoolOptions) => (await import('../relay.ts')).genSecret(agent, options));

  relay
    .command('rotate <agent>')
    .description('The same, and the older one is accepted for a while.')
    .addOption(
      new Option('--overlap <duration>', 'for how long: 90s, 15m, 2h, 1d')
        .argParser(duration('--overlap'))
        .default(DAY_S, '1d'),
    )
    .addHelpText('after', examples('parley relay rotate agent-b --overlap 2h'))
    .action(async (agent: string, options: RotateOptions) =>
      (await import('../relay.ts')).rotateSecret(agent, options),
    );

  relay
    .command('list-secrets')
    .description('Who has a secret, and since when. The secrets themselves are not shown.')
    .addHelpText('after', examples('parley relay list-secrets', 'parley relay list-secrets --json'))
    .action(async (options: SpoolOptions) => (await import('../relay.ts')).listSecrets(options));

  parley
    .command('link')
    .description(
      'Connect this database with relays until Ctrl-C: forward what is for agents there, fetch what is for agents here.',
    )
    .option('--pull <agent=url>', 'fetch what waits for this agent on this relay; may be given again', pull)
    .addHelpText('after', examples('parley link', 'parley link --pull agent-a=http://machine-b:8420'))
    .action(async (options: LinkOptions) => (await import('../link.ts')).link(options));
}

const BITS: Readonly<Record<number, number>> = { 4: 32, 6: 128 };

function addresses(text: string): string[] {
  const named = list(text);
  const wrong = named.find((each) => {
    const [ip = '', prefix = '0', ...rest] = each.split('/');
    return rest.length > 0 || !/^\d+$/.test(prefix) || Number(prefix) > (BITS[isIP(ip)] ?? -1);
  });
  if (wrong === undefined) return named;
  throw new ParleyError('USAGE', `--trust-proxy takes IP addresses or CIDR ranges, separated by commas, not ${wrong}.`);
}

function pull(text: string, before: LinkOptions['pull'] = []): NonNullable<LinkOptions['pull']> {
  const [, agent, url] = /^([^=]+)=(\S+)$/.exec(text) ?? [];
  if (agent === undefined || url === undefined) {
    throw new ParleyError(
      'USAGE',
      '--pull takes an agent and the address of its relay: agent-a=http://machine-b:8420.',
    );
  }
  return [...before, { agent, url }];
}
