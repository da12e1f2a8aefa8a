import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { agentAddress, agentId, conversationId, messageId, systemAddress } from '../domain/addresses.ts';
import type { Message, NewMessage } from '../domain/message.ts';
import { startTrace } from '../domain/trace.ts';
import {
  completeDraft,
  MAX_BODY_BYTES,
  type MessageV2,
  PAYLOAD_TYPES,
  parseMessageV2,
  toMessageV2,
  toNewMessage,
} from './message-v2.ts';

const NOW = Date.UTC(2026, 1, 3, 14, 30, 22);
const bob = agentAddress(agentId('bob'));

const wire = {
  id: 'msg_1',
  version: '2.0',
  from: 'architect',
  to: 'bob',
  subject: 'Task: Auth Module',
  body: 'Please implement it.',
  timestamp: '2026-02-03T14:30:22Z',
  priority: 'high',
  routing: { reply_to: 'msg_0', conversation_id: 'conv_1', ttl_hours: 24 },
  payload: { type: 'task_assignment', data: { task_id: 't-1', requirements: ['JWT'] } },
  metadata: { ticket: 7 },
};

function parsed(value: unknown): MessageV2 {
  const result = parseMessageV2(value);
  if (!result.ok) throw result.error;
  return result.value;
}

function refusal(value: unknown): string {
  const result = parseMessageV2(value);
  if (result.ok) throw new Error('it was taken');
  expect(result.error.code).toBe('MESSAGE_INVALID');
  return result.error.message;
}

/** The message that the spool makes of it, with nothing but JSON in between. */
function accepted(draft: NewMessage): Message {
  const { deliveries: _recipients, ttlMs, ...kept } = draft;
  const stored = {
    replyTo: null,
    subject: '',
    body: '',
    metadata: {},
    priority: 'normal' as const,
    ...kept,
    acceptedAt: NOW + 5,
    expiresAt: NOW + (ttlMs ?? 0),
  };
  return JSON.parse(JSON.stringify(stored)) as Message;
}

