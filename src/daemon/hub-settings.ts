import { isIP } from 'node:net';
import { join, resolve } from 'node:path';
import { createSecureContext } from 'node:tls';
import { z } from 'zod';
import { readValue, splitList } from './config/bindings.ts';
import { LOG_LEVELS } from './config/config.ts';
import { oneOf, text, whole } from './config/fields.ts';
import { configInvalid, type Problem } from './config/problem.ts';
import {
  mergeVariables,
  problem,
  processSurroundings,
  readOptional,
  readText,
  type Surroundings,
  unreadable,
  type Variable,
} from './config/surroundings.ts';

/** What the command line says of the hub. */
export interface HubFlags {
  readonly port?: string;
  readonly host?: string;
  readonly db?: string;
}

const isNetwork = (value: string): boolean => {
  const [address = '', prefix, ...rest] = value.split('/');
  const family = isIP(address);
  const fits = prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (family === 6 ? 128 : 32));
  return family !== 0 && fits && rest.length === 0;
};

/** As a browser writes it: scheme, host and port, nothing after them. */
const isOrigin = (value: string): boolean => URL.canParse(value) && new URL(value).origin === value.toLowerCase();

const settingsSchema = z.object({
  PORT: whole('', 0, 65_535).default(8090),
  HUB_HOST: text.default('127.0.0.1'),
  HUB_MAX_AGENTS: whole('agents', 1, 10_000).default(50),
  HUB_MAX_PER_IP: whole('connections', 1, 10_000).default(20),
  HUB_LOG_LEVEL: oneOf('log level', LOG_LEVELS).default('info'),
  HUB_ALLOWED_ORIGINS: z
    .array(z.string().refine(isOrigin, 'must be a list of origins such as https://example.org, without a path'))
    .default([]),
  HUB_TRUSTED_PROXIES: z
    .array(z.string().refine(isNetwork, 'must be a list of IP addresses and networks such as 10.0.0.0/8'))
    .default([]),
  HUB_DB_PATH: text.optional(),
  NODE_ENV: z.string().optional(),
});

const KINDS = {
  PORT: 'number',
  HUB_HOST: 'text',
  HUB_MAX_AGENTS: 'number',
  HUB_MAX_PER_IP: 'number',
  HUB_LOG_LEVEL: 'word',
  HUB_ALLOWED_ORIGINS: 'list',
  HUB_TRUSTED_PROXIES: 'list',
  HUB_DB_PATH: 'text',
  NODE_ENV: 'text',
} as const;

export interface HubSettings {
  readonly host: string;
  readonly port: number;
  readonly maxAgents: number;
  readonly maxPerAddress: number;
  readonly logLevel: (typeof LOG_LEVELS)[number];
  /** Lower case. */
  readonly allowedOrigins: readonly string[];
  readonly trustedProxies: readonly string[];
  readonly secrets: readonly string[];
  /** PEM. */
  readonly tls: { readonly cert: string; readonly key: string } | null;
  /** Absolute; null: tasks do not wait. */
  readonly databasePath: string | null;
}

type Variables = ReadonlyMap<string, Variable>;

/** The settings of the hub: flags over environment over `.env`. Throws CONFIG_INVALID with everything that is wrong. */
export function hubSettings(flags: HubFlags, surroundings: Surroundings = processSurroundings()): HubSettings {
  const { cwd } = surroundings;
  const problems: Problem[] = [];
  const variables = readVariables(flags, surroundings, problems);
  const unchecked: Record<string, unknown> = {};
  for (const [name, kind] of Object.entries(KINDS)) {
    const found = variables.get(name);
    if (found) unchecked[name] = readValue(found.value, kind);
  }
  const parsed = settingsSchema.safeParse(unchecked);
  for (const { path, message } of parsed.error?.issues ?? []) {
    const name = String(path[0]);
    problems.push(problem(variables.get(name)?.where ?? name, message, 'Correct it or leave it out.'));
  }
  const secrets = readSecrets(variables, cwd, problems);
  const tls = readTls(variables, cwd, problems);
  if (parsed.success && secrets.length === 0) problems.push(...missingSecret(parsed.data));
  if (!parsed.success || problems.length > 0) throw configInvalid(problems);

  const { data } = parsed;
  return {
    host: data.HUB_HOST,
    port: data.PORT,
    maxAgents: data.HUB_MAX_AGENTS,
    maxPerAddress: data.HUB_MAX_PER_IP,
    logLevel: data.HUB_LOG_LEVEL,
    allowedOrigins: data.HUB_ALLOWED_ORIGINS.map((origin) => origin.toLowerCase()),
    trustedProxies: data.HUB_TRUSTED_PROXIES,
    secrets,
    tls,
    databasePath: data.HUB_DB_PATH === undefined ? null : resolve(cwd, data.HUB_DB_PATH),
  };
}

