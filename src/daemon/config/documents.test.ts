import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { PROVIDER_IDS } from '../../providers/catalogue.ts';
import { started } from './config-fixtures.ts';
import { settingNames } from './setting-names.ts';
import { settingsJsonSchema, settingsSchema } from './settings-schema.ts';
import { checkStartup } from './startup-checks.ts';
import { PROJECT_ROOT } from './surroundings.ts';
import { AGENT_BINDINGS, BINDINGS, SECRETS } from './variables.ts';

const read = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');
const guide = read('docs/guides/configuration.md');
const example = read('.env.example');

const blocks = (language: string, text = guide): string[] =>
  [...text.matchAll(/^```(\w+)\n(.*?)^```$/gms)].flatMap(([, found, block]) =>
    found === language && block ? [block] : [],
  );
const ofProviders = (path: readonly string[]): boolean => path[0] === 'providers';
const variables = [
  PROJECT_ROOT,
  ...AGENT_BINDINGS.map(({ variable }) => variable),
  ...BINDINGS.filter(({ path }) => !ofProviders(path)).map(({ variable }) => variable),
  ...SECRETS.filter((name) => /^(SECURITY|MULTI_AGENT|WHATSAPP)_/.test(name)),
];

describe('what is written about the configuration', () => {
  it('[CLI-03] parley.schema.json is up to date: if not, run scripts/write-schema.ts', () => {
    expect(JSON.parse(read('parley.schema.json'))).toEqual(settingsJsonSchema());
  });

  it('[RUN-02] the .env files of the guide load and may start: Atlas and Nova of one network', () => {
    const loaded = blocks('dotenv').map((env) => started({ files: { '.env': env } }));
    expect(loaded.flatMap(({ warnings }) => warnings)).toEqual([]);
    const [atlas, nova] = loaded.map(({ config }) => config);
    expect([atlas?.agents[0]?.name, nova?.agents[0]?.name]).toEqual(['Atlas', 'Nova']);
    expect(atlas?.security).toEqual(nova?.security);
    for (const { config } of loaded) {
      const errors = checkStartup(config, { worldReadable: [] }).filter(({ severity }) => severity === 'error');
      expect(errors).toEqual([]);
    }
  });

  it('[RUN-02] [WHA-01] [WHA-02] so do those of the guide to WhatsApp: two linked devices, and the Cloud API', () => {
    const loaded = blocks('dotenv', read('docs/guides/whatsapp.md')).map((env) => started({ files: { '.env': env } }));
    expect(loaded.flatMap(({ warnings }) => warnings)).toEqual([]);
    const [atlas, nova, business] = loaded.map(({ config }) => config);
    expect([atlas, nova].map((config) => config?.agents[0]?.phone)).toEqual([nova?.peers[0], atlas?.peers[0]]);
    expect(business?.whatsapp).toMatchObject({ mode: 'cloud-api' });
    for (const { config } of loaded) {
      const doubts = checkStartup(config, { worldReadable: [] }).map(({ where }) => where);
      expect(doubts.filter((where) => !/^SECURITY_(AGENT_SECRET|ENCRYPTION_KEY)$/.test(where))).toEqual([]);
    }
  });

  it('[BRD-01] the parley.json5 of the guide loads', () => {
    const [file = ''] = blocks('json5');
    const { config, warnings } = started({ files: { 'parley.json5': file } });
    expect(warnings).toEqual([]);
    expect(config.agents.map(({ name, chain }) => [name, ...chain.map(({ provider }) => provider)])).toEqual([
      ['Atlas', 'anthropic', 'groq'],
      ['Nova', 'openai'],
    ]);
  });

  it('[BRD-01] so do those of the guide to panels', () => {
    const loaded = blocks('json5', read('docs/guides/panels.md')).map((file) =>
      started({ files: { 'parley.json5': file } }),
    );
    expect(loaded.flatMap(({ warnings }) => warnings)).toEqual([]);
    expect(loaded.map(({ config }) => config.routing?.panels.map(({ peer }) => peer))).toEqual([
      ['120363403215116621@g.us', 'Release Team', '+15550123'],
      ['Book Club'],
      ['Family'],
    ]);
  });

  it('[CLI-03] every setting of routing, of an agent and of a panel is in a table', () => {
    const guides = [guide, read('docs/guides/panels.md')].join('\n');
    const named = (path: readonly string[]): readonly string[] => settingNames(settingsSchema, path);
    const settings = [
      ...named(['routing']).map((name) => `routing.${name}`),
      ...['tools', 'sandbox'].flatMap((name) => named(['agents', 'a', name]).map((inner) => `${name}.${inner}`)),
      ...named(['broadcast', 'a']),
      ...named(['messages', 'groupChat']).map((name) => `messages.groupChat.${name}`),
      'mentionPatterns',
    ];
    expect(settings.length).toBeGreaterThan(15);
    for (const name of settings) expect(guides).toMatch(new RegExp(`^\\| .*\`${name}\``, 'm'));
  });

  it.each(variables)('[CLI-03] %s is in the table of the guide and in .env.example', (name) => {
    expect(guide).toContain(`| \`${name}\` |`);
    expect(example).toMatch(new RegExp(`^# ${name}=`, 'm'));
  });

  it('[PRV-01] every provider is in the guide, and every key in .env.example', () => {
    for (const id of PROVIDER_IDS) expect(guide).toContain(`\`${id}\``);
    for (const key of SECRETS) expect(example).toMatch(new RegExp(`^# ${key}=`, 'm'));
  });

  it('[RUN-02] .env.example is the demo as it stands, and valid with every line switched on', () => {
    expect(started({ files: { '.env': example } }).config.mode).toBe('demo');
    const everything = example.replace(/^# (?=[A-Z_]+=)/gm, '');
    const { config, warnings } = started({ files: { '.env': everything } });
    expect(warnings).toEqual([]);
    expect(config.agents).toMatchObject([{ id: 'atlas_001', persona: 'You coordinate, and sum up in plain words.' }]);
    expect(config.security).toMatchObject({ agentSecret: null, allowlist: ['+15550100', '+15550199'] });
  });
});
