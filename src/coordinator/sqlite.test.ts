import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { type CoordinatorFixture, first, openTestCoordinator } from '../../test/support/coordinator.ts';
import { openSpoolAt, temporaryFolder } from '../../test/support/spool.ts';
import { metrics } from './metrics.ts';
import { openCoordinator } from './open.ts';

describe('the coordinator on SQLite', () => {
  it('[CNV-02] lists, shows and searches conversations', async () => {
    await using t = await openTestCoordinator('sqlite');
    const question = await t.coordinator.send({ from: 'alice', to: 'bob', subject: 'Ready?', body: 'Is it "done"?' });
    const routing = { reply_to: question.id };
    await t.coordinator.send({ from: 'bob', to: 'alice', subject: 'Re: Ready?', body: 'Nearly done', routing });
    await t.coordinator.send({ from: 'alice', to: '*', body: 'Lunch' });
    const id = question.conversationId;
    expect(t.coordinator.conversations({ limit: 2 })[1]).toMatchObject({
      id,
      messages: 2,
      participants: ['alice', 'bob'],
      lastSubject: 'Re: Ready?',
    });
    expect(t.coordinator.conversations({ agent: 'carol' })).toHaveLength(1);
    expect(t.coordinator.conversation(id).map(({ from, to }) => `${from} ${to}`)).toEqual(['alice bob', 'bob alice']);
    expect(t.coordinator.conversation('conv_nowhere')).toEqual([]);
    const found = await t.coordinator.search('nearly');
    expect(found).toMatchObject([{ message: { from: 'bob', routing }, snippet: '[Nearly] done' }]);
    expect(await t.coordinator.search('done', { conversation: id, agent: 'bob', limit: 1 })).toHaveLength(1);
    expect((await t.coordinator.search('lunch'))[0]?.message.to).toBe('*');
  });

  it('[SPL-07] everything is in data/coordination.db of the project, for anybody to read', async () => {
    await using t = await openTestCoordinator('sqlite');
    const { id } = await t.coordinator.send({ from: 'alice', to: 'bob' });
    const { db, spool } = openSpoolAt(join(t.root, 'data', 'coordination.db'), t.clock);
    const rows = db.prepare('SELECT id, from_agent, to_agent, status FROM messages').all();
    expect(rows).toEqual([{ id, from_agent: 'alice', to_agent: 'bob', status: 'queued' }]);
    await spool.close();
    await db.close();
    expect(existsSync(join(t.root, 'data', 'inbox'))).toBe(false);
  });

  it('[SPL-07] damage is found', async () => {
    await using t = await openTestCoordinator('sqlite');
    await t.coordinator.send({ from: 'alice', to: 'bob' });
    const { db, spool } = openSpoolAt(join(t.root, 'data', 'coordination.db'), t.clock);
    db.prepare("UPDATE delivery SET token = 'x'").run();
    expect(t.coordinator.verify()).toEqual({ ok: false, detail: '1 tokens of no lease' });
    await spool.close();
    await db.close();
  });

  it('[TRC-01] a reply and an output carry on the trace of what they came of', async () => {
    await using t = await openTestCoordinator('sqlite');
    const { id } = await t.coordinator.send({ from: 'alice', to: 'bob' });
    for await (const received of t.coordinator.consume('bob')) {
      await received.ack([{ from: 'bob', to: 'carol' }]);
      break;
    }
    const [passedOn] = await t.coordinator.poll('carol');
    const reply = { from: 'carol', to: 'bob', routing: { reply_to: passedOn?.message.id ?? '' } };
    const answer = await t.coordinator.send(reply);
    const { db, spool } = openSpoolAt(join(t.root, 'data', 'coordination.db'), t.clock);
    const traceOf = (message: string) =>
      JSON.parse(
        db.prepare<{ trace: string }>('SELECT trace FROM message WHERE id = ?').get(message)?.trace ?? 'null',
      ) as unknown;
    expect(traceOf(passedOn?.message.id ?? '')).toMatchObject({ root: id, cause: id, hop: 1 });
    expect(traceOf(answer.id)).toMatchObject({ root: id, cause: passedOn?.message.id, hop: 2 });
    await spool.close();
    await db.close();
  });
});

