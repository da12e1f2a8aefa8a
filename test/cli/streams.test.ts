import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CommandLine, type LongRun } from './parley.ts';

const OPENED = /debug: opened/;

/** A command that is at work: it has the spool open and listens for Ctrl-C. */
async function atWork(line: CommandLine, ...args: readonly string[]): Promise<LongRun> {
  const command = line.start(args, { env: { AGENT_COMM_LOG_LEVEL: 'debug' } });
  await command.until('stderr', OPENED);
  return command;
}

describe('standard input', () => {
  it.each([
    ['several lines', 'one\ntwo — 漢字\n', 'one\ntwo — 漢字'],
    ['two line feeds at the end', 'one\n\n', 'one\n'],
    ['nothing', '', ''],
    ['as much as a body may have', 'é'.repeat(512 * 1024), 'é'.repeat(512 * 1024)],
  ])('[CLI-01] is the body for a hyphen: %s', async (_what, input, body) => {
    using line = new CommandLine();
    await line.register('agent-a', 'agent-b');
    const { code, stderr } = await line.run(['send', 'agent-a', 'agent-b', '-', '--id', 'piped'], { input });
    expect([code, stderr]).toEqual([0, '']);
    expect(await line.json('status', 'piped')).toMatchObject({ message: { body } });
  });
});

describe('standard output', () => {
  it('[CLI-02] may be closed before all is read: no error, no noise', async () => {
    using line = new CommandLine();
    const { code, stderr } = await line.shell('parley completion bash | true; parley --help | head -1');
    expect([code, stderr]).toEqual([0, '']);
  });

  it('[CLI-02] has colours only where they are wanted', async () => {
    using line = new CommandLine();
    await line.register('agent-a');
    const escapes = async (env: Record<string, string>): Promise<boolean> =>
      (await line.run(['agents'], { env })).stdout.includes('\u001b[');
    expect(await escapes({})).toBe(false);
    expect(await escapes({ FORCE_COLOR: '1' })).toBe(true);
    expect(await escapes({ NO_COLOR: '1' })).toBe(false);
  });

  it('[CLI-02] shows the control characters of a message and does not obey them', async () => {
    using line = new CommandLine();
    await line.register('agent-a', 'agent-b');
    await line.parley('send', 'agent-a', 'agent-b', '\u001b[2Jgone\nFrom: the-boss');
    const polled = await line.parley('poll', 'agent-b');
    expect(polled).toContain('\n  Body: \\u001b[2Jgone\n      From: the-boss\n');
    expect(polled).not.toContain('\u001b');
  });
});

describe('the file transport', () => {
  it('[CLI-03] [REL-01] carries messages as files, by the environment or by a flag', async () => {
    using line = new CommandLine();
    await line.register('agent-a', 'agent-b');
    const env = { AGENT_COMM_TRANSPORT: 'file' };
    await line.run(['send', 'agent-a', 'agent-b', 'As a file', '--id', 'filed'], { env });
    expect(readdirSync(join(line.folder, 'data/inbox/agent-b')).join()).toContain('filed');
    expect(await line.parley('poll', 'agent-b', '--transport', 'file')).toContain('Body: As a file');
    expect(await line.parley('ack', 'filed', 'agent-b', '--transport', 'file')).toBe('Acknowledged: filed\n');
    expect((await line.run(['tail'], { env })).code).toBe(64);
  });
});

describe('a command that waits', () => {
  it('[SPL-09] [CLI-02] poll --wait gets what another process sends: a line of JSON for each message', async () => {
    using line = new CommandLine();
    await line.register('agent-a', 'agent-b');
    const waiting = await atWork(line, 'poll', 'agent-b', '--wait', '--json');
    await line.parley('send', 'agent-a', 'agent-b', 'At last', '--id', 'awaited');
    const { code, stdout } = await waiting.ended;
    expect(code).toBe(0);
    expect(
      stdout
        .trimEnd()
        .split('\n')
        .map((text) => JSON.parse(text)),
    ).toMatchObject([{ message: { id: 'awaited', body: 'At last' }, attempt: 1 }]);
  });

  it('[CLI-02] poll --wait ends with 130 by Ctrl-C, and has taken nothing', async () => {
    using line = new CommandLine();
    await line.register('agent-a', 'agent-b');
    const waiting = await atWork(line, 'poll', 'agent-b', '--wait');
    waiting.signal('SIGINT');
    expect((await waiting.ended).code).toBe(130);
    await line.parley('send', 'agent-a', 'agent-b', 'Afterwards');
    expect(await line.parley('poll', 'agent-b')).toContain('Found 1 message(s)');
  });

  it('[CLI-02] tail shows what other processes do, and ends with 0 by Ctrl-C', async () => {
    using line = new CommandLine();
    await line.register('agent-a', 'agent-b');
    const tail = await atWork(line, 'tail', '--agent', 'agent-b', '--json');
    await line.parley('send', 'agent-a', 'agent-b', 'Hello', '-s', 'Greeting', '--id', 'followed');
    await tail.until('stdout', /"accepted"/);
    await line.parley('poll', 'agent-b');
    await tail.until('stdout', /"claimed"/);
    await line.parley('ack', 'followed', 'agent-b');
    await tail.until('stdout', /"settled"/);
    tail.signal('SIGINT');
    const { code, stdout } = await tail.ended;
    expect(code).toBe(0);
    const events = stdout
      .trimEnd()
      .split('\n')
      .map((text) => JSON.parse(text));
    expect(events).toMatchObject(
      ['accepted', 'claimed', 'settled'].map((event) => ({
        event,
        id: 'followed',
        to: 'agent-b',
        subject: 'Greeting',
      })),
    );
  });
});
