import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { refused, type Start, start } from './config-fixtures.ts';
import { buildConfig } from './load.ts';
import { describeProblem } from './problem.ts';
import { checkStartup } from './startup-checks.ts';
import type { Variable } from './surroundings.ts';
import { AGENT_BINDINGS, BINDINGS, SECRETS } from './variables.ts';

const AGENT = { AGENT_NAME: 'Atlas', AI_PROVIDER: 'demo' };
const file = (text: string): Start => ({ files: { 'parley.json5': text } });

describe('what is refused', () => {
  const cases: [string, Start, RegExp][] = [
    [
      'a port that is no number',
      { env: { HEALTH_PORT: '9090npm' } },
      /- HEALTH_PORT: must be a whole number from 0 to 65535\./,
    ],
    [
      'a port out of range',
      { files: { '.env': 'HEALTH_PORT=65536' } },
      /- HEALTH_PORT \(\.env\): must be a whole number/,
    ],
    ['a port on the command line', { flags: { port: 'http' } }, /- --port: must be a whole number from 0 to 65535/],
    [
      'a fraction',
      { env: { AGENT_COMM_LEASE_SECONDS: '1.5' } },
      /LEASE_SECONDS: must be a whole number of seconds from 1 to/,
    ],
    [
      'a number with its unit',
      { env: { SECURITY_MAX_MESSAGE_AGE_MS: '5min' } },
      /AGE_MS: must be a whole number of milliseconds/,
    ],
    [
      'replay protection switched off',
      { env: { SECURITY_MAX_MESSAGE_AGE_MS: '0' } },
      /milliseconds from 1000 to 86400000/,
    ],
    [
      'a budget of nothing',
      { env: { PARLEY_BUDGET_USD: '0' } },
      /PARLEY_BUDGET_USD: must be at least 0.000001 US dollars/,
    ],
    ['half a boolean', { env: { SECURITY_REQUIRE_AGENT_AUTH: 'maybe' } }, /AGENT_AUTH: must be true or false/],
    [
      'an unknown log level',
      { env: { LOG_LEVEL: 'debgu' } },
      /LOG_LEVEL: is not a known log level: "debgu"; did you mean "debug"/,
    ],
    [
      'a misspelt provider',
      { env: { AI_PROVIDER: 'opnai' } },
      /AI_PROVIDER: is not a known provider: "opnai"; did you mean "openai"/,
    ],
    [
      'a misspelt fallback',
      { env: { ...AGENT, AI_FALLBACK_PROVIDERS: 'groq,antropic' } },
      /AI_FALLBACK_PROVIDERS: .*"anthropic"/,
    ],
    ['a misspelt flag', { flags: { provider: ['grok'] } }, /--provider: .*did you mean "groq"/],
    [
      'two providers for three agents',
      { flags: { provider: ['demo', 'openai'] } },
      /--provider: names 2 providers for 3 agents/,
    ],
    [
      'another platform',
      { env: { PLATFORM: 'local,telegram' } },
      /PLATFORM: "telegram" is not in this version: use PLATFORM=local, PLATFORM=whatsapp, or/,
    ],
    [
      'both platforms',
      { env: { PLATFORM: 'both' } },
      /PLATFORM: "both" is WhatsApp and Microsoft Teams, and Teams is not/,
    ],
    ['an unheard-of platform', { env: { PLATFORM: 'smoke' } }, /PLATFORM: is not a known platform: use PLATFORM=local/],
    [
      'the file transport',
      { env: { AGENT_COMM_TRANSPORT: 'file' } },
      /AGENT_COMM_TRANSPORT: can only be sqlite in this version/,
    ],
    [
      'an agent without a provider',
      { env: { AGENT_NAME: 'Atlas' } },
      /agent atlas_001: has no provider\. Set AI_PROVIDER/,
    ],
    ['an agent id with a space', { env: { ...AGENT, AGENT_ID: 'a b' } }, /AGENT_ID: must be 1 to 64 letters/],
    ['a phone number of letters', { env: { ...AGENT, AGENT_PHONE: 'mine' } }, /AGENT_PHONE: must be a phone number/],
    ['a base URL without a scheme', { env: { OPENAI_BASE_URL: 'localhost' } }, /OPENAI_BASE_URL: must be an http/],
    ['a base URL of a file', { env: { OPENAI_BASE_URL: 'file:///x' } }, /OPENAI_BASE_URL: must be an http/],
    [
      'a cap of nothing',
      { env: { RATE_LIMIT_GROQ_RPM: '0' } },
      /RATE_LIMIT_GROQ_RPM: must be a whole number of requests/,
    ],
    [
      'a secret given twice',
      { env: { OPENAI_API_KEY: 'a', OPENAI_API_KEY_FILE: 'b' } },
      /OPENAI_API_KEY_FILE: OPENAI_API_KEY is set too/,
    ],
    ['a secret file that is not there', { env: { OPENAI_API_KEY_FILE: 'b' } }, /OPENAI_API_KEY_FILE: .*ENOENT/],
    [
      'an empty secret file',
      { files: { empty: ' \n' }, env: { OPENAI_API_KEY_FILE: 'empty' } },
      /OPENAI_API_KEY_FILE: the file is empty/,
    ],
    [
      'one agent and many',
      { ...file('{agents: {a: {}}}'), env: AGENT },
      /AGENT_NAME: describes one agent, and .*parley\.json5 lists/,
    ],
    ['a syntax error', file('{http: {\n port: 1,,}}'), /parley\.json5: is not valid JSON5 \(line 2, column 10\)/],
    ['a list in place of the settings', file('[]'), /parley\.json5: must be an object/],
    ['a number in place of the settings', file('5'), /parley\.json5: must be an object/],
    [
      'a number in place of a section',
      { ...file('{http: 5}'), env: { HEALTH_PORT: '1' } },
      /parley\.json5: http: must be an object/,
    ],
    [
      'a misspelt section',
      file('{securty: {}}'),
      /parley\.json5: securty: there is no such setting\. Did you mean "security"/,
    ],
    [
      'a misspelt setting',
      file('{http: {prot: 1}}'),
      /parley\.json5: http\.prot: there is no such setting\. Did you mean "port"/,
    ],
    [
      'a nested misspelt setting',
      file('{security: {rateLimit: {max: 1, widnowMs: 2}}}'),
      /rateLimit\.widnowMs: .*"windowMs"/,
    ],
    ['a setting of nobody', file('{colour: 1}'), /parley\.json5: colour: there is no such setting\. Remove it/],
    [
      'a secret in the file',
      file('{security: {agentSecret: "hush"}}'),
      /security\.agentSecret: secrets do not belong in this file/,
    ],
    [
      'a key in the file',
      file('{providers: {openai: {apiKey: "hush"}}}'),
      /providers\.openai\.apiKey: secrets do not belong/,
    ],
    ['an unknown provider section', file('{providers: {opnai: {}}}'), /providers\.opnai: .*Did you mean "openai"/],
    [
      'an agent with a misspelt setting',
      file('{agents: [{id: "a", fallback: []}]}'),
      /agents\.0\.fallback: .*"fallbacks"/,
    ],
    [
      'the same in a list in an object',
      file('{agents: {list: [{id: "a", pormpt: "x"}]}}'),
      /agents\.list\.0\.pormpt: .*"prompt"/,
    ],
    ['the same in a map', file('{agents: {a: {nme: "x"}}}'), /agents\.a\.nme: .*"name"/],
    ['an agent of the file without an id', file('{agents: [{name: "A"}]}'), /agents\.0\.id: must be 1 to 64/],
    ['a map with a bad id', file('{agents: {"a b": {}}}'), /agents\.a b: must be 1 to 64/],
    ['an empty list of agents', file('{agents: []}'), /agents: must name at least one agent/],
    ['an empty map of agents', file('{agents: {}}'), /parley\.json5: agents: must name at least one agent/],
    ['the same under routing', file('{routing: {agents: {}}}'), /routing\.agents: must name at least one agent/],
    ['agents that are a number', file('{agents: 5}'), /parley\.json5: agents: must be/],
    [
      'the same id twice',
      { ...file('{agents: [{id: "a"}, {id: "a"}]}'), env: { AI_PROVIDER: 'demo' } },
      /agent a: several agents/,
    ],
    [
      'two personas',
      { ...file('{agents: [{id: "a", prompt: "x", persona: "y"}]}'), env: { AI_PROVIDER: 'demo' } },
      /agent a: has both a persona and a prompt/,
    ],
  ];

  it.each(cases)('[SEC-04] %s', (_, how, expected) => {
    const error = refused(how);
    expect(error).toMatchObject({ name: 'ParleyError', code: 'CONFIG_INVALID', exitCode: 78 });
    expect(error.message).toMatch(expected);
    expect(error.message).toMatch(/^The configuration has a problem:\n- [^\n]+$/);
    expect(error.hint).not.toBe('');
  });

  it('[SEC-04] every problem is listed at once', () => {
    const { message } = refused({
      files: { '.env': 'LOG_LEVEL=loud\nPLATFORM=telegram', 'parley.json5': '{htpp: {}, ttlHours: "long"}' },
      env: { AI_PROVIDER: 'opnai', GROQ_API_KEY_FILE: 'missing' },
      flags: { port: '-1', provider: ['nobody'] },
    });
    const lines = message.split('\n').slice(1);
    expect(message).toMatch(/^The configuration has 8 problems:/);
    for (const place of [
      'LOG_LEVEL (.env)',
      'PLATFORM (.env)',
      'htpp',
      'ttlHours',
      'AI_PROVIDER',
      'GROQ_',
      '--port',
      '--provider',
    ]) {
      expect(lines.filter((line) => line.includes(place))).toHaveLength(1);
    }
  });
});

