import { describe, expect, it } from 'vitest';
import { nearest } from './suggestion.ts';

describe('nearest', () => {
  it.each([
    ['opnai', 'openai'],
    ['OPENAI', 'openai'],
    ['grok', 'groq'],
    ['gorq', 'groq'],
    ['anthropics', 'anthropic'],
    ['cohree', 'cohere'],
  ])('[SEC-04] %s was meant to be %s', (word, meant) => {
    expect(nearest(word, ['openai', 'anthropic', 'groq', 'cohere', 'ollama'])).toBe(meant);
  });

  it.each(['', 'x', 'gemini', 'sk-0123456789', 'x'.repeat(100_000)])('[SEC-04] nothing is near to %.20s', (word) => {
    expect(nearest(word, ['openai', 'anthropic', 'groq', 'cohere', 'ollama'])).toBeNull();
  });

  it('[SEC-04] of several the nearest', () => {
    expect(nearest('SECURITY_ALOWLIST', ['SECURITY_BLOCKLIST', 'SECURITY_ALLOWLIST'])).toBe('SECURITY_ALLOWLIST');
  });
});
