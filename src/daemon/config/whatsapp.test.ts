import { describe, expect, it } from 'vitest';
import { refused, type Start, started } from './config-fixtures.ts';
import { linkedAccounts } from './whatsapp.ts';
import { whatsAppNumber } from './whatsapp-number.ts';

const AGENT = { AGENT_NAME: 'Atlas', AI_PROVIDER: 'demo', PLATFORM: 'whatsapp' };
const CLOUD = {
  ...AGENT,
  WHATSAPP_MODE: 'cloud-api',
  WHATSAPP_PHONE_NUMBER_ID: '1066',
  WHATSAPP_ACCESS_TOKEN: 'EAAhush',
  WHATSAPP_APP_SECRET: 'hush',
  WHATSAPP_VERIFY_TOKEN: 'verify',
};
const on = (env: Record<string, string>): Start => ({ env: { ...AGENT, ...env } });
const whatsApp = (how: Start) => started(how).config.whatsapp;

describe('WhatsApp', () => {
  it('[CHN-01] is one of the platforms, or there is nothing of it', () => {
    expect(started({ env: { ...AGENT, PLATFORM: 'local', WHATSAPP_MODE: 'cloud-api' } }).config.whatsapp).toBeNull();
    expect(started(on({ PLATFORM: 'local,whatsapp,local' })).config.platforms).toEqual(['local', 'whatsapp']);
  });

  it('[WHA-01] [WHA-05] needs nothing but to be named: a linked device, in no group', () => {
    expect(whatsApp(on({}))).toEqual({
      mode: 'baileys',
      linkBy: 'qr',
      webUrl: null,
      rootKey: null,
      groups: [],
      groupActivation: 'mention',
      debounceMs: 1000,
      maxMediaBytes: 20 * 1024 * 1024,
      cloud: null,
    });
  });

  it.each(['all', 'Research Team, ALL'])('[WHA-05] with WHATSAPP_GROUPS=%s it is in every group', (groups) => {
    expect(whatsApp(on({ WHATSAPP_GROUPS: groups }))?.groups).toBe('all');
  });

  it('[WHA-01] [CHN-01] can stand in parley.json5, with a number for each agent', () => {
    const file = `{
      platforms: ['whatsapp'], provider: 'demo', peers: ['+15550104'],
      whatsapp: { groups: ['Research Team'], groupActivation: 'always', linkBy: 'code' },
      agents: [{ id: 'atlas', phone: '+1 555 0101' }, { id: 'nova', phone: '0015550102' }],
    }`;
    const { config } = started({ files: { 'parley.json5': file } });
    expect(config.whatsapp).toMatchObject({ groups: ['Research Team'], groupActivation: 'always', linkBy: 'code' });
    expect(config.peers).toEqual(['+15550104']);
    expect(linkedAccounts(config)).toEqual([
      { id: 'atlas', phone: '+15550101' },
      { id: 'nova', phone: '+15550102' },
    ]);
  });

  it('[WHA-01] the numbers of the demo are made up: any phone may link it', () => {
    const { config } = started({ env: { PLATFORM: 'whatsapp' } });
    expect(linkedAccounts(config).map(({ phone }) => phone)).toEqual([null, null, null]);
  });

  it.each([
    ['+1 (555) 010-1234', '+15550101234'],
    ['004915112345678', '+4915112345678'],
    ['015112345678', null],
    ['555 0101', '+5550101'],
    ['12345', null],
    ['Ann', null],
  ])('[WHA-01] the number %s is %s', (text, number) => {
    expect(whatsAppNumber(text)).toBe(number);
  });
});

describe('the Cloud API', () => {
  it('[WHA-02] [SEC-04] every variable reaches its setting; the secrets may come from files', () => {
    const { WHATSAPP_ACCESS_TOKEN: _token, WHATSAPP_APP_SECRET: _secret, ...rest } = CLOUD;
    const { config, privateFiles } = started({
      files: { token: 'EAAfile\n', secret: 'file\n' },
      env: {
        ...rest,
        WHATSAPP_ACCESS_TOKEN_FILE: 'token',
        WHATSAPP_APP_SECRET_FILE: 'secret',
        WHATSAPP_API_VERSION: 'v26.0',
        WHATSAPP_GRAPH_URL: 'http://127.0.0.1:1',
        WHATSAPP_TEMPLATE: 'still_there',
        WHATSAPP_TEMPLATE_LANGUAGE: 'de',
      },
    });
    expect(config.whatsapp).toMatchObject({
      mode: 'cloud-api',
      cloud: {
        phoneNumberId: '1066',
        accessToken: 'EAAfile',
        appSecret: 'file',
        verifyToken: 'verify',
        apiVersion: 'v26.0',
        graphUrl: 'http://127.0.0.1:1',
        template: { name: 'still_there', language: 'de' },
      },
    });
    expect(privateFiles).toEqual([expect.stringMatching(/token$/), expect.stringMatching(/secret$/)]);
  });

  it('[WHA-02] what need not be set is that of Meta', () => {
    expect(whatsApp({ env: CLOUD })?.cloud).toMatchObject({
      apiVersion: 'v25.0',
      graphUrl: 'https://graph.facebook.com',
      template: null,
    });
    expect(whatsApp({ env: { ...CLOUD, WHATSAPP_TEMPLATE: 'hello' } })?.cloud?.template).toEqual({
      name: 'hello',
      language: 'en_US',
    });
  });

  it('[WHA-02] [SEC-04] all that is missing is told at once, with what to set', () => {
    const { message } = refused(on({ WHATSAPP_MODE: 'cloud-api' }));
    const lines = message.split('\n').slice(1);
    expect(lines).toEqual([
      expect.stringMatching(/^- WHATSAPP_PHONE_NUMBER_ID: .* Set WHATSAPP_PHONE_NUMBER_ID: /),
      expect.stringMatching(
        /^- WHATSAPP_ACCESS_TOKEN: .* Set WHATSAPP_ACCESS_TOKEN \(or WHATSAPP_ACCESS_TOKEN_FILE\): /,
      ),
      expect.stringMatching(/^- WHATSAPP_APP_SECRET: .* \(or WHATSAPP_APP_SECRET_FILE\)/),
      expect.stringMatching(/^- WHATSAPP_VERIFY_TOKEN: .* \(or WHATSAPP_VERIFY_TOKEN_FILE\)/),
    ]);
  });
});

