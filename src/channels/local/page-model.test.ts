/* What the page knows, without the page: these modules run in the browser and need nothing of it. */
import { describe, expect, it } from 'vitest';
import { Chats, nextSuggestion, unread } from './page/chats.ts';
import { Envelopes, summary } from './page/envelopes.ts';
import { dayOf, initials, ownerOf, toneOf } from './page/text.ts';
import { CONTACTS, flowEvent } from './phone.fixture.ts';
import type { Bubble, PhoneState, Waiting } from './wire.ts';

const PERSON = { id: '+15550100', name: 'You', phone: '+1 555 0100' };
const TEAM = { kind: 'group', id: 'grp_1', name: 'Research Team' } as const;

const bubble = (id: string, at: number, over: Partial<Bubble> = {}): Bubble => ({
  ...{ id, at, account: 'atlas', peer: { kind: 'dm', id: PERSON.id }, author: { id: 'atlas', name: 'Atlas' } },
  ...{ mine: false, text: id, receipt: null },
  ...over,
});
const mine = (id: string, at: number, text = id): Bubble =>
  bubble(id, at, { mine: true, text, author: PERSON, receipt: 'sent' });
const inTeam = (id: string, at: number, author: Bubble['author']): Bubble =>
  bubble(id, at, { peer: TEAM, author, account: author.id });

const SUGGESTIONS = [
  { account: 'atlas', text: 'first' },
  { account: 'atlas', text: 'second' },
];
const stateWith = (messages: readonly Bubble[], over: Partial<PhoneState> = {}): PhoneState => ({
  ...{
    seq: 0,
    person: PERSON,
    contacts: CONTACTS,
    messages,
    typing: [],
    waiting: [],
    flow: [],
    notice: null,
    offers: [],
  },
  suggestions: SUGGESTIONS,
  ...over,
});
const only = <T>([first, ...rest]: readonly T[]): T => {
  if (first === undefined || rest.length > 0) throw new Error('not exactly one');
  return first;
};
const chatOf = (state: PhoneState, id: string) => only(new Chats(state).list().filter((chat) => chat.id === id));

describe('the chats', () => {
  it('[RUN-01] every contact has a chat, and the latest chat comes first', () => {
    const chats = new Chats(stateWith([bubble('m1', 5, { account: 'bolt' })]));
    expect(chats.list().map(({ title }) => title)).toEqual(['Bolt', 'Atlas', 'Nova']);
  });

  it('[RUN-01] a group is one chat, whichever accounts speak in it, with those who spoke as its members', () => {
    const [nova, bolt] = [
      { id: 'nova', name: 'Nova' },
      { id: 'bolt', name: 'Bolt' },
    ];
    const group = chatOf(stateWith([inTeam('m1', 1, nova), inTeam('m2', 2, bolt), inTeam('m3', 3, nova)]), 'grp_1');
    expect(group).toMatchObject({ title: 'Research Team', account: 'nova', members: [nova, bolt] });
    expect(group.bubbles.map(({ id }) => id)).toEqual(['m1', 'm2', 'm3']);
  });

  it('[RUN-01] a group whose id is that of a contact is a chat of its own', () => {
    const odd = bubble('m1', 1, { peer: { kind: 'group', id: 'atlas', name: 'Odd' } });
    expect(new Chats(stateWith([odd])).list().map(({ title }) => title)).toEqual(['Odd', 'Atlas', 'Nova', 'Bolt']);
  });

  it('[CHN-01] a bubble that is told twice is there once, and its ticks change in place', () => {
    const state = stateWith([mine('m1', 1)]);
    const chats = new Chats(state);
    chats.apply({ seq: 1, kind: 'bubble', bubble: mine('m1', 1) });
    chats.apply({ seq: 2, kind: 'receipt', id: 'm1', receipt: 'read' });
    chats.apply({ seq: 3, kind: 'receipt', id: 'unknown', receipt: 'read' });
    expect(chats.list()[0]?.bubbles).toEqual([{ ...mine('m1', 1), receipt: 'read' }]);
  });

  it('[RUN-01] somebody types until they say so or their message is there', () => {
    const chats = new Chats(stateWith([]));
    const typing = { account: 'atlas', peer: { kind: 'dm', id: PERSON.id } } as const;
    const names = () => chats.list().find(({ id }) => id === 'atlas')?.typing;
    chats.apply({ seq: 1, kind: 'typing', typing, on: true });
    chats.apply({ seq: 2, kind: 'bubble', bubble: mine('m1', 1) });
    expect(names()).toEqual(['Atlas']);
    chats.apply({ seq: 3, kind: 'bubble', bubble: bubble('m2', 2) });
    expect(names()).toEqual([]);
  });

  it('[TOL-03] what waits is what the server said last, and is answered in the chat with the agent that asks', () => {
    const request = (number: number, agent: string): Waiting => ({
      ...{ number, agent, text: 'May I?', expiresAt: 5 },
      choices: [
        { id: `!approve ${number}`, label: 'Approve' },
        { id: `!reject ${number}`, label: 'Reject' },
      ],
    });
    const chats = new Chats(stateWith([], { waiting: [request(1, 'nova')] }));
    expect([...chats.open]).toEqual(['!approve 1', '!reject 1']);
    chats.apply({ seq: 1, kind: 'waiting', waiting: [request(2, 'elsewhere')] });
    expect(chats.waiting.map(({ number }) => number)).toEqual([2]);
    expect([...chats.open]).toEqual(['!approve 2', '!reject 2']);
    expect([request(1, 'nova'), request(2, 'elsewhere')].map((one) => chats.keyFor(one))).toEqual([
      'dm nova',
      'dm atlas',
    ]);
    expect(new Chats(stateWith([], { contacts: [] })).keyFor(request(1, 'nova'))).toBeNull();
  });

  it('[RUN-01] only what others said since the last look is unread', () => {
    const chat = chatOf(stateWith([bubble('m1', 1), bubble('m2', 2), mine('m3', 3), bubble('m4', 4)]), 'atlas');
    expect([unread(chat, 0), unread(chat, 1), unread(chat, 4)]).toEqual([3, 2, 0]);
  });

  it.each([
    ['nothing was said', [], 'first'],
    ['it waits for an answer', [mine('m1', 1, 'first')], null],
    ['the first was answered', [mine('m1', 1, 'first'), bubble('m2', 2)], 'second'],
    ['all were answered', [mine('m1', 1, 'first'), mine('m2', 2, 'second'), bubble('m3', 3)], null],
  ])('[RUN-01] the next step is offered: %s', (_when, messages, expected) => {
    const state = stateWith(messages);
    expect(nextSuggestion(chatOf(state, 'atlas'), state)).toBe(expected);
    expect(nextSuggestion(chatOf(state, 'nova'), state)).toBeNull();
  });
});

