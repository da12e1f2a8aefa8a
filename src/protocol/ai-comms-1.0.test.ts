import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { looksLikeEnvelope } from './ai-comms-1.0.ts';
import { writeEnvelope } from './envelope.ts';
import { draftOf, SIGNING_AND_SEALING } from './envelope-fixtures.ts';

describe('telling envelopes from what humans write', () => {
  it.each([
    'hello',
    '',
    'null',
    '"ai-comms"',
    'ask Nova about the ai-comms protocol',
    '{"protocol":"ai-comms"',
    'see here: {"protocol":"ai-comms","version":"1.0"}',
    '{"protocol":"ai-comms","version":"1.0"} is what I got',
    '[{"protocol":"ai-comms"}]',
    '{"protocol":"AI-COMMS"}',
    '{"protocol":["ai-comms"]}',
    '{"message":{"protocol":"ai-comms"}}',
    '{"__proto__":{"protocol":"ai-comms"}}',
    '{"todo":["milk","bread"]}',
  ])('[PRO-01] takes %j for text', (text) => {
    expect(looksLikeEnvelope(text)).toBe(false);
  });

  it('[PRO-01] takes no text for an envelope, and no other JSON', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.json()), (text) => {
        expect(looksLikeEnvelope(text)).toBe(false);
        expect(looksLikeEnvelope(`x${text}{"protocol":"ai-comms"}`)).toBe(false);
      }),
    );
  });

  it('[PRO-01] takes every envelope for one: our own, an invalid one, one that is too large or too deep', () => {
    expect(looksLikeEnvelope(writeEnvelope(draftOf('hello'), SIGNING_AND_SEALING))).toBe(true);
    expect(looksLikeEnvelope(' {"protocol":"ai-comms"}\n')).toBe(true);
    expect(looksLikeEnvelope(`{"protocol":"ai-comms","payload":"${'x'.repeat(300_000)}"}`)).toBe(true);
    expect(looksLikeEnvelope(`{"protocol":"ai-comms","payload":${'['.repeat(9999)}${']'.repeat(9999)}}`)).toBe(true);
  });
});
