import { describe, expect, it } from 'vitest';
import { directoryWith } from './config/config-fixtures.ts';
import { type PairingFlags, pairingTarget } from './pairing-target.ts';

const ATLAS = { PLATFORM: 'whatsapp', AGENT_NAME: 'Atlas', AI_PROVIDER: 'openai' };
const TWO = `{ platforms: ['whatsapp'], provider: 'demo', agents: [
  { id: 'atlas_001', name: 'Atlas', phone: '+1 555 0101' }, { id: 'nova_001', name: 'Nova' } ] }`;

function target(
  agent: string | undefined,
  flags: PairingFlags,
  env: Record<string, string>,
  files: Record<string, string> = {},
) {
  return pairingTarget(agent, flags, { env, cwd: directoryWith(files) });
}
const oneOfTwo = (agent: string | undefined, flags: PairingFlags = {}) =>
  target(agent, flags, {}, { 'parley.json5': TWO });

describe('what is to be linked', () => {
  it('[WHA-01] [CLI-02] is the account of the only agent, which needs no key for that', () => {
    expect(target(undefined, {}, ATLAS)).toMatchObject({
      account: { id: 'atlas_001', phone: null },
      linkBy: 'qr',
      server: null,
    });
  });

  it.each(['nova_001', 'Nova', 'NOVA'])('[WHA-01] [CLI-02] or of the one that is named: %s', (name) => {
    expect(oneOfTwo(name).account).toEqual({ id: 'nova_001', phone: null });
  });

  it('[BRD-01] [WHA-01] is that of an agent that has one', () => {
    const files = { 'parley.json5': TWO.replace('agents:', "routing: { defaultAgentId: 'nova_001' }, agents:") };
    expect(target(undefined, {}, {}, files).account.id).toBe('nova_001');
    expect(() => target('Atlas', {}, {}, files)).toThrow("No agent 'Atlas' with an account");
  });

  it('[WHA-01] is in the database that the flags and the surroundings name', () => {
    expect(target(undefined, { db: '/elsewhere/x.db' }, ATLAS).databasePath).toBe('/elsewhere/x.db');
  });

  it('[WHA-01] [WHA-06] has a server of its own in tests', () => {
    const server = { WHATSAPP_WEB_URL: 'ws://127.0.0.1:1/', WHATSAPP_WEB_ROOT_KEY: 'ab'.repeat(32) };
    expect(target(undefined, {}, { ...ATLAS, ...server }).server).toEqual({
      webUrl: 'ws://127.0.0.1:1/',
      rootKey: 'ab'.repeat(32),
    });
  });

  it('[WHA-01] by a code where that is wanted, with the number that is given, or else configured', () => {
    expect(oneOfTwo('atlas_001', { code: true })).toMatchObject({ linkBy: 'code', account: { phone: '+15550101' } });
    expect(oneOfTwo('atlas_001', { code: true, phone: '0015550109' }).account.phone).toBe('+15550109');
    const byCode = { ...ATLAS, AGENT_PHONE: '+15550101', WHATSAPP_LINK_BY: 'code' };
    expect(target(undefined, {}, byCode).linkBy).toBe('code');
    expect(target(undefined, { png: 'qr.png' }, byCode).linkBy).toBe('qr');
  });

  it.each<[string, () => unknown, object]>([
    ['no agent named of two', () => oneOfTwo(undefined), { code: 'USAGE', hint: 'For example: parley pair atlas_001' }],
    ['an unknown agent', () => oneOfTwo('bolt'), { code: 'AGENT_UNKNOWN', hint: 'There is: atlas_001, nova_001.' }],
    ['a misspelt agent', () => oneOfTwo('nova_01'), { code: 'AGENT_UNKNOWN', hint: "Did you mean 'nova_001'?" }],
    ['a code for an unknown number', () => oneOfTwo('nova_001', { code: true }), { code: 'USAGE' }],
    ['a number that is none', () => oneOfTwo('nova_001', { code: true, phone: 'mine' }), { code: 'USAGE' }],
    ['no WhatsApp', () => target(undefined, {}, { ...ATLAS, PLATFORM: 'local' }), { code: 'CONFIG_INVALID' }],
    ['a wrong setting', () => target(undefined, {}, { ...ATLAS, LOG_LEVEL: 'loud' }), { code: 'CONFIG_INVALID' }],
    [
      'the Cloud API',
      () =>
        target(
          undefined,
          {},
          {
            ...ATLAS,
            WHATSAPP_MODE: 'cloud-api',
            WHATSAPP_PHONE_NUMBER_ID: '1',
            WHATSAPP_ACCESS_TOKEN: 't',
            WHATSAPP_APP_SECRET: 's',
            WHATSAPP_VERIFY_TOKEN: 'v',
          },
        ),
      { code: 'CONFIG_INVALID', message: 'A number of the Cloud API is not linked with a phone.' },
    ],
  ])('[CLI-02] %s is an error that says what mends it', (_what, wrong, error) => {
    expect(wrong).toThrow(expect.objectContaining({ hint: expect.stringMatching(/./), ...error }));
  });
});
