import { describe, expect, it } from 'vitest';
import { channelContract } from '../../../test/contract/channel.ts';
import type { ChatArrival } from '../channel.ts';
import { FLOW_KEPT } from './live-feed.ts';
import { MAX_TEXT, PERSON } from './local-channel.ts';
import { flowEvent, newPhone } from './phone.fixture.ts';
import type { LiveEvent } from './wire.ts';

channelContract('local', async () => {
  const { channel, log } = newPhone();
  return {
    channel,
    account: 'atlas',
    person: PERSON.id,
    say: (message) => channel.say({ ...message, account: 'atlas' }),
    seen: () => log.list(100),
    dispose: async () => {},
  };
});

const TEAM = { kind: 'group', id: 'grp_1', name: 'Research Team' } as const;
const fromNova = (id: string) => ({
  id,
  account: 'nova',
  chat: { peer: TEAM, speaker: { id: 'nova', name: 'Nova' }, text: 'Surface codes.' },
});

describe('the simulated phone', () => {
  it('[RUN-01] a message into a group goes to that group, a message without a chat to the agent alone', async () => {
    const { channel } = newPhone();
    const arrivals: ChatArrival[] = [];
    await channel.start(async (arrival) => {
      arrivals.push(arrival);
      return 'accepted';
    });
    await channel.say({ id: 'm1', account: 'atlas', peer: TEAM, text: 'hello all' });
    await channel.say({ id: 'm2', account: 'nova', text: 'hello you' });
    const direct = { kind: 'dm', id: PERSON.id };
    expect(arrivals.map(({ chat }) => [chat.account, chat.peer])).toEqual([
      ['atlas', TEAM],
      ['nova', direct],
    ]);
  });

  it.each([
    ['an empty text', { text: '' }],
    ['a text that is too long', { text: 'x'.repeat(MAX_TEXT + 1) }],
    ['half a surrogate pair', { text: 'a\ud83d' }],
    ['an id with white space', { id: 'a b' }],
    ['the id __proto__', { id: '__proto__' }],
    ['an endless id', { id: 'x'.repeat(201) }],
    ['an unknown contact', { account: 'mallory' }],
    ['the contact __proto__', { account: '__proto__' }],
    ['a group without an id', { peer: { kind: 'group', id: '' } } as const],
    ["another person's chat", { peer: { kind: 'dm', id: '+15550199' } } as const],
  ])('[SEC-05] %s is refused before anything is stored', async (_what, over) => {
    const { channel, log } = newPhone();
    let received = 0;
    await channel.start(async () => {
      received += 1;
      return 'accepted';
    });
    const said = channel.say({ id: 'm1', account: 'atlas', text: 'hello', ...over });
    await expect(said).rejects.toMatchObject({ code: 'MESSAGE_INVALID' });
    expect(received).toBe(0);
    expect(log.list(10)).toEqual([]);
  });

  it('[CHN-01] a message accepted before a crash is shown when it is said again', async () => {
    const { channel, log } = newPhone();
    await channel.start(async () => 'duplicate');
    await channel.say({ id: 'm1', account: 'atlas', text: 'hello' });
    expect(log.list(10)).toMatchObject([{ id: 'm1', mine: true }]);
  });

  it('[RUN-01] the open pages see each change once, numbered, and the state names the last one', async () => {
    const { channel, receipts } = newPhone();
    await channel.start(async () => 'accepted');
    const events: LiveEvent[] = [];
    const unsubscribe = channel.subscribe((event) => events.push(event));
    await channel.say({ id: 'm1', account: 'atlas', text: 'hello' });
    receipts.set('m1', 'delivered');
    channel.receipt('m1', 'delivered');
    channel.typing('nova', TEAM, true);
    await channel.send(fromNova('m2'));
    await channel.send(fromNova('m2'));
    channel.flow(flowEvent());
    channel.notice('The disk is full.');
    expect(events.map(({ seq, kind }) => [seq, kind])).toEqual([
      ...[
        [1, 'bubble'],
        [2, 'receipt'],
        [3, 'typing'],
        [4, 'bubble'],
        [5, 'flow'],
        [6, 'notice'],
      ],
    ]);
    expect(channel.state()).toMatchObject({
      seq: 6,
      person: PERSON,
      messages: [
        { id: 'm1', receipt: 'delivered' },
        { id: 'm2', receipt: null, author: { name: 'Nova' } },
      ],
      typing: [{ account: 'nova', peer: TEAM }],
      flow: [{ id: 'e1' }],
      notice: 'The disk is full.',
    });
    unsubscribe();
    channel.notice(null);
    expect(events).toHaveLength(6);
    expect(channel.state().notice).toBeNull();
  });

  it('[TOL-03] what can be chosen stands under the bubble, and what waits is in the state and is told to the open pages', async () => {
    const { channel, waiting } = newPhone();
    await channel.start(async () => 'accepted');
    const events: LiveEvent[] = [];
    channel.subscribe((event) => events.push(event));
    const choices = [{ id: '!approve 1', label: 'Approve' }];
    const { chat, ...departure } = fromNova('m1');
    await channel.send({ ...departure, chat: { ...chat, choices } });
    await channel.send(fromNova('m2'));
    const request = { number: 1, agent: 'nova', text: 'Nova wants to', expiresAt: 5, choices };
    waiting.push(request);
    channel.waitingChanged();
    expect(events.at(-1)).toEqual({ seq: 3, kind: 'waiting', waiting: [request] });
    const { messages, ...state } = channel.state();
    expect(messages.map((bubble) => bubble.choices)).toEqual([choices, undefined]);
    expect(state.waiting).toEqual([request]);
    waiting.pop();
    expect(channel.state().waiting).toEqual([]);
  });

  it('[RUN-01] a bubble tells how far its message has come even when that was quicker than the bubble', async () => {
    const { channel, receipts } = newPhone();
    await channel.start(async ({ id }) => {
      receipts.set(id, 'read');
      return 'accepted';
    });
    const events: LiveEvent[] = [];
    channel.subscribe((event) => events.push(event));
    await channel.say({ id: 'm1', account: 'atlas', text: 'hello' });
    expect(events).toMatchObject([{ kind: 'bubble', bubble: { receipt: 'read' } }]);
  });

  it('[OBS-02] only the newest movements of envelopes are kept', () => {
    const { channel } = newPhone();
    for (let count = 0; count < FLOW_KEPT + 5; count++) channel.flow(flowEvent({ id: `e${count}` }));
    const { flow } = channel.state();
    expect(flow).toHaveLength(FLOW_KEPT);
    expect([flow[0]?.id, flow.at(-1)?.id]).toEqual(['e5', `e${FLOW_KEPT + 4}`]);
  });
});
