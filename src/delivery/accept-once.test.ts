import { describe, expect, it } from 'vitest';
import { draft, mailbox, openTestSpool, type SpoolFixture } from '../../test/support/spool.ts';
import { messageId } from '../domain/addresses.ts';
import { deriveId } from '../lib/ids.ts';
import { acceptOnce } from './accept-once.ts';

const ID = messageId('msg_1');
const brought = (to: string, body = 'Hello') => draft(to, { id: ID, body });
/** Under which id a message is stored for this agent when its own is taken. */
const nextId = (agent: string) => messageId(deriveId('msg', ID, mailbox(agent)));

const waitingFor = async ({ spool }: SpoolFixture, agent: string) =>
  (await spool.claim(mailbox(agent), { limit: 10 })).map(({ message }) => [message.id, message.body]);

describe('a message from elsewhere', () => {
  it('[SPL-05] [REL-01] is in the mailbox once, however often it is brought', async () => {
    await using t = openTestSpool();
    const outcomes = [];
    for (let time = 0; time < 3; time++) outcomes.push(await acceptOnce(t.spool, brought('nova')));
    expect(outcomes).toEqual(['accepted', 'duplicate', 'duplicate']);
    expect(await waitingFor(t, 'nova')).toEqual([[ID, 'Hello']]);
  });

  it('[SPL-05] is a duplicate also when it has been dealt with', async () => {
    await using t = openTestSpool();
    await acceptOnce(t.spool, brought('nova'));
    const [delivery] = await t.spool.claim(mailbox('nova'));
    if (delivery) await t.spool.settle(delivery.lease, { kind: 'ack' });
    expect(await acceptOnce(t.spool, brought('nova'))).toBe('duplicate');
    expect(await waitingFor(t, 'nova')).toEqual([]);
  });

  it('[SPL-05] is one message when it is brought twice at the same time', async () => {
    await using t = openTestSpool();
    const outcomes = await Promise.all([1, 2].map(() => acceptOnce(t.spool, brought('nova'))));
    expect(outcomes.toSorted()).toEqual(['accepted', 'duplicate']);
    expect(await waitingFor(t, 'nova')).toHaveLength(1);
  });

  it('[REL-01] for several agents here is in the mailbox of each, once', async () => {
    await using t = openTestSpool();
    const outcomes = [];
    for (const agent of ['nova', 'bolt', 'bolt', 'nova']) outcomes.push(await acceptOnce(t.spool, brought(agent)));
    expect(outcomes).toEqual(['accepted', 'accepted', 'duplicate', 'duplicate']);
    expect(await waitingFor(t, 'nova')).toEqual([[ID, 'Hello']]);
    expect(await waitingFor(t, 'bolt')).toEqual([[nextId('bolt'), 'Hello']]);
  });

  it('[REL-01] is refused when both of its ids are those of messages to others', async () => {
    await using t = openTestSpool();
    await t.spool.send([draft('atlas', { id: ID }), draft('atlas', { id: nextId('nova') })]);
    await expect(acceptOnce(t.spool, brought('nova'))).rejects.toMatchObject({ code: 'MESSAGE_INVALID' });
  });

  it('[SPL-06] brings with it what is to be written in the same transaction, once', async () => {
    await using t = openTestSpool();
    const written: string[] = [];
    const also = [() => void written.push('once')];
    for (let time = 0; time < 2; time++) await acceptOnce(t.spool, brought('nova'), also);
    expect(written).toEqual(['once']);
  });
});
