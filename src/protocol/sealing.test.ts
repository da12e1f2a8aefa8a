import { createCipheriv, createSecretKey } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { canonicalJson } from '../lib/json.ts';
import { seal, unseal } from './sealing.ts';

const key = createSecretKey(Buffer.alloc(32, 1));
const header = { intent: 'chat', from: { agentId: 'atlas' } };
const sealed = seal('hello', header, key);

/** A payload sealed under the right key beside the right header, with measures of its own. */
function sealedWith({ plaintext = '"hello"', ivLength = 12, tagLength = 16 }) {
  const iv = Buffer.alloc(ivLength, 7);
  const cipher = createCipheriv('aes-256-gcm', key, iv, { authTagLength: tagLength });
  cipher.setAAD(Buffer.from(canonicalJson(header)));
  const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()]).toString('base64');
  return { sealed: 'aes-256-gcm', iv: iv.toString('base64'), tag: cipher.getAuthTag().toString('base64'), ciphertext };
}

describe('a sealed payload', () => {
  it('[PRO-03] opens under the same key beside the same header', () => {
    expect(unseal(sealed, { from: { agentId: 'atlas' }, intent: 'chat' }, key)).toEqual({ ok: true, value: 'hello' });
  });

  it('[PRO-03] does not open under another key or beside another header', () => {
    expect(unseal(sealed, header, createSecretKey(Buffer.alloc(32, 2))).ok).toBe(false);
    expect(unseal(sealed, { ...header, intent: 'announce' }, key).ok).toBe(false);
  });

  it('[PRO-03] never uses an iv twice', () => {
    const ivs = Array.from({ length: 1000 }, () => seal('hello', header, key).iv);
    expect(new Set(ivs).size).toBe(1000);
  });

  it.each([4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15])('[PRO-03] refuses a genuine tag cut to %i bytes', (length) => {
    const tag = Buffer.from(sealed.tag, 'base64').subarray(0, length).toString('base64');
    expect(unseal({ ...sealed, tag }, header, key)).toEqual({
      ok: false,
      error: 'the sealed payload is not well formed',
    });
  });

  it('[PRO-03] refuses what was genuinely made with a short tag, or an iv of another length', () => {
    expect(unseal(sealedWith({}), header, key)).toEqual({ ok: true, value: 'hello' });
    expect(unseal(sealedWith({ tagLength: 4 }), header, key).ok).toBe(false);
    expect(unseal(sealedWith({ ivLength: 16 }), header, key).ok).toBe(false);
  });

  it('[PRO-03] refuses the same bytes written differently, and fields of no meaning', () => {
    expect(unseal({ ...sealed, iv: ` ${sealed.iv}` }, header, key).ok).toBe(false);
    expect(unseal({ ...sealed, tag: sealed.tag.replaceAll('=', '') }, header, key).ok).toBe(false);
    expect(unseal({ ...sealed, note: 'not covered by the tag' }, header, key).ok).toBe(false);
  });

  it('[PRO-03] refuses what is inside when it is not JSON', () => {
    const notJson = sealedWith({ plaintext: 'hello, no quotes' });
    expect(unseal(notJson, header, key)).toEqual({
      ok: false,
      error: 'the sealed payload is not JSON, or nested too deeply',
    });
  });
});
