import { describe, expect, it } from 'vitest';
import { first, openTestCoordinator } from '../support/coordinator.ts';

/** What sending and receiving is like, whatever the messages are kept in. */
export function coordinatorContract(transport: 'sqlite' | 'file'): void {
  const open = () => openTestCoordinator(transport);

  describe(`the coordinator on ${transport}`, () => {
    it('[SPL-01] [SPL-02] a message goes queued, leased, acked', async () => {
      await using t = await open();
      const draft = { from: 'alice', to: 'bob', subject: 'Greeting', body: 'Hello', metadata: { ticket: 7 } };
      const sent = await t.coordinator.send({ ...draft, priority: 'urgent' });
      expect(sent).toMatchObject({ duplicate: false, to: ['bob'] });
      expect(t.coordinator.status(sent.id)?.deliveries).toMatchObject([{ to: 'bob', status: 'queued', attempts: 0 }]);
      const received = first(await t.coordinator.poll('bob'));
      expect(received).toMatchObject({ attempt: 1, maxAttempts: 3, leasedUntil: t.clock.now() + 300_000 });
      expect(received.message).toMatchObject({ ...draft, id: sent.id, version: '2.0', priority: 'critical' });
      expect(received.message.routing).toEqual({
        reply_to: null,
        conversation_id: sent.conversationId,
        ttl_hours: 24,
      });
      expect(await t.coordinator.poll('bob')).toEqual([]);
      expect(t.coordinator.status(sent.id)?.deliveries).toMatchObject([{ status: 'leased', attempts: 1 }]);
      await t.coordinator.ack(sent.id, 'bob');
      expect(t.coordinator.status(sent.id)?.deliveries).toMatchObject([{ status: 'acked', leasedUntil: null }]);
      expect(t.coordinator.stats()).toMatchObject({ total_messages: 1, deliveries: { acked: 1, queued: 0 } });
    });

    it('[SPL-03] a lease outlives the process that took it, and can be settled from another', async () => {
      await using t = await open();
      const { id } = await t.coordinator.send({ from: 'alice', to: 'bob' });
      const { token } = first(await t.coordinator.poll('bob'));
      await t.coordinator.close();
      const other = t.reopen();
      expect(await other.poll('bob')).toEqual([]);
      await other.ack(id, 'bob', { token });
      expect(other.status(id)?.deliveries).toMatchObject([{ status: 'acked' }]);
    });

    it('[SPL-02] a lease that runs out is handed out again, and only then', async () => {
      await using t = await open();
      await t.coordinator.send({ from: 'alice', to: 'bob' });
      const late = first(await t.coordinator.poll('bob', { leaseSeconds: 10 }));
      t.clock.advance(9_999);
      expect(await t.coordinator.poll('bob')).toEqual([]);
      t.clock.advance(1);
      const again = first(await t.coordinator.poll('bob'));
      expect(again).toMatchObject({ attempt: 2, message: { id: late.message.id } });
      await expect(t.coordinator.ack(late.message.id, 'bob', { token: late.token })).rejects.toMatchObject({
        code: 'LEASE_LOST',
        message: `Message ${late.message.id} is leased to 'bob' under another token.`,
      });
      await t.coordinator.ack(again.message.id, 'bob', { token: again.token });
    });

    it('[SPL-02] a nack hands it out again after its delay, and the last one makes it a dead letter', async () => {
      await using t = await open();
      const { id } = await t.coordinator.send({ from: 'alice', to: 'bob' });
      await t.coordinator.poll('bob');
      expect(await t.coordinator.nack(id, 'bob', { reason: 'busy', delaySeconds: 5 })).toBe('queued');
      expect(await t.coordinator.poll('bob')).toEqual([]);
      t.clock.advance(5_000);
      expect(first(await t.coordinator.poll('bob')).attempt).toBe(2);
      expect(await t.coordinator.nack(id, 'bob', { reason: 'busy' })).toBe('queued');
      expect(first(await t.coordinator.poll('bob')).attempt).toBe(3);
      t.clock.advance(7);
      expect(await t.coordinator.nack(id, 'bob', { reason: 'No disk' })).toBe('failed');
      expect(t.coordinator.status(id)?.deliveries).toMatchObject([
        { status: 'failed', attempts: 3, reason: 'No disk' },
      ]);
      expect(t.coordinator.deadLetters()).toMatchObject([
        { agent: 'bob', reason: 'No disk', attempts: 3, at: t.clock.now(), message: { id } },
      ]);
    });

    it('[SPL-09] dead letters are redriven one, by filter, or all', async () => {
      await using t = await open();
      const fail = async (to: string, reason: string): Promise<string> => {
        const { id } = await t.coordinator.send({ from: 'alice', to });
        for (let attempt = 1; attempt <= 3; attempt++) {
          await t.coordinator.poll(to);
          await t.coordinator.nack(id, to, { reason });
        }
        t.clock.advance(3_600_000);
        return id;
      };
      const ids = [await fail('bob', 'timeout'), await fail('bob', 'No disk'), await fail('carol', 'TIMEOUT again')];
      await fail('carol', 'broken');
      const listed = (filter: Parameters<typeof t.coordinator.deadLetters>[0]): string[] =>
        t.coordinator.deadLetters(filter).map(({ message }) => message.id);
      expect(listed({ agent: 'bob' })).toEqual([ids[0], ids[1]]);
      expect(listed({ reason: 'timeout' })).toEqual([ids[0], ids[2]]);
      expect(listed({ olderThanHours: 3 })).toEqual([ids[0], ids[1]]);
      expect(await t.coordinator.redrive({ id: ids[1] ?? '', agent: 'carol' })).toBe(0);
      expect(await t.coordinator.redrive({ id: ids[1] ?? '' })).toBe(1);
      expect(first(await t.coordinator.poll('bob'))).toMatchObject({ attempt: 1, message: { id: ids[1] } });
      expect(await t.coordinator.redrive({ filter: { reason: 'timeout', agent: 'carol' } })).toBe(1);
      expect(await t.coordinator.redrive('all')).toBe(2);
      expect(t.coordinator.deadLetters()).toEqual([]);
    });

    it('[SPL-04] the more pressing come first, and among equals the older', async () => {
      await using t = await open();
      for (const [body, priority] of [
        ['c', 'normal'],
        ['d', 'normal'],
        ['e', 'low'],
        ['a', 'critical'],
        ['b', 'high'],
      ] as const) {
        await t.coordinator.send({ from: 'alice', to: 'bob', body, priority });
      }
      const order = (await t.coordinator.poll('bob', { limit: 4 })).map(({ message }) => message.body);
      expect(order).toEqual(['a', 'b', 'c', 'd']);
    });

    it('[SPL-05] the same id sent again is a duplicate, and not stored', async () => {
      await using t = await open();
      const sent = await t.coordinator.send({ id: 'task-1', from: 'alice', to: 'bob', body: 'one' });
      expect(sent).toMatchObject({ id: 'task-1', duplicate: false });
      expect(await t.coordinator.send({ id: 'task-1', from: 'alice', to: 'bob', body: 'two' })).toEqual({
        ...sent,
        duplicate: true,
      });
      const received = await t.coordinator.poll('bob');
      expect(received.map(({ message }) => message.body)).toEqual(['one']);
      await t.coordinator.ack('task-1', 'bob');
      expect((await t.coordinator.send({ id: 'task-1', from: 'alice', to: 'bob' })).duplicate).toBe(true);
    });

    it('[SPL-05] a broadcast is one delivery to each active agent but the sender', async () => {
      await using t = await open();
      t.clock.advance(10 * 60_000);
      await t.coordinator.registry.heartbeat('carol');
      await t.coordinator.registry.register({ id: 'dave', capabilities: [], device: 'here' });
      const sent = await t.coordinator.send({ from: 'alice', to: '*', body: 'all', payload: { type: 'broadcast' } });
      expect(sent.to).toEqual(['carol', 'dave']);
      expect(t.coordinator.status(sent.id)?.message.to).toBe('*');
      expect(first(await t.coordinator.poll('dave')).message).toMatchObject({ id: sent.id, to: 'dave' });
      await t.coordinator.ack(sent.id, 'dave');
      expect(t.coordinator.status(sent.id)?.deliveries.map(({ status }) => status)).toEqual(['queued', 'acked']);
      expect(await t.coordinator.poll('bob')).toEqual([]);
      const typed = await t.coordinator.send({ from: 'dave', to: 'bob', payload: { type: 'broadcast' } });
      expect(typed.to).toEqual(['alice', 'bob', 'carol']);
    });

    it('[SPL-05] a broadcast that nobody would get is refused', async () => {
      await using t = await open();
      t.clock.advance(10 * 60_000);
      await expect(t.coordinator.send({ from: 'alice', to: '*' })).rejects.toMatchObject({ code: 'AGENT_UNKNOWN' });
      expect(t.coordinator.stats().total_messages).toBe(0);
    });

    it('[CNV-02] a reply is in the conversation of what it replies to', async () => {
      await using t = await open();
      const question = await t.coordinator.send({ from: 'alice', to: 'bob', subject: 'Ready?' });
      const answer = await t.coordinator.send({ from: 'bob', to: 'alice', routing: { reply_to: question.id } });
      expect(answer.conversationId).toBe(question.conversationId);
      expect(first(await t.coordinator.poll('alice')).message.routing).toMatchObject({
        reply_to: question.id,
        conversation_id: question.conversationId,
      });
      const given = { conversation_id: 'conv_of_mine' };
      const other = await t.coordinator.send({ from: 'bob', to: 'alice', routing: given });
      expect(other.conversationId).toBe('conv_of_mine');
      const fresh = await t.coordinator.send({ from: 'bob', to: 'alice' });
      expect(new Set([fresh.conversationId, other.conversationId, answer.conversationId]).size).toBe(3);
    });

    it('[SPL-09] a message for later comes when it is due, and its time to live begins then', async () => {
      await using t = await open();
      const deliverAt = t.clock.now() + 48 * 3_600_000;
      const { id } = await t.coordinator.send({ from: 'alice', to: 'bob', routing: { ttl_hours: 1 } }, { deliverAt });
      expect(await t.coordinator.poll('bob')).toEqual([]);
      t.clock.advance(48 * 3_600_000 + 3_599_999);
      expect(first(await t.coordinator.poll('bob')).message.id).toBe(id);
    });

    it('[SPL-02] what is past its time to live is not delivered, and cleaned up', async () => {
      await using t = await open();
      const { id } = await t.coordinator.send({ from: 'alice', to: 'bob', routing: { ttl_hours: 0.5 } });
      await t.coordinator.send({ from: 'alice', to: 'carol', routing: { ttl_hours: 720 } });
      t.clock.advance(1_800_000);
      expect(await t.coordinator.cleanup({ dryRun: true })).toEqual({ expired: 1, removed: 0, dryRun: true });
      expect(t.coordinator.stats().deliveries).toMatchObject({ expired: 0, queued: 2 });
      expect(await t.coordinator.poll('bob')).toEqual([]);
      t.clock.advance(25 * 3_600_000);
      const done = { expired: t.coordinator.stats().deliveries.expired === 1 ? 0 : 1, removed: 1 };
      expect(await t.coordinator.cleanup({ dryRun: true })).toEqual({ ...done, dryRun: true });
      expect(await t.coordinator.cleanup()).toEqual({ ...done, dryRun: false });
      expect(t.coordinator.status(id)).toBeNull();
      expect(t.coordinator.stats()).toMatchObject({ total_messages: 1, deliveries: { expired: 0, queued: 1 } });
    });

    it('[SPL-09] a waiting poll gets what comes, and ends empty when it is aborted or all is closed', async () => {
      await using t = await open();
      const waiting = t.coordinator.poll('bob', { wait: true });
      await t.coordinator.send({ from: 'alice', to: 'bob', body: 'at last' });
      t.clock.advance(1_000);
      expect(first(await waiting).message.body).toBe('at last');
      const controller = new AbortController();
      const aborted = t.coordinator.poll('bob', { wait: true, signal: controller.signal });
      controller.abort();
      expect(await aborted).toEqual([]);
      const closed = t.coordinator.poll('bob', { wait: true });
      await t.coordinator.close();
      expect(await closed).toEqual([]);
      expect(t.clock.armed).toBe(0);
    });

    it('[CLI-03] who is not registered can neither send, receive nor be sent to, and a near name is suggested', async () => {
      await using t = await open();
      const unknown = { code: 'AGENT_UNKNOWN', message: "Agent 'alcie' is not registered." };
      await expect(t.coordinator.send({ from: 'alcie', to: 'bob' })).rejects.toMatchObject({
        ...unknown,
        hint: "Did you mean 'alice'? Register it: parley register alcie -c <capabilities> -d <device>",
      });
      await expect(t.coordinator.send({ from: 'bob', to: 'alcie' })).rejects.toMatchObject(unknown);
      await expect(t.coordinator.poll('alcie')).rejects.toMatchObject(unknown);
      await expect(t.coordinator.registry.heartbeat('alcie')).rejects.toMatchObject(unknown);
      await expect(t.coordinator.consume('alcie')[Symbol.asyncIterator]().next()).rejects.toMatchObject(unknown);
      await expect(t.coordinator.send({ from: 'bob', to: 'zzzzzzzz' })).rejects.toMatchObject({
        hint: 'Register it: parley register zzzzzzzz -c <capabilities> -d <device>',
      });
      expect(t.coordinator.stats().total_messages).toBe(0);
    });

    it('[REL-01] an agent that is reached some other way is refused, by the name of that way', async () => {
      await using t = await open();
      await t.coordinator.registry.register({ id: 'far', capabilities: [], device: 'away', transport: 'whatsapp' });
      const refusal = { code: 'CONFIG_INVALID', message: expect.stringContaining("'whatsapp'") };
      await expect(t.coordinator.send({ from: 'bob', to: 'far' })).rejects.toMatchObject(refusal);
      await expect(t.coordinator.poll('far')).rejects.toMatchObject(refusal);
      expect((await t.coordinator.send({ from: 'bob', to: '*' })).to).toEqual(['alice', 'carol']);
    });

    it('[SPL-03] what cannot be settled is refused, and the error says why', async () => {
      await using t = await open();
      const { id } = await t.coordinator.send({ from: 'alice', to: 'bob' });
      const ack = () => t.coordinator.ack(id, 'bob');
      await expect(t.coordinator.ack('msg_nowhere', 'bob')).rejects.toMatchObject({
        code: 'MESSAGE_INVALID',
        message: "There is no message 'msg_nowhere'.",
      });
      await expect(t.coordinator.ack(id, 'carol')).rejects.toMatchObject({
        code: 'MESSAGE_INVALID',
        message: `Message ${id} was not for 'carol' but for 'bob'.`,
      });
      await expect(ack()).rejects.toMatchObject({ code: 'LEASE_LOST', message: expect.stringContaining('is queued') });
      await t.coordinator.poll('bob');
      await expect(t.coordinator.ack(id, 'bob', { token: 'f'.repeat(32) })).rejects.toMatchObject({
        code: 'LEASE_LOST',
        message: expect.stringContaining('under another token'),
      });
      await ack();
      await expect(ack()).rejects.toMatchObject({ message: expect.stringContaining('already acked') });
      await expect(t.coordinator.nack(id, 'bob', { reason: 'late' })).rejects.toMatchObject({ code: 'LEASE_LOST' });
      expect(t.coordinator.status(id)?.deliveries).toMatchObject([{ status: 'acked' }]);
    });

    it('[SPL-03] why a failed or expired one cannot be settled', async () => {
      await using t = await open();
      const failed = await t.coordinator.send({ from: 'alice', to: 'bob' });
      for (let attempt = 1; attempt <= 3; attempt++) {
        await t.coordinator.poll('bob');
        await t.coordinator.nack(failed.id, 'bob', { reason: 'no' });
      }
      await expect(t.coordinator.ack(failed.id, 'bob')).rejects.toMatchObject({
        hint: expect.stringContaining('dlq redrive'),
      });
      const expired = await t.coordinator.send({ from: 'alice', to: 'bob', routing: { ttl_hours: 1 } });
      t.clock.advance(3_600_000);
      await t.coordinator.cleanup();
      await expect(t.coordinator.ack(expired.id, 'bob')).rejects.toMatchObject({
        message: expect.stringContaining('time to live'),
      });
    });

    it.each([
      ['an unknown payload type', { payload: { type: 'task_asignment' } }, 'did you mean task_assignment?'],
      ['a subject of two lines', { subject: 'a\nb' }, 'subject: must be one line'],
      ['too long a time to live', { routing: { ttl_hours: 8761 } }, 'routing.ttl_hours'],
      ['an id with a space', { id: 'a b' }, 'id: an id has 1 to 200'],
    ])('[SPL-01] %s is refused', async (_what, wrong, said) => {
      await using t = await open();
      await expect(t.coordinator.send({ from: 'alice', to: 'bob', ...wrong })).rejects.toMatchObject({
        code: 'MESSAGE_INVALID',
        message: expect.stringContaining(said),
      });
    });

    it.each([{ limit: 0 }, { limit: 1.5 }, { limit: 1001 }, { leaseSeconds: 0 }, { leaseSeconds: Number.NaN }])(
      '[SPL-03] a poll with %o is refused',
      async (settings) => {
        await using t = await open();
        await expect(t.coordinator.poll('bob', settings)).rejects.toMatchObject({ code: 'USAGE' });
      },
    );

    it('[SPL-02] times may be parts of a second, or of an hour', async () => {
      await using t = await open();
      const { id } = await t.coordinator.send({ from: 'alice', to: 'bob', routing: { ttl_hours: 1 / 7 } });
      await t.coordinator.poll('bob', { leaseSeconds: 1.0007 });
      await t.coordinator.nack(id, 'bob', { reason: 'busy', delaySeconds: 0.0007 });
      t.clock.advance(1);
      expect(await t.coordinator.poll('bob')).toHaveLength(1);
      await expect(t.coordinator.nack(id, 'bob', { reason: 'x', delaySeconds: -1 })).rejects.toMatchObject({
        code: 'USAGE',
      });
      await expect(t.coordinator.send({ from: 'alice', to: 'bob' }, { deliverAt: Number.NaN })).rejects.toMatchObject({
        code: 'USAGE',
      });
    });

    it('[SPL-07] what is stored is found sound', async () => {
      await using t = await open();
      await t.coordinator.send({ from: 'alice', to: '*' });
      await t.coordinator.poll('bob');
      expect(t.coordinator.verify()).toEqual({ ok: true, detail: 'ok' });
    });

    it('[SPL-03] of many that poll at once, each message goes to one', async () => {
      await using t = await open();
      const ids = await Promise.all(
        Array.from({ length: 20 }, async () => (await t.coordinator.send({ from: 'alice', to: 'bob' })).id),
      );
      const others = [t.coordinator, t.reopen(), t.reopen()];
      const polled = await Promise.all(others.map((coordinator) => coordinator.poll('bob', { limit: 10 })));
      const got = polled.flat().map(({ message }) => message.id);
      expect(got.toSorted()).toEqual(ids.toSorted());
    });
  });
}
