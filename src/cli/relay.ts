import { agentSecrets } from '../daemon/agent-secrets.ts';
import { relayLogger, type SecretRecord, startRelay, withRelaySecrets } from '../daemon/relay.ts';
import { untilAskedToStop } from '../daemon/run.ts';
import { spoolSettings } from '../daemon/spool-settings.ts';
import { isAgentId } from '../domain/addresses.ts';
import { ParleyError } from '../domain/errors.ts';
import type { SpoolOptions } from './options.ts';
import { isoTime, localTime, printEach, printResult } from './output.ts';

export interface RelayStartOptions extends SpoolOptions {
  readonly host: string;
  readonly port: number;
  readonly trustProxy?: string[];
}

export interface RotateOptions extends SpoolOptions {
  /** Seconds. */
  readonly overlap: number;
}

const LOOPBACK: readonly string[] = ['127.0.0.1', '::1', 'localhost'];

/** `parley relay start`: serves until it is asked to stop. */
export async function startRelayServer(options: RelayStartOptions): Promise<void> {
  const { host, port, trustProxy: trustedProxies = [] } = options;
  const settings = spoolSettings(options);
  const asked = untilAskedToStop();
  const { databasePath } = settings;
  const relay = await startRelay(
    { databasePath, host, port, trustedProxies, secretOf: agentSecrets() },
    { logger: relayLogger(settings) },
  );
  if (!LOOPBACK.includes(host)) {
    process.stderr.write(
      'Warning: what is sent to the relay is signed and not encrypted. Put it behind an HTTPS proxy or a VPN.\n',
    );
  }
  printEach({ event: 'running', url: relay.url }, options, ({ url }) => `The relay is running: ${url}`);
  await asked;
  await relay.stop();
}

/** `parley relay gen-secret`: the old ones are void at once. */
export async function genSecret(agent: string, options: SpoolOptions): Promise<void> {
  await replaceSecret(agent, 0, options);
}

/** `parley relay rotate`: the old ones are accepted for a while. */
export async function rotateSecret(agent: string, options: RotateOptions): Promise<void> {
  await replaceSecret(agent, options.overlap * 1000, options);
}

/** `parley relay list-secrets`: whose, never which. */
export async function listSecrets(options: SpoolOptions): Promise<void> {
  const secrets = await withRelaySecrets(spoolSettings(options), (store) => store.list());
  printResult({ secrets: secrets.map(documentOf) }, options, () =>
    secrets.length === 0
      ? 'No agent has a secret. To make one: parley relay gen-secret <agent>'
      : secrets.map(describe).join('\n'),
  );
}

/** The secret alone is on standard output, so that a script can take it from there. */
async function replaceSecret(name: string, overlapMs: number, options: SpoolOptions): Promise<void> {
  if (!isAgentId(name)) throw new ParleyError('USAGE', `'${name}' cannot be the name of an agent.`);
  const secret = await withRelaySecrets(spoolSettings(options), (store) => store.replace(name, overlapMs));
  printResult({ agent: name, secret }, options, () => secret);
}

function documentOf({ agent, fingerprint, madeAt, endsAt }: SecretRecord) {
  return { agent, fingerprint, made_at: isoTime(madeAt), ends_at: endsAt === null ? null : isoTime(endsAt) };
}

function describe({ agent, fingerprint, madeAt, endsAt }: SecretRecord): string {
  const ends = endsAt === null ? '' : `, accepted until ${localTime(endsAt)}`;
  return `${agent} ${fingerprint} made ${localTime(madeAt)}${ends}`;
}