describe('what is refused together', () => {
  const problemsOf = (text: string): string[] => refused(file(text)).message.split('\n- ').slice(1);

  it('[SEC-04] [TOL-01] a misspelt tool is listed beside what else is wrong', () => {
    expect(problemsOf('{agents: {a: {tools: {allow: ["reed"]}, sandbox: {mode: "on"}}}, htpp: {}}')).toEqual([
      expect.stringMatching(/agents\.a\.sandbox\.mode: is not a known mode/),
      expect.stringMatching(/agents\.a\.tools\.allow\.0: .*did you mean "read"\?/),
      expect.stringMatching(/htpp: there is no such setting/),
    ]);
  });

  it('[SEC-04] [BRD-04] without any provider, agents are missed only where there are none', () => {
    const panels = "{G: ['a', 'b'], H: ['bob']}";
    const routing = `{defaultAgentId: 'a', accounts: ['a'], broadcast: ${panels}, bindings: [{agentId: 'a'}]}`;
    const platforms = "platforms: ['whatsapp'], whatsapp: {linkBy: 'code'}";
    const ann = "a: {name: 'Ann', phone: '+15550101'}";
    expect(problemsOf(`{agents: {${ann}, b: {}}, ${platforms}, routing: ${routing}}`)).toEqual([
      expect.stringMatching(/^agent a: has no provider/),
      expect.stringMatching(/^agent b: has no provider/),
      expect.stringMatching(/^.*broadcast\.H\.0: there is no such agent\. There is a, b\.$/),
    ]);
  });

  it('[SEC-04] [BRD-04] where there is nobody at all, that is what is said', () => {
    const panel = "{agents: [], select: {rules: [{words: ['x'], agents: ['a']}]}}";
    expect(problemsOf(`{provider: 'demo', agents: {a: {}}, broadcast: {G: ${panel}}}`)).toEqual([
      expect.stringMatching(/G\.agents: names no agent/),
      expect.stringMatching(/rules\.0\.agents\.0: this agent is not on the panel\. There is none\.$/),
    ]);
  });
});