describe('a consumer that is killed', () => {
  const INDEX = new URL('../index.ts', import.meta.url).href;
  const NODE = fileURLToPath(new URL('../../node_modules/.bin/node', import.meta.url));

  it('[SPL-03] [SPL-06] what it had in hand is handed out again at once', async () => {
    const folder = temporaryFolder();
    await using coordinator = openCoordinator({ projectRoot: folder.path });
    for (const id of ['alice', 'bob']) await coordinator.registry.register({ id, capabilities: [], device: 'here' });
    const { id } = await coordinator.send({ from: 'alice', to: 'bob' });
    const program = `
      import { openCoordinator } from ${JSON.stringify(INDEX)};
      for await (const _ of openCoordinator().consume('bob')) process.kill(process.pid, 'SIGKILL');`;
    const killed = spawn(NODE, ['--input-type=module', '--eval', program], { cwd: folder.path, stdio: 'ignore' });
    expect((await once(killed, 'exit'))[1]).toBe('SIGKILL');
    for await (const received of coordinator.consume('bob')) {
      expect(received).toMatchObject({ attempt: 2, message: { id } });
      await received.ack();
      break;
    }
    await coordinator.close();
    folder.remove();
  });
});

describe('an agent whose messages are files, beside others', () => {
  const open = async (): Promise<CoordinatorFixture> => {
    const t = await openTestCoordinator('sqlite');
    await t.coordinator.registry.register({ id: 'filer', capabilities: [], device: 'here', transport: 'file' });
    return t;
  };

  it('[REL-01] sends and receives as the others do', async () => {
    await using t = await open();
    const { id } = await t.coordinator.send({ from: 'alice', to: 'filer', body: 'Hello' });
    expect(readdirSync(join(t.root, 'data', 'inbox', 'filer'))).toContain(`${id}.json`);
    expect(t.coordinator.status(id)?.deliveries).toMatchObject([{ to: 'filer', status: 'queued' }]);
    expect(first(await t.coordinator.poll('filer')).message).toMatchObject({ id, to: 'filer', body: 'Hello' });
    await t.coordinator.send({ from: 'filer', to: 'bob', routing: { reply_to: id } });
    await t.coordinator.ack(id, 'filer');
    expect(t.coordinator.status(id)?.deliveries).toMatchObject([{ status: 'acked' }]);
    expect(await t.coordinator.poll('bob')).toHaveLength(1);
    expect((await t.coordinator.send({ from: 'bob', to: '*' })).to).toEqual(['alice', 'carol', 'filer']);
  });

  it('[REL-01] what it does with a message goes to all kinds of agents', async () => {
    await using t = await open();
    await t.coordinator.send({ from: 'alice', to: 'filer' });
    for await (const received of t.coordinator.consume('filer')) {
      await received.ack([
        { from: 'filer', to: 'bob' },
        { from: 'filer', to: 'filer' },
      ]);
      break;
    }
    expect(await t.coordinator.poll('bob')).toHaveLength(1);
    expect(await t.coordinator.poll('filer')).toHaveLength(1);
  });

  it('[REL-04] while its folder cannot be used, messages wait in the spool, and then go there once', async () => {
    await using t = await open();
    const inbox = join(t.root, 'data', 'inbox');
    symlinkSync(t.root, inbox);
    const { id } = await t.coordinator.send({ from: 'alice', to: 'filer' });
    const [waiting] = t.coordinator.status(id)?.deliveries ?? [];
    expect(waiting).toMatchObject({ status: 'queued', reason: expect.stringContaining('symbolic link') });
    rmSync(inbox);
    t.clock.advance(60_000);
    expect(await t.coordinator.poll('filer')).toMatchObject([{ attempt: 1, message: { id } }]);
    expect(await t.coordinator.poll('filer')).toEqual([]);
  });

  it('[REL-01] an id that cannot be a file is a dead letter, with the reason', async () => {
    await using t = await open();
    await t.coordinator.send({ id: 'a/b', from: 'alice', to: 'filer' });
    for (let attempt = 2; attempt <= 3; attempt++) {
      t.clock.advance(60_000);
      await t.coordinator.poll('filer');
    }
    expect(t.coordinator.deadLetters()).toMatchObject([
      { agent: 'filer', reason: expect.stringContaining('cannot be the name of a file') },
    ]);
  });

  it('[REL-01] [HUB-05] what is for an agent on a hub waits for the daemon, and nobody takes it out here', async () => {
    await using t = await openTestCoordinator('sqlite');
    await t.coordinator.registry.register({ id: 'crow', capabilities: [], device: 'away', transport: 'hub' });
    const { id } = await t.coordinator.send({ from: 'alice', to: 'crow', body: 'fly' });
    expect(t.coordinator.status(id)?.deliveries).toMatchObject([{ to: 'crow', status: 'queued', attempts: 0 }]);
    const elsewhere = { code: 'USAGE', message: expect.stringContaining('elsewhere, by hub') };
    await expect(t.coordinator.poll('crow')).rejects.toMatchObject(elsewhere);
    expect((await t.coordinator.send({ from: 'alice', to: '*' })).to).toEqual(['bob', 'carol']);
  });

  it('[REL-01] with files alone there is nothing to search in', async () => {
    await using t = await openTestCoordinator('file');
    const refusal = { code: 'USAGE', hint: expect.stringContaining('sqlite') };
    expect(() => t.coordinator.conversations()).toThrow(expect.objectContaining(refusal));
    await expect(t.coordinator.search('x')).rejects.toMatchObject(refusal);
    expect(() => t.coordinator.tail()).toThrow(expect.objectContaining(refusal));
  });
});

