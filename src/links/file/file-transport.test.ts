import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../../test/support/spool.ts';
import { type AgentId, agentId } from '../../domain/addresses.ts';
import { ManualClock } from '../../lib/manual-clock.ts';
import { completeDraft, type MessageDraft, type MessageV2 } from '../../protocol/message-v2.ts';
import { FileTransport } from './file-transport.ts';
import { formatName, parseName } from './names.ts';

const bob = agentId('bob');

function open() {
  const folder = temporaryFolder();
  const root = join(folder.path, 'root');
  const clock = new ManualClock();
  const transport = new FileTransport(root, { clock });
  const inbox = join(root, 'inbox', 'bob');
  return { folder, root, clock, transport, inbox, [Symbol.dispose]: () => folder.remove() };
}

function message(draft: Partial<MessageDraft> = {}, now = new ManualClock().now()): MessageV2 {
  const completed = completeDraft({ from: 'alice', to: 'bob', ...draft }, now);
  if (!completed.ok) throw completed.error;
  return completed.value;
}

const once = { limit: 10, leaseMs: 1_000, wait: false, detached: true };
/** Everything below a folder, as paths from there. */
const tree = (folder: string): string[] => readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();

describe('mailboxes that are folders', () => {
  it('[REL-01] a message is one readable file, whole from the first moment, and for nobody else to read', async () => {
    using t = open();
    const sent = message({ id: 'task-1', body: 'Hello' });
    await t.transport.send({ message: sent, to: [bob] });
    const path = join(t.inbox, 'task-1.json');
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual(sent);
    expect(readdirSync(join(t.inbox, 'incoming'))).toEqual([]);
    if (process.platform !== 'win32') expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('[REL-01] a claimed file is not handed out again at once, but when its lease has run out', async () => {
    using t = open();
    await t.transport.send({ message: message({ id: 'a' }), to: [bob] });
    expect(await t.transport.poll(bob, once)).toHaveLength(1);
    expect(readdirSync(join(t.inbox, 'claimed'))).toHaveLength(1);
    expect(await new FileTransport(t.root, { clock: t.clock }).poll(bob, once)).toEqual([]);
    t.clock.advance(1_000);
    expect(await t.transport.poll(bob, once)).toMatchObject([{ attempt: 2 }]);
  });

  it('[REL-01] a file that a person puts there is a message', async () => {
    using t = open();
    await t.transport.send({ message: message({ id: 'first' }), to: [bob] });
    writeFileSync(join(t.inbox, 'by-hand.json'), JSON.stringify(message({ id: 'by-hand', body: 'typed' })));
    const received = await t.transport.poll(bob, once);
    expect(received.map((each) => each.message.id)).toContain('by-hand');
  });

  it.each([
    ['not JSON', 'a.json', '{', 'JSON'],
    ['not a MessageV2', 'a.json', '{"id":"a"}', 'not a valid MessageV2'],
    ['another id than its name', 'a.json', JSON.stringify(message({ id: 'b' })), 'its id is b'],
    ['no name of a message', 'a b.txt', '', 'its name is not'],
    ['a name that is a device', 'con.json', '', 'its name is not'],
  ])('[REL-01] in quarantine, with the reason: %s', async (_what, name, text, reason) => {
    using t = open();
    await t.transport.send({ message: message({ id: 'good' }), to: [bob] });
    writeFileSync(join(t.inbox, name), text);
    expect((await t.transport.poll(bob, once)).map((each) => each.message.id)).toEqual(['good']);
    const quarantine = join(t.inbox, 'quarantine');
    expect(readFileSync(join(quarantine, name), 'utf8')).toBe(text);
    expect(readFileSync(join(quarantine, `${name}.reason.txt`), 'utf8')).toContain(reason);
    expect(existsSync(join(t.inbox, name))).toBe(false);
  });

  it('[REL-01] so is a file that is too long, and a link, which is not followed', async () => {
    using t = open();
    await t.transport.send({ message: message({ id: 'good' }), to: [bob] });
    writeFileSync(join(t.inbox, 'long.json'), '');
    truncateSync(join(t.inbox, 'long.json'), 9 * 1024 * 1024);
    const outside = join(t.folder.path, 'outside.json');
    writeFileSync(outside, JSON.stringify(message({ id: 'link', body: 'secret' })));
    symlinkSync(outside, join(t.inbox, 'link.json'));
    expect((await t.transport.poll(bob, once)).map((each) => each.message.id)).toEqual(['good']);
    const quarantined = readdirSync(join(t.inbox, 'quarantine')).sort();
    expect(quarantined).toEqual(['link.json', 'link.json.reason.txt', 'long.json', 'long.json.reason.txt']);
    expect(existsSync(outside)).toBe(true);
  });

  it.each(['inbox', 'inbox/bob', 'inbox/bob/claimed', 'inbox/bob/incoming'])(
    '[REL-01] a symbolic link in place of %s is refused',
    async (place) => {
      using t = open();
      const outside = join(t.folder.path, 'outside');
      mkdirSync(outside);
      mkdirSync(join(t.root, place, '..'), { recursive: true });
      symlinkSync(outside, join(t.root, place));
      const sending = async () => {
        await t.transport.send({ message: message(), to: [bob] });
        await t.transport.poll(bob, once);
      };
      await expect(sending()).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
      expect(tree(outside)).toEqual([]);
    },
  );

  it('[REL-01] nothing is ever written outside the root, whatever the ids', async () => {
    using t = open();
    const hostile = fc.oneof(
      fc.constantFrom(
        '..',
        '../x',
        '/etc/passwd',
        'a/../../b',
        '..\\x',
        'C:\\x',
        'a\0b',
        '',
        '.',
        '.hidden',
        'CON',
        'nul.txt',
      ),
      fc.constantFrom('a'.repeat(300), 'com1', 'x.', '~', 'a~1~2~3', 'a.json', 'claimed', 'incoming', '%2e%2e%2f'),
      fc.string({ unit: fc.constantFrom('.', '/', '\\', '~', '\0', 'a', 'B', '0', ':', '-', ' ', 'é'), maxLength: 12 }),
      fc.string({ unit: 'binary', maxLength: 20 }),
    );
    const valid = message();
    writeFileSync(join(t.folder.path, 'witness'), '');
    await fc.assert(
      fc.asyncProperty(hostile, hostile, async (id, agent) => {
        // As if no edge had looked at them before.
        const to = agentId(agent);
        const calls = [
          t.transport.send({ message: { ...valid, id }, to: [to] }),
          t.transport.settle({ id, agent: to, token: 'x' }, { kind: 'ack' }),
          t.transport.poll(to, { ...once, limit: 1 }),
        ];
        for (const outcome of await Promise.allSettled(calls)) {
          if (outcome.status === 'rejected') expect(outcome.reason).toHaveProperty('hint');
        }
        t.transport.find(id);
        expect(readdirSync(t.folder.path).sort()).toEqual(['root', 'witness']);
        expect(readdirSync(t.root).filter((name) => name !== 'inbox')).toEqual([]);
      }),
      { numRuns: 5_000 },
    );
    const named = tree(join(t.root, 'inbox')).map((path) => path.split(/[/\\]/)[0] ?? '');
    expect(named.filter((name) => !/^[A-Za-z0-9][A-Za-z0-9._@+-]*$/.test(name))).toEqual([]);
  }, 60_000);

  it('[REL-01] delivering over a link twice is one delivery', async () => {
    using t = open();
    const card = {
      id: bob,
      name: 'Bob',
      capabilities: [],
      device: 'here',
      transport: 'file',
      phone: null,
      provider: null,
      metadata: {},
    };
    const sent = message();
    await t.transport.deliver(sent, card);
    await t.transport.deliver(sent, card);
    expect(await t.transport.poll(bob, once)).toHaveLength(1);
    await t.transport.deliver(sent, card);
    expect(await t.transport.poll(bob, once)).toEqual([]);
  });

  it('[SPL-02] what a name says, it says again', () => {
    const id = fc.string({ unit: fc.constantFrom(...'abzAZ09._@+-'), maxLength: 20 }).map((rest) => `x${rest}x`);
    const moment = fc.integer({ min: 0, max: 8.64e15 });
    const token = fc.option(fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: 32, maxLength: 32 }));
    const name = fc.record({ id, attempts: fc.nat(1000), at: moment, expiresAt: moment, token });
    fc.assert(fc.property(name, (each) => void expect(parseName(formatName(each))).toEqual(each)));
    expect(parseName('a.json')).toEqual({ id: 'a', attempts: 0, at: 0, expiresAt: null, token: null });
  });

  it('[SPL-03] two that poll at once share the messages between them', async () => {
    using t = open();
    const others: readonly [FileTransport, AgentId][] = [
      [t.transport, bob],
      [new FileTransport(t.root, { clock: t.clock }), bob],
    ];
    for (let n = 0; n < 6; n++) await t.transport.send({ message: message({ id: `m${n}` }), to: [bob] });
    const polled = await Promise.all(others.map(([transport, agent]) => transport.poll(agent, { ...once, limit: 3 })));
    expect(new Set(polled.flat().map((each) => each.message.id)).size).toBe(6);
  });
});