describe('the envelopes', () => {
  it('[OBS-02] the movements of one envelope are one row that says how far it has come', () => {
    const envelopes = new Envelopes();
    const to = ['agent:nova', 'agent:bolt'];
    const texts = [
      flowEvent({ to }),
      flowEvent({ what: 'claimed', to: ['agent:nova'] }),
      flowEvent({ what: 'settled', to: ['agent:nova'], status: 'acked' }),
      flowEvent({ what: 'claimed', to: ['agent:bolt'] }),
      flowEvent({ what: 'settled', to: ['agent:bolt'], status: 'queued' }),
      flowEvent({ what: 'settled', to: ['agent:bolt'], status: 'failed' }),
      flowEvent({ what: 'settled', to: ['agent:bolt'], status: 'acked' }),
    ].map((event) => summary(envelopes.apply(event)).text);
    expect(texts).toEqual(['queued', 'leased 1/2', 'queued 1/2', 'leased 1/2', 'queued 1/2', 'failed 1/2', 'acked']);
    expect(envelopes.list()).toHaveLength(1);
  });

  it('[OBS-02] the newest envelope comes first, and a mailbox counts what it still holds', () => {
    const envelopes = new Envelopes();
    for (const id of ['e1', 'e2', 'e3']) envelopes.apply(flowEvent({ id }));
    envelopes.apply(flowEvent({ id: 'e1', what: 'settled', status: 'acked' }));
    envelopes.apply(flowEvent({ id: 'e2', what: 'claimed' }));
    expect(envelopes.list().map(({ event }) => event.id)).toEqual(['e3', 'e2', 'e1']);
    expect([envelopes.waitingFor('agent:nova'), envelopes.waitingFor('agent:bolt')]).toEqual([2, 0]);
  });

  it('[OBS-02] a page that stays open for long does not grow without end', () => {
    const envelopes = new Envelopes();
    for (let count = 0; count < 500; count++) envelopes.apply(flowEvent({ id: `e${count}` }));
    expect(envelopes.list()).toHaveLength(200);
    expect(envelopes.list()[0]?.event.id).toBe('e499');
  });
});

describe('the words', () => {
  it('[RUN-01] names become initials, whatever their script', () => {
    expect(['Atlas', 'Research Team', 'żółw 🐢 x', ''].map(initials)).toEqual(['A', 'RT', 'Ż🐢', '']);
  });

  it('[RUN-01] an address belongs to an agent, to the people on a channel, or to nobody', () => {
    expect(ownerOf('agent:nova')).toEqual({ agent: 'nova' });
    expect(ownerOf('channel:local:nova')).toBe('person');
    expect(ownerOf('system:person:local:+15550100')).toBe('person');
    expect(ownerOf('system:dead-letters')).toBeNull();
  });

  it('[RUN-01] contacts have different colours', () => {
    expect(new Set(CONTACTS.map(({ agent }) => toneOf(agent.id, CONTACTS))).size).toBe(CONTACTS.length);
  });

  it('[RUN-01] a day is called today only when it is', () => {
    const noon = new Date(2026, 0, 15, 12).getTime();
    const yesterday = new Date(2026, 0, 14, 12).getTime();
    expect(dayOf(noon, noon)).toBe('Today');
    expect(dayOf(yesterday, noon)).not.toBe('Today');
  });
});