describe('metrics', () => {
  it('[SPL-08] are below their thresholds, and alert above', async () => {
    await using t = await openTestCoordinator('sqlite');
    const values = () => t.coordinator.metrics().map(({ name, value, alert }) => [name, value, alert]);
    expect(values()).toEqual([
      ['queued_count', 0, false],
      ['leased_age_max', 0, false],
      ['failed_rate', 0, false],
      ['agent_inactive', 0, false],
    ]);
    await t.coordinator.send({ from: 'alice', to: 'bob' });
    await t.coordinator.poll('bob', { leaseSeconds: 7200 });
    for (let n = 0; n < 100; n++) await t.coordinator.send({ from: 'alice', to: 'carol' });
    t.clock.advance(600_000);
    expect(values().map(([, , alert]) => alert)).toEqual([false, false, false, false]);
    await t.coordinator.send({ from: 'alice', to: 'carol' });
    t.clock.advance(3_000_001);
    expect(values()).toEqual([
      ['queued_count', 101, true],
      ['leased_age_max', 3600, true],
      ['failed_rate', 0, false],
      ['agent_inactive', 3600, false],
    ]);
    t.clock.advance(1_000);
    expect(t.coordinator.metrics()[3]).toMatchObject({ value: 3601, unit: 'seconds', alert: true });
  });

  it.each([
    [0, 0, 0, false],
    [95, 5, 5, false],
    [94, 6, 6, true],
  ])('[SPL-08] of %i acked and %i failed, %i percent have failed', (acked, failed, value, alert) => {
    const deliveries = { queued: 0, blocked: 0, leased: 0, acked, failed, expired: 0 };
    expect(metrics({ deliveries, oldestLeased: null, agents: [], now: 0 })[2]).toMatchObject({ value, alert });
  });
});
