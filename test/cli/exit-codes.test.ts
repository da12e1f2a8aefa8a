import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CommandLine } from './parley.ts';

let line: CommandLine;
/** A message that agent-b holds. */
let held: string;

beforeAll(async () => {
  line = new CommandLine();
  await line.register('agent-a', 'agent-b');
  await line.parley('send', 'agent-a', 'agent-b', 'Hello', '--id', 'held');
  await line.parley('poll', 'agent-b');
  held = 'held';
  writeFileSync(join(line.folder, 'broken.db'), 'This is a text and not a database.'.repeat(100));
});
afterAll(() => line[Symbol.dispose]());

/** What is typed, and the error that it gives. */
type Case = readonly [args: readonly string[], error: RegExp, hint: RegExp, input?: Uint8Array | string];

const named = (cases: readonly Case[]): [string, Case][] => cases.map((typed) => [typed[0].join(' '), typed]);

const expectError = async (code: number, [args, error, hint, input]: Case): Promise<void> => {
  const outcome = await line.run(args, input === undefined ? {} : { input });
  expect(outcome.stderr).toMatch(/^Error: .+\nHint: {2}.+\n$/s);
  expect(outcome.stderr).toMatch(error);
  expect(outcome.stderr).toMatch(hint);
  expect(outcome.stdout).toBe('');
  expect(outcome.code).toBe(code);
};