function readVariables(flags: HubFlags, { env, cwd }: Surroundings, problems: Problem[]): Variables {
  const variables = mergeVariables(env, readOptional(join(cwd, '.env'), problems));
  const given = { PORT: flags.port, HUB_HOST: flags.host, HUB_DB_PATH: flags.db };
  const flagOf = { PORT: '--port', HUB_HOST: '--host', HUB_DB_PATH: '--db' };
  for (const name of ['PORT', 'HUB_HOST', 'HUB_DB_PATH'] as const) {
    const value = given[name];
    if (value !== undefined) variables.set(name, { value, where: flagOf[name], fromFile: false });
  }
  return variables;
}

/** Several, separated by commas or in lines of a file, while one is exchanged for another. */
function readSecrets(variables: Variables, cwd: string, problems: Problem[]): string[] {
  const direct = variables.get('HUB_SECRET');
  const named = variables.get('HUB_SECRET_FILE');
  if (direct && named) problems.push(problem(named.where, 'HUB_SECRET is set too', 'Keep one of the two.'));
  if (!named) return splitList(direct?.value ?? '');
  const read = readText(resolve(cwd, named.value));
  if (!read.ok) problems.push(unreadable(named.where, read.error));
  const secrets = read.ok ? splitList(read.value.replaceAll('\n', ',')) : [];
  if (read.ok && secrets.length === 0)
    problems.push(problem(named.where, 'the file is empty', 'Write the secret into it.'));
  return secrets;
}

function readTls(variables: Variables, cwd: string, problems: Problem[]): HubSettings['tls'] {
  const cert = readPem('TLS_CERT_PATH', variables, cwd, problems);
  const key = readPem('TLS_KEY_PATH', variables, cwd, problems);
  if (cert && key) return checkedPair({ cert, key }, problems);
  const alone = cert === null ? 'TLS_KEY_PATH' : 'TLS_CERT_PATH';
  if ((cert === null) !== (key === null))
    problems.push(problem(alone, 'needs its counterpart', 'Set both TLS_CERT_PATH and TLS_KEY_PATH, or neither.'));
  return null;
}

function checkedPair(pair: { cert: string; key: string }, problems: Problem[]): typeof pair {
  try {
    createSecureContext(pair);
  } catch {
    const message = 'these are no certificate and its key';
    problems.push(problem('TLS_CERT_PATH and TLS_KEY_PATH', message, 'Name a certificate and its key, both in PEM.'));
  }
  return pair;
}

/** Empty when it cannot be read. */
function readPem(name: string, variables: Variables, cwd: string, problems: Problem[]): string | null {
  const path = variables.get(name);
  if (!path) return null;
  const read = readText(resolve(cwd, path.value));
  if (read.ok) return read.value;
  problems.push(unreadable(path.where, read.error));
  return '';
}

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|::1)$/i;

function missingSecret({ HUB_HOST: host, NODE_ENV: mode }: z.output<typeof settingsSchema>): Problem[] {
  const isProduction = mode === 'production';
  if (!isProduction && LOOPBACK.test(host)) return [];
  const why = isProduction ? 'with NODE_ENV=production' : 'when the hub is reached from other machines';
  const fix = `Make one with: node -e "console.log(require('crypto').randomBytes(32).toString('hex'))"`;
  return [problem('HUB_SECRET', `is required ${why}`, fix)];
}