describe('MessageV2', () => {
  it('[SPL-01] a whole message is taken as it is', () => {
    expect(parsed(wire)).toEqual(wire);
  });

  it('[SPL-01] what is not there has a default', () => {
    const { id, version, from, to, timestamp } = wire;
    expect(parsed({ id, version, from, to, timestamp })).toEqual({
      id,
      version,
      from,
      to,
      timestamp,
      subject: '',
      body: '',
      priority: 'normal',
      routing: { reply_to: null, conversation_id: null, ttl_hours: null },
      payload: { type: 'text', data: {} },
      metadata: {},
    });
  });

  it('[SPL-01] urgent is critical', () => {
    expect(parsed({ ...wire, priority: 'urgent' }).priority).toBe('critical');
  });

  it('[SPL-01] there are nine types of payload, all with data that may be left out or have more', () => {
    expect(PAYLOAD_TYPES).toHaveLength(9);
    for (const type of PAYLOAD_TYPES) {
      expect(parsed({ ...wire, payload: { type } }).payload).toEqual({ type, data: {} });
      const data = { of_mine: [1, { a: null }] };
      expect(parsed({ ...wire, payload: { type, data } }).payload).toEqual({ type, data });
    }
  });

  it.each([
    ['no object', 'text', 'it must be a JSON object'],
    ['a number that JSON does not have', { ...wire, metadata: { a: Number.NaN } }, 'it must be a JSON object'],
    ['another version', { ...wire, version: '1.0' }, 'version: '],
    ['no sender', { ...wire, from: undefined }, 'it must be a JSON object'],
    ['a sender with a slash', { ...wire, from: '../etc' }, 'from: an agent id has 1 to 64'],
    ['a recipient with a space', { ...wire, to: 'a b' }, 'to: an agent id has 1 to 64'],
    ['an id with a space', { ...wire, id: 'a b' }, 'id: an id has 1 to 200'],
    ['an id that is too long', { ...wire, id: 'a'.repeat(201) }, 'id: '],
    ['a long subject', { ...wire, subject: 'a'.repeat(999) }, 'subject: '],
    ['a long body', { ...wire, body: 'é'.repeat(MAX_BODY_BYTES / 2 + 1) }, 'body: must be at most 1048576 bytes'],
    ['a time without an offset', { ...wire, timestamp: '2026-02-03T14:30:22' }, 'timestamp: must be an ISO 8601 time'],
    ['an unknown priority', { ...wire, priority: 'asap' }, 'priority: must be one of critical, high, normal, low'],
    ['no time to live', { ...wire, routing: { ttl_hours: 0 } }, 'routing.ttl_hours: '],
    ['more than a year to live', { ...wire, routing: { ttl_hours: 8760.1 } }, 'routing.ttl_hours: '],
    ['a payload without a type', { ...wire, payload: { data: {} } }, 'payload.type: must have a type, one of text,'],
    ['an unknown payload', { ...wire, payload: { type: 'taks_result' } }, 'did you mean task_result?'],
    ['data that is text', { ...wire, payload: { type: 'text', data: 'x' } }, 'payload.data: '],
    ['wrong data', { ...wire, payload: { type: 'status_response', data: { queued_tasks: -1 } } }, 'queued_tasks: '],
    [
      'much data',
      { ...wire, payload: { type: 'text', data: { a: 'a'.repeat(2 ** 20) } } },
      'payload.data: must be at most',
    ],
    ['much metadata', { ...wire, metadata: { a: 'a'.repeat(2 ** 20) } }, 'metadata: must be at most'],
    ['metadata of ours', { ...wire, metadata: { 'message-v2': {} } }, "which is Parley's own"],
    ['much that is unknown', { ...wire, extra: 'a'.repeat(2 ** 20) }, 'does not know are too long'],
  ])('[SPL-01] refused, and said why: %s', (_what, value, why) => {
    expect(refusal(value)).toContain(why);
  });

  it('[SPL-01] the bounds themselves are allowed', () => {
    const body = 'é'.repeat(MAX_BODY_BYTES / 2);
    const bounds = { ...wire, body, subject: 'a'.repeat(998), routing: { ...wire.routing, ttl_hours: 8760 } };
    expect(parsed(bounds)).toEqual(bounds);
  });

  it('[SPL-01] what is as deep and as long as is allowed goes through', () => {
    let deep: object = {};
    for (let depth = 0; depth < 62; depth++) deep = { deep };
    const sent = parsed({ ...wire, deep, payload: { type: 'text', data: { a: 'a'.repeat(2 ** 20 - 8) } } });
    expect(toMessageV2(accepted(toNewMessage(sent, [bob], NOW)), bob)).toEqual(sent);
    const long = parsed({ ...wire, long: 'a'.repeat(2 ** 20 - 11) });
    expect(toMessageV2(accepted(toNewMessage(long, [bob], NOW)), bob)).toEqual(long);
  });

  it('[SPL-05] a draft without an id gets one, and one with an id keeps it', () => {
    const draft = { from: 'a', to: 'b' };
    const [one, two] = [completeDraft(draft, NOW), completeDraft(draft, NOW)];
    if (!one.ok || !two.ok) throw new Error('refused');
    expect(one.value.id).toMatch(/^msg_[0-9A-HJKMNP-TV-Z]{26}$/);
    expect(one.value.id).not.toBe(two.value.id);
    expect(one.value.timestamp).toBe('2026-02-03T14:30:22.000Z');
    expect(completeDraft({ ...draft, id: 'mine', subject: undefined }, NOW)).toMatchObject({ value: { id: 'mine' } });
  });

  it('[SPL-01] goes through the spool and comes back the same', () => {
    const json = fc.jsonValue({ maxDepth: 3 }).map((value) => JSON.parse(JSON.stringify(value)) as unknown);
    const name = fc.string({ unit: fc.constantFrom(...'abcxyz09_'), minLength: 1, maxLength: 12 });
    const record = fc.dictionary(name, json);
    const id = fc.string({ unit: fc.constantFrom(...'abc/:.#~_-09'), minLength: 1, maxLength: 40 });
    const message = fc.record({
      id,
      version: fc.constant('2.0'),
      from: fc.constantFrom('a', 'agent.b@c', '9'),
      to: fc.constant('bob'),
      subject: fc.string({ maxLength: 40 }).filter((text) => !/\p{Cc}/u.test(text)),
      body: fc.string({ unit: 'grapheme' }),
      timestamp: fc
        .date({ min: new Date(0), max: new Date(4e12), noInvalidDate: true })
        .map((date) => date.toISOString()),
      priority: fc.constantFrom('critical', 'high', 'normal', 'low'),
      routing: fc.record({
        reply_to: fc.option(id),
        conversation_id: id,
        ttl_hours: fc.option(fc.double({ min: 0.001, max: 8760, noNaN: true })),
        hops_of_mine: fc.integer(),
      }),
      payload: fc.record({ type: fc.constantFrom(...PAYLOAD_TYPES), data: fc.record({ of_mine: json }) }),
      metadata: record,
      unknown_field: json,
    });
    fc.assert(
      fc.property(message, (sent) => {
        const taken = parsed(sent);
        expect(taken).toEqual(sent);
        expect(toMessageV2(accepted(toNewMessage(taken, [bob], NOW)), bob)).toEqual(sent);
      }),
      { numRuns: 300 },
    );
  });

  it('[SPL-01] becomes a message for its recipients, in a new conversation when it has none', () => {
    const draft = toNewMessage(parsed({ ...wire, routing: {} }), [bob], NOW);
    expect(draft).toMatchObject({ id: 'msg_1', from: 'agent:architect', deliveries: [{ to: bob }], priority: 'high' });
    expect(draft.conversation).toMatch(/^conv_/);
    expect(draft).not.toHaveProperty('ttlMs');
    expect(toNewMessage(parsed(wire), [bob], NOW)).toMatchObject({ conversation: 'conv_1', ttlMs: 86_400_000 });
  });

  it('[SPL-01] a message of another kind is shown as text that says what it was', () => {
    const id = messageId('m');
    const chat: Message = {
      id,
      from: systemAddress('person:local:you'),
      conversation: conversationId('c'),
      replyTo: null,
      subject: '',
      body: 'Hello',
      payload: { type: 'chat.in', data: { text: 'Hello' } },
      metadata: {},
      priority: 'normal',
      trace: startTrace(id, null),
      acceptedAt: NOW,
      expiresAt: NOW + 3_600_000,
    };
    expect(toMessageV2(chat, bob)).toMatchObject({
      from: 'system:person:local:you',
      to: 'bob',
      timestamp: '2026-02-03T14:30:22.000Z',
      routing: { ttl_hours: 1 },
      payload: { type: 'text', data: { original_type: 'chat.in', original_data: { text: 'Hello' } } },
    });
  });
});