describe('[CLI-02] an error says what is wrong and what mends it, and ends with', () => {
  it.concurrent.each(
    named([
      [['sned', 'a', 'b', 'c'], /Unknown command 'sned'\./, /Did you mean send\?/],
      [['send', 'agent-a', 'agent-b'], /Missing required argument 'body'\./, /--help/],
      [['send', 'agent-a', 'agent-b', '-1 degree'], /Unknown option '-1 degree'/, /Put -- before/],
      [['send', 'agent-a', 'agent-b', 'x', '--priority', 'soon'], /'soon' is invalid/, /--help/],
      [['send', 'agent-a', 'agent-b', 'x', '--delay', 'a while'], /--delay takes a length of time/, /help/],
      [
        ['send', 'agent-a', 'agent-b', 'x', '--delay', '1h', '--at', '2030-01-01T00:00Z'],
        /cannot be used with/,
        /help/,
      ],
      [['send', 'agent-a', 'agent-b', 'x', '--at', 'tomorrow'], /--at takes a time/, /help/],
      [['send', 'agent-a', 'agent-b', 'x', '--payload-data', '{task}'], /--payload-data takes JSON/, /Quote it/],
      [['poll', 'agent-b', '--limit', '0'], /--limit takes a whole number/, /help/],
      [['poll', 'agent-b', '--lease', '1.5'], /--lease takes a whole number/, /help/],
      [['nack', 'held', 'agent-b'], /'--reason <text>' not specified/, /help/],
      [['register', 'agent-c'], /--capabilities and -d/, /parley register agent-c -c/],
      [['register', 'agent-c', '--transport-type', 'http'], /belong together/, /--relay-url/],
      [['search'], /nothing to search for/, /--conversation/],
      [['dlq', 'redrive'], /--all, or --agent/, /dlq list/],
      [['dlq', 'redrive', 'held', '--all'], /--all, or --agent/, /dlq list/],
      [['completion', 'tcsh'], /'tcsh' is invalid/, /help/],
    ]),
  )('64 for wrong usage: %s', (_name, typed) => expectError(64, typed));

  it.concurrent.each(
    named([
      [['poll', 'nobody'], /Agent 'nobody' is not registered\./, /parley register nobody -c/],
      [['poll', 'agent-v'], /Agent 'agent-v' is not registered\./, /Did you mean 'agent-/],
      [['send', 'nobody', 'agent-b', 'x'], /Agent 'nobody' is not registered\./, /parley register/],
      [['send', 'agent-a', 'nobody', 'x'], /Agent 'nobody' is not registered\./, /parley register/],
      [['deregister', 'nobody'], /Agent 'nobody' is not registered\./, /parley agents/],
      [
        ['send', 'agent-a', 'agent-b', 'x', '--payload-type', 'task_asignment'],
        /did you mean task_assignment/,
        /Correct/,
      ],
      [['ack', 'unheard-of', 'agent-b'], /unheard-of/, /./],
      [['status', 'unheard-of'], /no message 'unheard-of'/, /parley conversations/],
      [['dlq', 'show', 'held'], /no dead letter 'held'/, /dlq list/],
      [['dlq', 'redrive', 'held'], /no dead letter 'held'/, /dlq list/],
      [['stats', '--db', 'broken.db'], /broken\.db is not a sound SQLite database/, /backup/],
      [['send', 'agent-a', 'agent-b', '-'], /not UTF-8/, /base64/, Uint8Array.of(0x66, 0xff, 0x66)],
      [['send', 'agent-a', 'agent-b', '-'], /more than 1048576 bytes/, /its place/, 'x'.repeat(1024 * 1024 + 1)],
    ]),
  )('65 for wrong data: %s', (_name, typed) => expectError(65, typed));

  it.concurrent('69 when a port is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const address = other.address();
    const port = typeof address === 'object' ? String(address?.port) : '';
    await expectError(69, [['start', '--port', port, '--db', 'other.db'], /is used by another program/, /HEALTH_PORT/]);
    other.close();
  });

  it.concurrent('73 when the database cannot be written', () =>
    expectError(73, [['stats', '--db', '.'], /cannot be written/, /write permission/]));

  it.concurrent('74 when reading or writing fails', () =>
    expectError(74, [['stats', '--db', 'broken.db/x.db'], /ENOTDIR|EEXIST/, /nothing was written/]));

  it.skipIf(!existsSync('/dev/full'))('74 when the output cannot be written', async () => {
    const { code, stderr } = await line.shell('parley agents > /dev/full');
    expect(stderr).toMatch(/^Error: The output cannot be written: ENOSPC/);
    expect(code).toBe(74);
  });

  it.concurrent('75 when somebody else holds the lease', () =>
    expectError(75, [['ack', held, 'agent-b', '--token', 'another'], /held/, /./]));

  it.concurrent('78 for a wrong configuration, with the place of the mistake', async () => {
    const env = { AGENT_COMM_TTL_HOURS: 'long', AGENT_COMM_TRANSPORT: 'pigeon' };
    const { code, stderr } = await line.run(['stats'], { env });
    expect(stderr).toMatch(/AGENT_COMM_TTL_HOURS: must be a whole number of hours/);
    expect(stderr).toMatch(/AGENT_COMM_TRANSPORT: is not a known transport\. Known: sqlite, file/);
    expect(code).toBe(78);
  });

  it.concurrent('1 when the doctor finds a problem', async () => {
    const { code, stdout } = await line.run(['doctor', '--db', 'broken.db']);
    expect(stdout).toMatch(/^problem {2}database: .*not a sound SQLite database.*\n +fix: Restore/m);
    expect(code).toBe(1);
  });

  it.concurrent('64 and its help for a command that needs another word', async () => {
    const { code, stderr, stdout } = await line.run(['dlq']);
    expect(stderr).toMatch(/^Usage: parley dlq/);
    expect([code, stdout]).toEqual([64, '']);
  });
});

describe('[CLI-02] no failure is', () => {
  it.concurrent.each([
    [['poll', 'agent-a']],
    [['--version']],
    [['send', '--help']],
    [['doctor']],
    [['config', 'validate']],
  ])('%j', async (args) => {
    const { code, stderr } = await line.run(args);
    expect(stderr).toBe('');
    expect(code).toBe(0);
  });
});

describe('[CLI-02] for programs', () => {
  it.concurrent.each([
    [['poll', 'nobody', '--json'], 'AGENT_UNKNOWN'],
    [['--json', 'poll', 'nobody'], 'AGENT_UNKNOWN'],
    [['poll', '--json'], 'USAGE'],
  ])('an error is one JSON document: %j', async (args, code) => {
    const { stderr } = await line.run(args);
    expect(JSON.parse(stderr)).toEqual({
      error: { code, message: expect.stringMatching(/./), hint: expect.stringMatching(/./) },
    });
  });
});
