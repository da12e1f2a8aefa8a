import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { agentId } from '../domain/addresses.ts';
import type { JsonObject } from './bounded-json.ts';
import { carriedMessage, FOREIGN_BUDGET, type WayIn } from './carried.ts';
import { writeEnvelope } from './envelope.ts';
import { draftOf, NO_KEYS, SIGNING_AND_SEALING } from './envelope-fixtures.ts';

const NOVA = agentId('nova_001');
const HUB: WayIn = { transport: 'hub' };

const text = writeEnvelope(draftOf('hello'), SIGNING_AND_SEALING);
const fields: JsonObject = JSON.parse(writeEnvelope(draftOf('hello'), NO_KEYS));
const carried = (changes: object, via = HUB) => carriedMessage(JSON.stringify({ ...fields, ...changes }), NOVA, via);

describe('an envelope that came over a link', () => {
  it('[REL-01] [PRO-05] is put into the mailbox as it is: under its id, from its sender, in its conversation', () => {
    expect(carriedMessage(text, NOVA, HUB)).toEqual({
      id: 'msg_01',
      from: 'agent:atlas_001',
      deliveries: [{ to: 'agent:nova_001', orderingKey: 'conv_abc123', maxAttempts: 10 }],
      conversation: 'conv_abc123',
      subject: 'group',
      body: text,
      payload: { type: 'envelope', data: { via: HUB } },
      trace: { root: 'msg_01', cause: null, hop: 0, origin: null, budget: FOREIGN_BUDGET },
    });
  });

  it('[REL-01] says beside it how it came, whatever it says of that itself', () => {
    const way: WayIn = { transport: 'whatsapp', phone: '+15550100', metadata: { relay_url: 'http://r' }, postedAt: 7 };
    expect(carried({ via: { transport: 'sqlite' } }, way)?.payload.data).toEqual({ via: way });
  });

  it('[TRC-02] is no bigger a budget than a stranger gets, whatever its trace claims before it is verified', () => {
    const budget = { turns: 1_000, tokens: null, microUsd: null };
    const trace = { root: 'r', cause: null, hop: 0, origin: null, budget };
    expect(carried({ trace })?.trace.budget).toEqual(FOREIGN_BUDGET);
  });

  it('[SPL-05] without an id of its own has one that follows from its text', () => {
    const [one, again, other] = [{ id: undefined }, { id: undefined }, { id: undefined, intent: 'chat' }].map(
      (changes) => carried(changes)?.id,
    );
    expect(one).toMatch(/^env_[0-9A-Z]{26}$/);
    expect([again, other === one]).toEqual([one, false]);
  });

  it('[PRO-05] is not looked at more closely: a forged one is put there too, and refused where it is opened', () => {
    expect(carried({ auth: { hmac: 'forged' } })).not.toBe(null);
  });
});

describe('what is no envelope', () => {
  it.each<[string, object]>([
    ['an id with white space', { id: 'msg 1' }],
    ['an id that is too long', { id: 'i'.repeat(201) }],
    ['no sender', { from: undefined }],
    ['a sender that is no agent', { from: { agentId: '../etc' } }],
    ['the sender __proto__', { from: { agentId: '__proto__' } }],
    ['no conversation', { conversationId: undefined }],
    ['a conversation with white space', { conversationId: 'a b' }],
    ['an intent that is too long', { intent: 'i'.repeat(65) }],
    ['no intent', { intent: undefined }],
  ])('[PRO-01] has %s', (_what, changes) => {
    expect(carried({})).not.toBe(null);
    expect(carried(changes)).toBe(null);
  });

  it.each(['', 'Please build it.', '{}', '[]', 'null', '7', '{"from":', `${'['.repeat(5000)}${']'.repeat(5000)}`])(
    '[PRO-01] [HUB-06] is %.20j',
    (other) => {
      expect(carriedMessage(other, NOVA, HUB)).toBe(null);
    },
  );

  it('[PRO-01] [HUB-06] does no harm, whatever it is', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.json()), (other) => {
        expect(carriedMessage(other, NOVA, HUB)).toBe(null);
      }),
    );
  });
});
