import { describe, expect, it } from 'vitest';
import { refused, type Start, started } from './config-fixtures.ts';

const AGENT = { AGENT_NAME: 'Atlas', AI_PROVIDER: 'demo' };
const CODER = { name: 'Coder', url: 'https://coder.example' };
const registry = (...entries: readonly unknown[]): Start => ({
  env: { ...AGENT, MULTI_AGENT_REGISTRY: JSON.stringify(entries) },
});
const ports = (text: string): Start => ({ env: { ...AGENT, MULTI_AGENT_PORTS: text } });
const file = (text: string): Start => ({ files: { 'parley.json5': text }, env: AGENT });
const agents = (how: Start) => started(how).config.httpAgents;

describe('agents that are reached over HTTP', () => {
  it('[TEM-01] there are none unless somebody lists them', () => {
    expect(agents({})).toEqual([]);
    expect(agents(registry())).toEqual([]);
  });

  it('[TEM-01] [SEC-05] listed ones must be at public addresses, those on ports on this machine', () => {
    const listed = { ...CODER, apiKey: null, skills: [], describesItself: false };
    expect(agents(registry(CODER))).toEqual([{ ...listed, id: 'coder', allow: 'public' }]);
    expect(agents(ports('4001,, 4002'))).toMatchObject([
      { id: 'agent-4001', url: 'http://127.0.0.1:4001', allow: 'loopback' },
      { id: 'agent-4002', url: 'http://127.0.0.1:4002', allow: 'loopback' },
    ]);
  });

  it('[TEM-01] all of the lists count, and those of the demo are agents too', () => {
    const files = { 'parley.json5': '{httpAgents: {list: [{name: "Poet", url: "https://poet.example"}], ports: [1]}}' };
    const env = { MULTI_AGENT_REGISTRY: JSON.stringify([CODER]), MULTI_AGENT_PORTS: '2' };
    expect(agents({ files, env }).map(({ id }) => id)).toEqual(['coder', 'poet', 'agent-2']);
    expect(started({ env }).config.mode).toBe('demo');
  });

  it('[TEM-01] the list may come from a file, with keys in it that only its owner may read', () => {
    const files = { list: JSON.stringify([{ ...CODER, apiKey: 'hush' }]) };
    const { config, privateFiles } = started({ files, env: { ...AGENT, MULTI_AGENT_REGISTRY_FILE: 'list' } });
    expect(config.httpAgents).toMatchObject([{ id: 'coder', apiKey: 'hush' }]);
    expect(privateFiles).toEqual([expect.stringMatching(/list$/)]);
  });

  it.each([
    ['Code Reviewer', 'code-reviewer'],
    ['  Zoë  Élan ', 'zoe-elan'],
    ['R2-D2', 'r2-d2'],
  ])('[TEM-01] the id of %j is %s', (name, id) => {
    expect(agents(registry({ ...CODER, name }))).toMatchObject([{ id, name: name.trim() }]);
  });

  it.each([
    ['https://coder.example/', 'https://coder.example'],
    ['https://coder.example/agents/coder//', 'https://coder.example/agents/coder'],
    ['HTTP://Coder.example:80', 'http://coder.example'],
  ])('[BRG-02] %s is asked below %s', (url, base) => {
    expect(agents(registry({ ...CODER, url }))).toMatchObject([{ url: base }]);
  });

  it.each(['http://127.0.0.1:1', 'http://[::1]:1', 'http://2130706433', 'http://localhost:1', 'http://10.0.0.7'])(
    '[SEC-05] %s may be listed only where private networks are allowed',
    (url) => {
      const how = registry({ ...CODER, url });
      expect(refused(how).message).toMatch(
        /MULTI_AGENT_REGISTRY: entry 1: its url is not a public address\. .*MULTI_AGENT_PORTS.*MULTI_AGENT_ALLOW_PRIVATE=true/,
      );
      const allowed = { env: { ...how.env, MULTI_AGENT_ALLOW_PRIVATE: 'true' } };
      expect(agents(allowed)).toMatchObject([{ id: 'coder', allow: 'any' }]);
    },
  );
});