describe('what is only warned of', () => {
  const warningsOf = (how: Start): string[] => {
    const result = start(how);
    if (!result.ok) throw result.error;
    return result.value.warnings.map(describeProblem);
  };

  it('[SEC-04] a variable that looks like ours, with the one that was meant', () => {
    expect(warningsOf({ env: { SECURITY_AGENT_SECERT: 'x' } })).toEqual([
      'SECURITY_AGENT_SECERT: there is no such variable. Did you mean SECURITY_AGENT_SECRET?',
    ]);
    expect(warningsOf({ env: { AI_FALLBACK_PROVIDER: 'x', AGENT_TEMPDIRECTORY: '/x' } })).toEqual([
      'AI_FALLBACK_PROVIDER: there is no such variable. Did you mean AI_FALLBACK_PROVIDERS?',
      'AGENT_TEMPDIRECTORY: there is no such variable. Remove it if it was meant for Parley.',
    ]);
  });

  it("[SEC-04] other programs' variables are left alone, but a misspelt one in .env is not", () => {
    const foreign = { PATH: '/bin', OPENAI_API_KY: 'x', HEALTH_PROT: '1' };
    expect(warningsOf({ env: foreign })).toEqual([]);
    expect(warningsOf({ files: { '.env': 'OPENAI_API_KY=x\nWHATSAPP_MODE=baileys' } })).toEqual([
      'OPENAI_API_KY (.env): there is no such variable. Did you mean OPENAI_API_KEY?',
    ]);
  });

  it('[SEC-04] a protection that this version does not have', () => {
    expect(warningsOf({ env: { SECURITY_BLOCK_PROMPT_INJECTION: 'true' } })).toEqual([
      'SECURITY_BLOCK_PROMPT_INJECTION: has no effect in this version. Do not rely on it.',
    ]);
  });

  it('[RUN-02] what describes an agent that has no name', () => {
    expect(warningsOf({ env: { AGENT_ID: 'atlas_001' } })).toEqual([
      'AGENT_ID: has no effect without AGENT_NAME. Set AGENT_NAME, or remove it.',
    ]);
  });
});

