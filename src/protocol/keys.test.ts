import { describe, expect, it } from 'vitest';
import { deriveKeys } from './keys.ts';

describe('the keys of a network', () => {
  it('[PRO-03] derives different keys for signing and sealing, even from one secret', () => {
    const { signing, sealing } = deriveKeys({ agentSecret: 'the same', encryptionKey: 'the same' });
    expect(signing?.export()).toHaveLength(32);
    expect(sealing?.export()).toHaveLength(32);
    expect(signing?.export()).not.toEqual(sealing?.export());
  });

  it('[PRO-03] has no key where there is no secret', () => {
    expect(deriveKeys({ agentSecret: null, encryptionKey: null })).toEqual({ signing: null, sealing: null });
  });

  it('[PRO-02] refuses an empty secret, whose key anybody could derive', () => {
    expect(() => deriveKeys({ agentSecret: '', encryptionKey: null })).toThrow('SECURITY_AGENT_SECRET is empty');
    expect(() => deriveKeys({ agentSecret: null, encryptionKey: '' })).toThrow('SECURITY_ENCRYPTION_KEY is empty');
  });

  it('[OBS-01] shows no key when printed', () => {
    const keys = deriveKeys({ agentSecret: 'a', encryptionKey: 'b' });
    expect(JSON.stringify(keys)).toBe('{"signing":{},"sealing":{}}');
  });
});