describe('what is refused of agents that are reached over HTTP', () => {
  const broken = (text: string): Start => ({ env: { ...AGENT, MULTI_AGENT_REGISTRY: text } });
  const cases: [string, Start, RegExp][] = [
    ['no JSON', broken('hush, hush'), /MULTI_AGENT_REGISTRY: is not valid JSON\. Write a list such as/],
    [
      'no JSON in .env',
      { files: { '.env': 'MULTI_AGENT_REGISTRY=[hush' }, env: AGENT },
      /REGISTRY \(\.env\): is not valid JSON/,
    ],
    [
      'no JSON in the file',
      { files: { list: '[hush' }, env: { ...AGENT, MULTI_AGENT_REGISTRY_FILE: 'list' } },
      /MULTI_AGENT_REGISTRY_FILE: is not valid JSON/,
    ],
    ['no list', broken('{"hush": 1}'), /MULTI_AGENT_REGISTRY: must be a list/],
    ['no object', registry(CODER, 'hush'), /MULTI_AGENT_REGISTRY: entry 2: must be an object with a name/],
    ['no name', registry({ url: CODER.url }), /entry 1: name: must be text/],
    ['no url', registry({ name: 'Coder' }), /entry 1: url: must be text/],
    ['another field', registry({ ...CODER, key: 'hush' }), /entry 1: must be an object with .* and nothing else/],
    ['skills in one text', registry({ ...CODER, skills: 'hush' }), /entry 1: skills: /],
    ['an empty skill', registry({ ...CODER, skills: ['a', ' '] }), /entry 1: skills: 1: must not be empty/],
    ['a key of two lines', registry({ ...CODER, apiKey: 'hush\nhush' }), /entry 1: apiKey: must be printable ASCII/],
    ['an id of no letters', registry({ ...CODER, name: '北京' }), /entry 1: its name makes no agent id\. Name it with/],
    ['two of a name', registry(CODER, { ...CODER, name: 'CODER' }), /entry 2: another one has the same name/],
    [
      'the name of an own agent',
      registry({ ...CODER, name: 'atlas' }),
      /entry 1: an agent of this process has the same/,
    ],
    [
      'the id of an own agent',
      registry({ ...CODER, name: 'Atlas_001' }),
      /entry 1: an agent of this process has the same/,
    ],
    ['a port twice', ports('4001,4001'), /MULTI_AGENT_PORTS: 4001: another one has the same name/],
    ['a port that is none', ports('4001,hush'), /MULTI_AGENT_PORTS: must be a whole number from 1 to 65535/],
    ['a port out of range', ports('0'), /MULTI_AGENT_PORTS: must be a whole number from 1 to 65535/],
    [
      'a key in parley.json5',
      file('{httpAgents: {list: [{name: "A", url: "https://a.example", apiKey: "hush"}]}}'),
      /httpAgents\.list\.0\.apiKey: secrets do not belong in this file\. Move this agent to MULTI_AGENT_REGISTRY/,
    ],
    [
      'a misspelt setting',
      file('{httpAgents: {list: [{nmae: "A", name: "A", url: "https://a.example"}]}}'),
      /httpAgents\.list\.0\.nmae: .*Did you mean "name"/,
    ],
    [
      'a private address in parley.json5',
      file('{httpAgents: {list: [{name: "A", url: "http://10.0.0.7"}]}}'),
      /parley\.json5: httpAgents\.list\.0: its url is not a public address/,
    ],
  ];

  it.each(cases)('[SEC-04] %s', (_what, how, expected) => {
    const error = refused(how);
    expect(error.message).toMatch(expected);
    expect(error.message).toMatch(/^The configuration has a problem:\n- [^\n]+$/);
    expect(`${error.message}${error.stack}`).not.toMatch(/hush/);
  });

  it.each([
    'coder.example',
    'ftp://coder.example',
    ['https://hush:hush', 'coder.example'].join('@'),
    'https://coder.example/?key=hush',
    'https://coder.example/#hush',
    'https://coder.example?',
    `https://coder.example/${'x'.repeat(500)}`,
  ])('[SEC-04] %s is no address of an agent', (url) => {
    const { message } = refused(registry({ ...CODER, url }));
    expect(message).toMatch(
      /\n- MULTI_AGENT_REGISTRY: entry 1: url: must be an http:\/\/ or https:\/\/ address[^\n]*$/,
    );
    expect(message).not.toMatch(/hush/);
  });

  it('[SEC-04] a misspelt variable is told of', () => {
    const { warnings } = started({ env: { MULTI_AGENT_REGISTY: '[]' } });
    expect(warnings).toMatchObject([{ fix: 'Did you mean MULTI_AGENT_REGISTRY?' }]);
  });
});