describe('whatever it is given', () => {
  const names = [...[...BINDINGS, ...AGENT_BINDINGS].map(({ variable }) => variable), ...SECRETS];
  const word = fc.constantFrom(
    'true',
    'local',
    'openai',
    'demo',
    '9090',
    'Atlas',
    '-1',
    ',',
    '__proto__',
    'sqlite',
    '1e999',
  );
  const values = fc.oneof(word, fc.string(), fc.string({ unit: 'binary' }));
  const variables = fc
    .dictionary(fc.oneof(fc.constantFrom(...names), fc.string()), values, { maxKeys: 12 })
    .map(
      (all) =>
        new Map(
          Object.entries(all).map(([name, value]): [string, Variable] => [
            name,
            { value, where: name, fromFile: true },
          ]),
        ),
    );
  const setting = fc.constantFrom(
    'agents',
    'routing',
    'broadcast',
    'bindings',
    'match',
    'select',
    '*',
    'http',
    'security',
    'rateLimit',
    'list',
    'port',
    'providers',
    'openai',
    '__proto__',
    'id',
  );
  const content = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.jsonValue(),
      fc.dictionary(setting, tie('value')),
      fc.array(tie('value'), { maxLength: 3 }),
    ),
  })).value;

  it('[SEC-04] it makes a configuration or CONFIG_INVALID, and nothing is thrown', () => {
    fc.assert(
      fc.property(
        variables,
        content,
        fc.array(values, { maxLength: 4 }),
        fc.option(values, { nil: undefined }),
        (vars, json, provider, port) => {
          const sources = {
            variables: vars,
            secrets: new Map<string, string>(),
            projectRoot: '/',
            file: { path: 'parley.json5', content: json },
            settingsFiles: [],
            privateFiles: [],
            problems: [],
          };
          const result = buildConfig(sources, { provider, port });
          if (!result.ok) expect(result.error.code).toBe('CONFIG_INVALID');
          else expect(checkStartup(result.value.config, { worldReadable: [] })).toBeInstanceOf(Array);
          expect(Reflect.has({}, 'port')).toBe(false);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('[SEC-04] no value of any secret is repeated, wherever it stands', () => {
    const secret = fc.stringMatching(/^[A-Za-z0-9]{12,40}$/);
    // The name and id of an agent are no secrets, and problems of the agent name it.
    const others = [...BINDINGS.map(({ variable }) => variable), 'SECURITY_AGENT_SECERT'];
    const secretPlaces = [...SECRETS, ...SECRETS.map((name) => `${name}_FILE`), ...others];
    const places = fc.uniqueArray(fc.constantFrom(...secretPlaces), { maxLength: 10 });
    const json = fc.constantFrom(
      '{http: {port: "$"}}',
      '{agents: [{id: "a", apiKey: "$"}]}',
      '{provider: "$"}',
      '{a: $}',
      '{logLevel: "$',
    );
    fc.assert(
      fc.property(secret, places, fc.option(json), (value, where, template) => {
        const files = template === null ? {} : { 'parley.json5': template.replace('$', value) };
        const result = start({ files, env: Object.fromEntries(where.map((name) => [name, value])) });
        const told = result.ok
          ? [...result.value.warnings, ...checkStartup(result.value.config, { worldReadable: [] })]
              .map(describeProblem)
              .join('\n')
          : `${result.error.message}\n${result.error.hint}\n${result.error.stack}`;
        expect(told).not.toContain(value);
      }),
      { numRuns: 100 },
    );
  });
});
