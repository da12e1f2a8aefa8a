import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/support/spool.ts';
import { ParleyError } from '../domain/errors.ts';
import { type HubFlags, hubSettings } from './hub-settings.ts';

const folder = temporaryFolder();
afterAll(() => folder.remove());
let folders = 0;

interface Given {
  readonly env?: Readonly<Record<string, string>>;
  readonly files?: Readonly<Record<string, string>>;
  readonly flags?: HubFlags;
}

function settingsOf({ env = {}, files = {}, flags = {} }: Given) {
  const cwd = join(folder.path, String(folders++));
  mkdirSync(cwd);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(cwd, name), text);
  return { cwd, settings: hubSettings(flags, { env, cwd }) };
}

function errorOf(given: Given): string {
  try {
    settingsOf(given);
  } catch (error) {
    if (error instanceof ParleyError && error.code === 'CONFIG_INVALID') return error.message;
    throw error;
  }
  throw new Error('nothing was wrong');
}

describe('the settings of the hub', () => {
  it('[HUB-01] need nothing on this machine', () => {
    expect(settingsOf({}).settings).toEqual({
      host: '127.0.0.1',
      port: 8090,
      maxAgents: 50,
      maxPerAddress: 20,
      logLevel: 'info',
      allowedOrigins: [],
      trustedProxies: [],
      secrets: [],
      tls: null,
      databasePath: null,
    });
  });

  it('[HUB-01] come from flags, environment and .env, in this order', () => {
    const { settings, cwd } = settingsOf({
      env: { PORT: '8091', HUB_HOST: '0.0.0.0', HUB_SECRET: 'old, new', HUB_LOG_LEVEL: 'WARN', HUB_MAX_PER_IP: '3' },
      files: {
        '.env':
          'HUB_MAX_AGENTS=7\nPORT=1\nHUB_ALLOWED_ORIGINS=https://A.example.org\nHUB_TRUSTED_PROXIES=10.0.0.0/8,::1',
      },
      flags: { port: '8092', db: 'hub.db' },
    });
    expect(settings).toEqual({
      host: '0.0.0.0',
      port: 8092,
      maxAgents: 7,
      maxPerAddress: 3,
      logLevel: 'warn',
      allowedOrigins: ['https://a.example.org'],
      trustedProxies: ['10.0.0.0/8', '::1'],
      secrets: ['old', 'new'],
      tls: null,
      databasePath: join(cwd, 'hub.db'),
    });
  });

  it('[HUB-01] may have the secrets in a file, one in a line', () => {
    const { settings } = settingsOf({ env: { HUB_SECRET_FILE: 'secrets' }, files: { secrets: 'old\nnew\n\n' } });
    expect(settings.secrets).toEqual(['old', 'new']);
  });

  it.each<[string, Given, RegExp]>([
    ['no secret in production', { env: { NODE_ENV: 'production' } }, /HUB_SECRET: is required with NODE_ENV/],
    ['no secret for others', { flags: { host: '0.0.0.0' } }, /HUB_SECRET: is required when .* other machines/],
    ['a secret of commas', { env: { HUB_HOST: '::', HUB_SECRET: ',,' } }, /HUB_SECRET: is required/],
    ['two places of secrets', { env: { HUB_SECRET: 'a', HUB_SECRET_FILE: 'b' } }, /HUB_SECRET is set too/],
    ['no file of secrets', { env: { HUB_SECRET_FILE: 'b' } }, /cannot be read \(ENOENT\)/],
    ['an empty file of secrets', { env: { HUB_SECRET_FILE: 'b' }, files: { b: '\n' } }, /the file is empty/],
    ['a port that is none', { env: { PORT: 'http' } }, /PORT: must be a whole number from 0 to 65535/],
    ['a flag that is no port', { flags: { port: '70000' } }, /--port: must be a whole number/],
    ['no agents', { env: { HUB_MAX_AGENTS: '0' } }, /HUB_MAX_AGENTS: must be a whole number of agents from 1/],
    ['an unknown level', { env: { HUB_LOG_LEVEL: 'loud' } }, /HUB_LOG_LEVEL: is not a known log level/],
    ['a page for an origin', { env: { HUB_ALLOWED_ORIGINS: 'https://a.org/x' } }, /must be a list of origins/],
    ['any origin', { env: { HUB_ALLOWED_ORIGINS: '*' } }, /must be a list of origins/],
    ['a proxy with a name', { env: { HUB_TRUSTED_PROXIES: 'proxy' } }, /must be a list of IP addresses/],
    ['too narrow a network', { env: { HUB_TRUSTED_PROXIES: '10.0.0.0/33' } }, /must be a list of IP addresses/],
    ['a key alone', { env: { TLS_KEY_PATH: 'key' }, files: { key: 'x' } }, /TLS_KEY_PATH: needs its counterpart/],
    ['no certificate', { env: { TLS_CERT_PATH: 'c', TLS_KEY_PATH: 'c' } }, /TLS_CERT_PATH: the file cannot be read/],
    [
      'something else for a certificate',
      { env: { TLS_CERT_PATH: 'c', TLS_KEY_PATH: 'c' }, files: { c: 'x' } },
      /are no certificate and its key/,
    ],
  ])('[HUB-01] are refused: %s', (_what, given, problem) => {
    expect(errorOf(given)).toMatch(problem);
  });

  it('[HUB-01] are refused all at once, without a secret in what is said', () => {
    const error = errorOf({ env: { PORT: 'x', HUB_MAX_AGENTS: 'y', HUB_SECRET: 'mine', TLS_KEY_PATH: 'nowhere' } });
    expect(error.split('\n').length).toBeGreaterThanOrEqual(4);
    expect(error).not.toContain('mine');
  });
});