describe('what is refused of WhatsApp', () => {
  const KEY = '0f'.repeat(32);
  const cases: [string, Start, RegExp][] = [
    ['an unknown mode', on({ WHATSAPP_MODE: 'bailey' }), /WHATSAPP_MODE: is not a known mode: .*"baileys"/],
    ['an unknown way to link', on({ WHATSAPP_LINK_BY: 'nfc' }), /WHATSAPP_LINK_BY: is not a known way to link/],
    [
      'a code without a number',
      on({ WHATSAPP_LINK_BY: 'code' }),
      /LINK_BY: codes are .* for atlas_001\. Set AGENT_PHONE/,
    ],
    [
      'a code for a number without its country',
      on({ WHATSAPP_LINK_BY: 'code', AGENT_PHONE: '0151 1234567' }),
      /WHATSAPP_LINK_BY: .* with its country code, for atlas_001/,
    ],
    [
      'a code for the demo',
      { env: { PLATFORM: 'whatsapp', WHATSAPP_LINK_BY: 'code' } },
      /LINK_BY: .* for atlas_001, nova_001, bolt_001\./,
    ],
    ['a server without its key', on({ WHATSAPP_WEB_URL: 'ws://x.example' }), /WEB_URL: .* belong together.* Set both/],
    ['a key without its server', on({ WHATSAPP_WEB_ROOT_KEY: KEY }), /WEB_ROOT_KEY: .* belong together/],
    [
      'a server that is no WebSocket',
      on({ WHATSAPP_WEB_URL: 'http://x', WHATSAPP_WEB_ROOT_KEY: KEY }),
      /must be a ws:/,
    ],
    ['a short key', on({ WHATSAPP_WEB_URL: 'ws://x', WHATSAPP_WEB_ROOT_KEY: 'ab' }), /ROOT_KEY: must be 64 hex digits/],
    [
      'an unknown activation',
      on({ WHATSAPP_GROUP_ACTIVATION: 'never' }),
      /GROUP_ACTIVATION: is not a known activation/,
    ],
    [
      'a pause without end',
      on({ WHATSAPP_DEBOUNCE_MS: '60001' }),
      /DEBOUNCE_MS: must be a whole number of milliseconds/,
    ],
    [
      'files of any size',
      on({ WHATSAPP_MAX_MEDIA_MB: '101' }),
      /MAX_MEDIA_MB: must be a whole number of MiB from 1 to 100/,
    ],
    ['a peer that is no number', on({ AGENT_PEERS: '+15550101,Nova' }), /AGENT_PEERS: must be a phone number such as/],
    [
      'a number in place of its id',
      { env: { ...CLOUD, WHATSAPP_PHONE_NUMBER_ID: '+15550101' } },
      /NUMBER_ID: must be digits/,
    ],
    [
      'a version that is none',
      { env: { ...CLOUD, WHATSAPP_API_VERSION: '25' } },
      /API_VERSION: must be such as v25\.0/,
    ],
    [
      'a token sent unencrypted',
      { env: { ...CLOUD, WHATSAPP_GRAPH_URL: 'http://graph.example' } },
      /WHATSAPP_GRAPH_URL: must be an https:/,
    ],
    [
      'a template with spaces',
      { env: { ...CLOUD, WHATSAPP_TEMPLATE: 'Still there' } },
      /TEMPLATE: must be the name of/,
    ],
    [
      'the Cloud API for several agents',
      {
        files: { 'parley.json5': '{agents: {a: {provider: "demo"}, b: {provider: "demo"}}}' },
        env: { ...CLOUD, AGENT_NAME: '' },
      },
      /WHATSAPP_MODE: the Cloud API has one number.* Keep one agent, name one in routing\.accounts, or set WHATSAPP_MODE=/,
    ],
    [
      'a token in parley.json5',
      { files: { 'parley.json5': '{whatsapp: {cloud: {accessToken: "hush"}}}' }, env: AGENT },
      /whatsapp\.cloud\.accessToken: secrets do not belong in this file\. Set WHATSAPP_ACCESS_TOKEN, .* in \.env/,
    ],
    [
      'a misspelt setting',
      { files: { 'parley.json5': '{whatsapp: {grups: []}}' }, env: AGENT },
      /whatsapp\.grups: .*Did you mean "groups"/,
    ],
  ];

  it.each(cases)('[SEC-04] %s', (_what, how, expected) => {
    const error = refused(how);
    expect(error.message).toMatch(expected);
    expect(error.message).toMatch(/^The configuration has a problem:\n- [^\n]+$/);
    expect(`${error.message}${error.stack}`).not.toMatch(/hush/);
  });

  it('[SEC-04] a misspelt variable is told of', () => {
    const { warnings } = started(on({ WHATSAPP_GROUP: 'all' }));
    expect(warnings).toMatchObject([{ where: 'WHATSAPP_GROUP', fix: 'Did you mean WHATSAPP_GROUPS?' }]);
  });
});
