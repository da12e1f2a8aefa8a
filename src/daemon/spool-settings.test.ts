import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/support/spool.ts';
import type { SpoolFlags } from './config/surroundings.ts';
import { spoolSettings } from './spool-settings.ts';

let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder.remove());

const settings = (env: Record<string, string> = {}, flags: SpoolFlags = {}) =>
  spoolSettings(flags, { env, cwd: folder.path });
const write = (name: string, text: string): void => writeFileSync(join(folder.path, name), text);

describe('the settings of the message spool', () => {
  it('[CLI-03] are the documented ones when nobody says anything', () => {
    expect(settings()).toEqual({
      projectRoot: folder.path,
      databasePath: join(folder.path, 'data/coordination.db'),
      transport: 'sqlite',
      logLevel: 'info',
    });
  });

  it('[CLI-03] come from the variables of the guide, whatever their case where that does not matter', () => {
    const env = {
      AGENT_COMM_PROJECT_ROOT: 'project',
      AGENT_COMM_DB_PATH: 'mail.db',
      AGENT_COMM_TRANSPORT: 'File',
      AGENT_COMM_TTL_HOURS: '48',
      AGENT_COMM_LEASE_SECONDS: '90',
      AGENT_COMM_LOG_LEVEL: 'DEBUG',
    };
    expect(settings(env)).toEqual({
      projectRoot: join(folder.path, 'project'),
      databasePath: join(folder.path, 'project/mail.db'),
      transport: 'file',
      ttlHours: 48,
      leaseSeconds: 90,
      logLevel: 'debug',
    });
  });

  it('[CLI-03] are those of a flag before the environment before .env before parley.json5', () => {
    write('parley.json5', "{ databasePath: 'file.db', ttlHours: 1, leaseSeconds: 1 }");
    expect(settings()).toMatchObject({ databasePath: join(folder.path, 'file.db'), ttlHours: 1, leaseSeconds: 1 });
    write('.env', 'AGENT_COMM_DB_PATH=dotenv.db\nAGENT_COMM_TTL_HOURS=2\n');
    const env = { AGENT_COMM_DB_PATH: 'environment.db' };
    expect(settings()).toMatchObject({ databasePath: join(folder.path, 'dotenv.db'), ttlHours: 2, leaseSeconds: 1 });
    expect(settings(env).databasePath).toBe(join(folder.path, 'environment.db'));
    expect(settings(env, { db: 'flag.db' }).databasePath).toBe(join(folder.path, 'flag.db'));
  });

  it('[CLI-03] a path on the command line is from the working directory, one in a setting from the project root', () => {
    const env = { AGENT_COMM_DB_PATH: 'set.db' };
    expect(settings(env, { projectRoot: 'sub' }).databasePath).toBe(join(folder.path, 'sub/set.db'));
    expect(settings(env, { projectRoot: 'sub', db: 'flag.db' }).databasePath).toBe(join(folder.path, 'flag.db'));
  });

  it('[CLI-03] are none the worse for what is wrong with the agents', () => {
    write('parley.json5', "{ agents: 'nobody', provider: 7, leaseSeconds: 30 }");
    expect(settings({ AI_PROVIDER: 'grok' }).leaseSeconds).toBe(30);
  });

  it.each([
    [{ AGENT_COMM_TTL_HOURS: '0' }, /AGENT_COMM_TTL_HOURS: must be a whole number of hours/],
    [{ AGENT_COMM_LEASE_SECONDS: 'long' }, /AGENT_COMM_LEASE_SECONDS: must be a whole number of seconds/],
    [{ AGENT_COMM_TRANSPORT: 'sqlit' }, /AGENT_COMM_TRANSPORT: .*did you mean "sqlite"/],
    [{ AGENT_COMM_LOG_LEVEL: 'chatty' }, /AGENT_COMM_LOG_LEVEL: is not a known log level/],
  ])('[CLI-03] that are wrong are refused, with their place: %j', (env, message) => {
    expect(() => settings(env)).toThrow(message);
  });

  it('[CLI-03] a settings file with a mistake in it is refused, with the place', () => {
    write('parley.json5', '{ leaseSeconds: 0 }');
    expect(() => settings()).toThrow(/parley\.json5: leaseSeconds: must be a whole number/);
    write('parley.json5', '{ leaseSeconds: }');
    expect(() => settings()).toThrow(/parley\.json5: is not valid JSON5 \(line 1/);
  });
});
