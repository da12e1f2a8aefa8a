import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { DaemonProcess, freePort, launchDaemon } from '../support/daemon-process.ts';
import { ParleyProcess } from '../support/process.ts';
import { noSmallDisks, SmallDisk } from '../support/small-disk.ts';
import { temporaryFolder } from '../support/spool.ts';

const problemSchema = z.object({ error: z.object({ code: z.string(), message: z.string(), hint: z.string() }) });

let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder.remove());

/** A start that is expected to fail: its exit code, and what it wrote for people. */
async function failedStart(env: Readonly<Record<string, string>> = {}, port?: number) {
  await using daemon = launchDaemon({ folder: folder.path, env, ...(port === undefined ? {} : { port }) });
  const { code } = await daemon.ended;
  return { code, errors: daemon.errors };
}

/** The same, with what it wrote for programs. */
async function failedJsonStart(env: Readonly<Record<string, string>> = {}, port = 0) {
  await using daemon = new ParleyProcess(['start', '--json', '--port', String(port)], { folder: folder.path, env });
  const { code } = await daemon.ended;
  const lines = daemon.errors.trimEnd().split('\n');
  expect(lines).toHaveLength(1);
  return { exit: code, ...problemSchema.parse(JSON.parse(daemon.errors)).error };
}

/** The database of a Parley that was here and has stopped. */
async function formerDatabase(): Promise<string> {
  await using daemon = await DaemonProcess.start({ folder: folder.path });
  expect(await daemon.stop()).toBe(0);
  return join(folder.path, 'data', 'coordination.db');
}

describe('a configuration that is wrong', () => {
  const wrong = { HEALTH_PORT: '99999', AI_PROVIDER: 'opnai', AGENT_NAME: 'Atlas' };

  it('[SEC-04] keeps Parley from starting: each place, what is wrong with it, and what mends it', async () => {
    writeFileSync(join(folder.path, 'parley.json5'), '{ budget: { turn: 3 } }');
    await using daemon = new ParleyProcess(['start'], { folder: folder.path, env: wrong });
    expect(await daemon.ended).toEqual({ code: 78, signal: null });
    expect(daemon.errors).toMatch(/^Error: The configuration has 3 problems:$/m);
    expect(daemon.errors).toMatch(/^- HEALTH_PORT: .*from 0 to 65535/m);
    expect(daemon.errors).toMatch(/^- AI_PROVIDER: .*did you mean "openai"\?/m);
    expect(daemon.errors).toMatch(/^- .*parley\.json5.*budget.*turn/m);
    expect(daemon.errors).toMatch(/^Hint: {2}\S/m);
  });

  it('[SEC-04] is one JSON object for programs', async () => {
    expect(await failedJsonStart({ AI_PROVIDER: 'opnai', AGENT_NAME: 'Atlas' })).toEqual({
      exit: 78,
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('AI_PROVIDER'),
      hint: expect.stringMatching(/\S/),
    });
  });

  it('[SEC-04] a key that is missing stops the start and is named with its remedy', async () => {
    const { code, errors } = await failedStart({ AI_PROVIDER: 'openai', AGENT_NAME: 'Atlas' });
    expect(code).toBe(78);
    expect(errors).toMatch(/OPENAI_API_KEY: .*Set OPENAI_API_KEY/);
  });
});

describe('a port that is in use', () => {
  it('[SEC-04] is named, with what to do; whoever has it is not disturbed', async () => {
    const port = await freePort();
    await using first = await DaemonProcess.start({ folder: folder.path, port });
    const elsewhere = { AGENT_COMM_DB_PATH: join(folder.path, 'other.db') };
    const { code, errors } = await failedStart(elsewhere, port);
    expect(code).toBe(69);
    expect(errors).toContain(`Port ${port}`);
    expect(errors).toMatch(/HEALTH_PORT or --port/);
    expect(await failedJsonStart(elsewhere, port)).toMatchObject({ exit: 69, code: 'PORT_IN_USE' });
    expect((await fetch(new URL('/ready', first.url))).status).toBe(200);
  });
});

describe.skipIf(noSmallDisks())('a disk that cannot be written', () => {
  const readOnly = { exit: 73, code: 'DATABASE_READ_ONLY', hint: expect.stringContaining('write permission') };

  it('[SEC-04] is said to be that when there is no database yet', async () => {
    using disk = new SmallDisk(4);
    disk.makeReadOnly();
    for (const path of [join(disk.path, 'coordination.db'), join(disk.path, 'data', 'coordination.db')])
      expect(await failedJsonStart({ AGENT_COMM_DB_PATH: path })).toMatchObject(readOnly);
  });

  it('[SEC-04] is said to be that when there is a database', async () => {
    using disk = new SmallDisk(16);
    const env = { AGENT_COMM_DB_PATH: join(disk.path, 'coordination.db') };
    {
      await using daemon = await DaemonProcess.start({ folder: folder.path, env });
      expect(await daemon.stop()).toBe(0);
    }
    disk.makeReadOnly();
    expect(await failedJsonStart(env)).toMatchObject(readOnly);
  });
});

describe('a database that is not for this Parley', () => {
  it('[SEC-04] of a newer one is left as it is', async () => {
    const path = await formerDatabase();
    const sqlite = new Sqlite(path);
    sqlite.exec("INSERT INTO schema_migration (version, name, breaking, applied_at) VALUES (999, 'later', 1, 0)");
    sqlite.close();
    const before = readFileSync(path);
    const { code, errors } = await failedStart();
    expect(code).toBe(78);
    expect(errors).toMatch(/schema is at 999 \(later\)/);
    expect(errors).toContain('Update Parley');
    expect(await failedJsonStart()).toMatchObject({ exit: 78, code: 'DATABASE_NEWER' });
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  it.each([
    ['a text', Buffer.from('Dear diary, today I have installed something new.\n'.repeat(200))],
    ['noise', randomBytes(20_000)],
  ])('[SEC-04] that is %s is left as it is', async (_what, bytes) => {
    const path = join(folder.path, 'data', 'coordination.db');
    mkdirSync(join(folder.path, 'data'));
    writeFileSync(path, bytes, { mode: 0o644 });
    const { code, errors } = await failedStart();
    expect(code).toBe(65);
    expect(errors).toContain('is not a sound SQLite database');
    expect(await failedJsonStart()).toMatchObject({ exit: 65, code: 'DATABASE_CORRUPT' });
    expect(readFileSync(path).equals(bytes)).toBe(true);
    expect(statSync(path).mode & 0o777).toBe(0o644);
  });
});

describe('standard input', () => {
  it('[RUN-04] may be garbage', async () => {
    await using daemon = await DaemonProcess.start({ folder: folder.path });
    for (let i = 0; i < 20; i++) daemon.process.write(randomBytes(4096));
    expect((await fetch(new URL('/ready', daemon.url))).status).toBe(200);
    expect(await daemon.stop()).toBe(0);
  });
});
