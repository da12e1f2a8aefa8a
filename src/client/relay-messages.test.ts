import { describe, expect, it } from 'vitest';
import { TestRelay, wireMessage } from '../../test/support/relay.ts';
import { ManualClock } from '../lib/manual-clock.ts';
import type { RelayedMessage } from './relay-answers.ts';
import { RelayClient } from './relay-client.ts';
import { RelayError } from './relay-error.ts';
import { relayMessages } from './relay-messages.ts';

const refusal = (status: number | null, retryAfterMs: number | null = null): RelayError =>
  new RelayError('REFUSED', 'The relay refused.', { hint: '', status, retryAfterMs });

/** A mailbox that answers each poll with the next of these, and then waits until nobody asks any more. */
function scripted(...answers: (readonly RelayedMessage[] | Error)[]) {
  const calls: string[] = [];
  const stop = new AbortController();
  return {
    calls,
    stop,
    client: {
      poll: async (): Promise<readonly RelayedMessage[]> => {
        calls.push('poll');
        const answer = answers.shift();
        if (answer instanceof Error) throw answer;
        if (!answer) stop.abort();
        return answer ?? [];
      },
      ack: async (id: string): Promise<void> => void calls.push(`ack ${id}`),
      nack: async (id: string, _token: string | undefined, reason: string): Promise<void> =>
        void calls.push(`nack ${id}: ${reason}`),
    },
  };
}

const WHOLE = { routing: {}, payload: {}, metadata: {} };
const relayed = (id: string, changes: object = WHOLE): RelayedMessage => ({
  id,
  token: 't',
  attempt: 1,
  message: { ...wireMessage('alice', 'bob', { id }), ...changes },
});

/** Takes all messages, and acks them; the ids. */
async function takeAll(messages: ReturnType<typeof relayMessages>): Promise<string[]> {
  const ids: string[] = [];
  for await (const { message, ack } of messages) {
    ids.push(message.id);
    await ack();
  }
  return ids;
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('the messages of an agent at a relay', () => {
  it('[REL-02] come one after the other from a real one, and again when they were given back', async () => {
    await using relay = await TestRelay.open(['alice', 'bob']);
    const account = { url: await relay.listen(), clock: relay.spool.clock };
    const clientOf = (agent: string): RelayClient =>
      new RelayClient({ ...account, agent, secret: relay.secretOf(agent) ?? '' });
    for (const body of ['one', 'two']) await clientOf('alice').send({ id: body, to: 'bob', body });
    const seen: string[] = [];
    const stop = new AbortController();
    for await (const { message, attempt, ack, nack } of clientOf('bob').messages({ signal: stop.signal })) {
      seen.push(`${message.body} ${attempt}`);
      if (attempt === 1) await nack('not now');
      else await ack();
      if (seen.length === 4) stop.abort();
    }
    expect(seen.toSorted()).toEqual(['one 1', 'one 2', 'two 1', 'two 2']);
    expect((await clientOf('alice').status('two')).status).toBe('acked');
  });

  it('[REL-02] what is none is given back', async () => {
    const { client, calls, stop } = scripted([relayed('odd', { routing: 'none' }), relayed('one')]);
    expect(await takeAll(relayMessages(client, new ManualClock(), { signal: stop.signal }))).toEqual(['one']);
    expect(calls).toEqual(['poll', 'nack odd: This is not a MessageV2.', 'ack one', 'poll']);
  });

  it('[REL-04] keep coming when the relay was away for a time', async () => {
    const { client, calls, stop } = scripted(refusal(null), refusal(503), refusal(429, 7_000), [relayed('one')]);
    const clock = new ManualClock();
    const taken = takeAll(relayMessages(client, clock, { signal: stop.signal }));
    for (const longestMs of [1_000, 2_000, 6_999]) {
      while (clock.armed === 0) await turn();
      clock.advance(longestMs);
    }
    await turn();
    expect(calls).toEqual(['poll', 'poll', 'poll']);
    clock.advance(1);
    expect(await taken).toEqual(['one']);
    expect(calls).toEqual(['poll', 'poll', 'poll', 'poll', 'ack one', 'poll']);
  });

  it('[REL-03] end with what will not pass by itself', async () => {
    const { client } = scripted(refusal(401));
    await expect(takeAll(relayMessages(client, new ManualClock(), {}))).rejects.toMatchObject({ status: 401 });
  });

  it.each([0, 400])('[REL-02] are asked for once a second at most, also if the relay waits %i ms', async (waitMs) => {
    const { client, calls, stop } = scripted([], [relayed('one')]);
    const clock = new ManualClock();
    const poll = (): ReturnType<typeof client.poll> => {
      clock.advance(waitMs);
      return client.poll();
    };
    const taken = takeAll(relayMessages({ ...client, poll }, clock, { signal: stop.signal }));
    while (clock.armed === 0) await turn();
    clock.advance(999 - waitMs);
    await turn();
    expect(calls).toEqual(['poll']);
    clock.advance(1);
    expect(await taken).toEqual(['one']);
    expect(clock.armed).toBe(0);
  });
});
