import * as baileys from 'baileys';
import { describe, expect, it } from 'vitest';
import { type Company, mentionsIn, quoteIn } from './names.ts';
import type { Person } from './sessions.ts';

const ANN: Person = { id: '+15550100', lid: '900100@lid', phone: '+15550100', name: 'Ann' };
const NAMELESS: Person = { id: '+15550102', lid: '900102@lid', phone: '+15550102', name: null };

const company: Company = {
  baileys,
  sessions: {
    person: (lid, phone) =>
      [ANN, NAMELESS].find((one) => (lid !== null && one.lid === lid) || (phone !== null && one.phone === phone)) ??
      null,
  },
  self: { id: '15550001:7@s.whatsapp.net', lid: '800000000000001:7@lid' },
  agents: ['Atlas'],
  members: [{ lid: '900103@lid', phone: '+15550103' }],
};

describe('who is mentioned', () => {
  it.each([
    ['the account, by its hidden id', '800000000000001@lid', { '800000000000001': 'Atlas' }],
    ['the account, by its number', '15550001@s.whatsapp.net', { '15550001': 'Atlas' }],
    ['somebody whose name is known, by the hidden id', '900100@lid', { '900100': 'Ann' }],
    ['somebody whose name is known, by the number', '15550100@s.whatsapp.net', { '15550100': 'Ann' }],
    ['somebody whose number alone is known', '900102@lid', { '900102': '15550102' }],
    ['somebody who has said nothing yet, but is in the group', '900103@lid', { '900103': '15550103' }],
    ['somebody of whom nothing is known', '900104@lid', {}],
    ['somebody who is not in the text', '900100@lid', {}, 'hello'],
    ['nobody', '__proto__@lid', {}, 'hello @__proto__'],
  ])('[WHA-05] is %s', (_who, jid, expected, text = `hello @${jid.split('@')[0]}!`) => {
    expect(mentionsIn(text, [jid], company)).toEqual(expected);
  });

  it('[BRD-05] [WHA-05] is every agent with the number, where there are several', () => {
    const several = { ...company, agents: ['Atlas', 'Nova'] };
    expect(mentionsIn('@15550001?', ['15550001@s.whatsapp.net'], several)).toEqual({ '15550001': 'Atlas @Nova' });
  });
});

describe('what is answered', () => {
  const quote = (author: string | null, text: string | null = 'Indeed.', over: Partial<Company> = {}) =>
    quoteIn({ stanza: 'ABC', author, text }, { ...company, ...over });

  it.each([
    ['the agent', '800000000000001:3@lid', 'Atlas'],
    ['somebody whose name is known', '900100@lid', 'Ann'],
    ['somebody whose number alone is known', '15550102@s.whatsapp.net', '+15550102'],
  ])('[WHA-05] was said by %s', (_who, author, sender) => {
    expect(quote(author)).toEqual({ text: 'Indeed.', sender });
  });

  it('[WHA-05] may be said by nobody who is known, or by one of several', () => {
    expect(quote('900104@lid')).toEqual({ text: 'Indeed.' });
    expect(quote(null)).toEqual({ text: 'Indeed.' });
    expect(quote('15550001@s.whatsapp.net', 'Nova: Indeed.', { agents: ['Atlas', 'Nova'] })).toEqual({
      text: 'Nova: Indeed.',
    });
    expect(quote('900100@lid', null)).toBeNull();
  });

  it('[WHA-05] names those who are mentioned in it, and is not kept at any length', () => {
    expect(quote(null, '@800000000000001, @900100, @15550102, @900104')?.text).toBe('@Atlas, @Ann, @15550102, @900104');
    expect(quote(null, 'x'.repeat(60_000))?.text).toHaveLength(1_000);
  });
});
