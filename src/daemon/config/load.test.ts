import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { directoryWith, refused, started } from './config-fixtures.ts';

/** What an agent has of which nobody says where it works and with what. */
const UNTOUCHED = {
  workspace: null,
  sandbox: {
    mode: 'off',
    scope: 'agent',
    workspaceRoot: null,
    network: [],
    limits: { seconds: 60, memoryMb: 512, processes: 64, outputKb: 256 },
  },
  tools: { allow: null, deny: [], approve: [], approvalMinutes: 60 },
  mentionPatterns: [],
  concurrency: 4,
};
const AGENT = { AGENT_NAME: 'Atlas', AI_PROVIDER: 'demo' };
const chains = (how: Parameters<typeof started>[0]) =>
  started(how).config.agents.map(({ chain }) => chain.map(({ provider }) => provider));

describe('defaults', () => {
  it('[RUN-01] nothing set up: the demo, with three agents whose model is scripted', () => {
    const cwd = directoryWith({});
    const { config, warnings } = started({ cwd });
    expect(warnings).toEqual([]);
    expect(config).toMatchObject({
      mode: 'demo',
      dataDir: join(cwd, 'data'),
      databasePath: join(cwd, 'data', 'coordination.db'),
      http: { host: '127.0.0.1', port: 9090 },
      logLevel: 'info',
      platforms: ['local'],
      whatsapp: null,
      peers: [],
      security: {
        agentSecret: null,
        encryptionKey: null,
        requireAgentAuth: true,
        maxMessageAgeMs: 300_000,
        allowlist: null,
        blocklist: [],
        rateLimit: { max: 20, windowMs: 60_000 },
        maxMessageLength: 10_000,
      },
      admins: [],
      leaseMs: 60_000,
      ttlMs: 86_400_000,
      budget: { turns: 64, tokens: null, microUsd: null },
      discussion: { rounds: 2, roundTimeoutMs: 120_000 },
      history: { idleHours: 24, sweepMinutes: 30 },
      offers: [],
    });
    expect(config.agents.map(({ id, name, phone }) => [id, name, phone])).toEqual([
      ['atlas_001', 'Atlas', '+1 555 0101'],
      ['nova_001', 'Nova', '+1 555 0102'],
      ['bolt_001', 'Bolt', '+1 555 0103'],
    ]);
    expect(config.agents.map(({ chain }) => chain)).toEqual([
      [{ provider: 'demo' }],
      [{ provider: 'demo' }],
      [{ provider: 'demo' }],
    ]);
    expect(new Set(config.agents.map(({ persona }) => persona)).size).toBe(3);
  });

  it('[RUN-01] keys in the environment are offered and not used', () => {
    const env = { OPENAI_API_KEY: 'sk-1', GROQ_API_KEY: 'gsk-1', AI_FALLBACK_PROVIDERS: 'groq' };
    const { config } = started({ env });
    expect(config.offers).toEqual(['openai', 'groq']);
    expect(config.agents.flatMap(({ chain }) => chain)).toEqual(Array(3).fill({ provider: 'demo' }));
  });

  it.each([
    ['Atlas', 'atlas_001'],
    ['Dr. Élan  Vital', 'dr_elan_vital_001'],
    ['R2-D2', 'r2_d2_001'],
  ])('[RUN-02] the id of %j is %s unless AGENT_ID says otherwise', (name, id) => {
    expect(started({ env: { AI_PROVIDER: 'demo', AGENT_NAME: name } }).config.agents).toMatchObject([{ id, name }]);
    const env = { AI_PROVIDER: 'demo', AGENT_NAME: name, AGENT_ID: 'x' };
    expect(started({ env }).config.agents).toMatchObject([{ id: 'x', name }]);
  });

  it('[RUN-02] a name without Latin letters needs an AGENT_ID', () => {
    expect(refused({ env: { ...AGENT, AGENT_NAME: '北京' } }).message).toMatch(/- AGENT_ID: must be 1 to 64 letters/);
  });
});

describe('environment', () => {
  it('[CLI-03] [SEC-01] [ADM-01] every variable reaches its setting (those of the Cloud API: see whatsapp.test.ts)', () => {
    const cwd = directoryWith({});
    const env = {
      ...AGENT,
      AGENT_PERSONA: 'You are calm.',
      AGENT_PHONE: '+1 555 0199',
      AGENT_CAPABILITIES: 'planning, research',
      AGENT_COMM_PROJECT_ROOT: 'project',
      AGENT_COMM_DB_PATH: './elsewhere/agents.db',
      AGENT_COMM_TRANSPORT: 'sqlite',
      AGENT_COMM_TTL_HOURS: '48',
      AGENT_COMM_LEASE_SECONDS: '90',
      AGENT_COMM_LOG_LEVEL: 'DEBUG',
      HEALTH_HOST: '::1',
      HEALTH_PORT: '9191',
      PLATFORM: 'Local, WhatsApp',
      ADMIN_LIST: '+1 555 0100, +15550102,',
      SECURITY_REQUIRE_AGENT_AUTH: 'no',
      SECURITY_MAX_MESSAGE_AGE_MS: '60000',
      SECURITY_ENABLE_ALLOWLIST: 'on',
      SECURITY_ALLOWLIST: '+15550100,+15550101',
      SECURITY_BLOCKLIST: '+15550109',
      SECURITY_ENABLE_RATE_LIMIT: '1',
      SECURITY_RATE_LIMIT_MAX: '5',
      SECURITY_RATE_LIMIT_WINDOW_MS: '10000',
      SECURITY_UNLISTED_PER_HOUR: '30',
      SECURITY_MAX_MESSAGE_LENGTH: '500',
      SECURITY_AGENT_SECRET: 's',
      SECURITY_ENCRYPTION_KEY: 'k',
      PARLEY_BUDGET_TURNS: '10',
      PARLEY_BUDGET_TOKENS: '20000',
      PARLEY_BUDGET_USD: '0.25',
      PARLEY_DISCUSSION_ROUNDS: '3',
      PARLEY_DISCUSSION_ROUND_TIMEOUT_MS: '5000',
      AGENT_HUB_URL: 'https://hub.example',
      AGENT_HUB_SECRET: 'h',
      AGENT_PEERS: '+1 555 0102, 15550103, 0015550102',
      WHATSAPP_MODE: 'Baileys',
      WHATSAPP_LINK_BY: 'code',
      WHATSAPP_WEB_URL: 'ws://127.0.0.1:1/ws',
      WHATSAPP_WEB_ROOT_KEY: 'ab'.repeat(32),
      WHATSAPP_GROUPS: '120363000000000001@g.us, Research Team',
      WHATSAPP_GROUP_ACTIVATION: 'Always',
      WHATSAPP_DEBOUNCE_MS: '0',
      WHATSAPP_MAX_MEDIA_MB: '5',
      PARLEY_TASK_TIMEOUT_MS: '30000',
      PARLEY_HISTORY_IDLE_HOURS: '12',
      PARLEY_HISTORY_SWEEP_MINUTES: '15',
      MULTI_AGENT_REGISTRY: '[{"name": "Coder", "url": "https://coder.example/a/", "apiKey": "k", "skills": ["code"]}]',
      MULTI_AGENT_PORTS: '4001',
      MULTI_AGENT_ALLOW_PRIVATE: 'yes',
    };
    const { config, warnings } = started({ cwd, env });
    expect(warnings).toEqual([]);
    expect(config).toEqual({
      mode: 'agents',
      dataDir: join(cwd, 'project', 'elsewhere'),
      databasePath: join(cwd, 'project', 'elsewhere', 'agents.db'),
      http: { host: '::1', port: 9191 },
      logLevel: 'debug',
      platforms: ['local', 'whatsapp'],
      whatsapp: {
        mode: 'baileys',
        linkBy: 'code',
        webUrl: 'ws://127.0.0.1:1/ws',
        rootKey: 'ab'.repeat(32),
        groups: ['120363000000000001@g.us', 'Research Team'],
        groupActivation: 'always',
        debounceMs: 0,
        maxMediaBytes: 5 * 1024 * 1024,
        cloud: null,
      },
      peers: ['+15550102', '+15550103'],
      agents: [
        {
          id: 'atlas_001',
          name: 'Atlas',
          persona: 'You are calm.',
          capabilities: ['planning', 'research'],
          phone: '+1 555 0199',
          chain: [{ provider: 'demo' }],
          ...UNTOUCHED,
        },
      ],
      routing: null,
      accounts: ['atlas_001'],
      ackReaction: '👀',
      maxConcurrentTurns: 32,
      httpAgents: [
        {
          id: 'coder',
          name: 'Coder',
          url: 'https://coder.example/a',
          apiKey: 'k',
          skills: ['code'],
          describesItself: false,
          allow: 'any',
        },
        {
          id: 'agent-4001',
          name: 'Agent 4001',
          url: 'http://127.0.0.1:4001',
          apiKey: null,
          skills: [],
          describesItself: true,
          allow: 'loopback',
        },
      ],
      security: {
        agentSecret: 's',
        encryptionKey: 'k',
        requireAgentAuth: false,
        maxMessageAgeMs: 60_000,
        allowlist: ['+15550100', '+15550101'],
        blocklist: ['+15550109'],
        rateLimit: { max: 5, windowMs: 10_000 },
        unlistedRateLimit: { max: 30, windowMs: 3_600_000 },
        maxMessageLength: 500,
      },
      admins: ['+1 555 0100', '+15550102'],
      leaseMs: 90_000,
      ttlMs: 172_800_000,
      budget: { turns: 10, tokens: 20_000, microUsd: 250_000 },
      discussion: { rounds: 3, roundTimeoutMs: 5000 },
      hub: { url: 'https://hub.example', secret: 'h' },
      taskTimeoutMs: 30_000,
      history: { idleHours: 12, sweepMinutes: 15 },
      offers: [],
    });
  });

  it('[PRV-01] key, model, base URL and cap of a provider', () => {
    const env = {
      AGENT_NAME: 'Atlas',
      AI_PROVIDER: 'NVIDIA-NIM',
      NVIDIA_API_KEY: 'nvapi-1',
      NVIDIA_NIM_MODEL: 'some/model',
      NVIDIA_NIM_BASE_URL: 'http://127.0.0.1:1/v1',
      RATE_LIMIT_NVIDIA_NIM_RPM: '30',
    };
    expect(started({ env }).config.agents[0]?.chain).toEqual([
      {
        provider: 'nvidia-nim',
        apiKey: 'nvapi-1',
        model: 'some/model',
        baseUrl: 'http://127.0.0.1:1/v1',
        requestsPerMinute: 30,
      },
    ]);
  });

  it('[SEC-01] a list alone switches the allowlist on; SECURITY_ENABLE_* switches lists and limits off', () => {
    const listed = { SECURITY_ALLOWLIST: '+15550100' };
    expect(started({ env: listed }).config.security.allowlist).toEqual(['+15550100']);
    const env = { ...listed, SECURITY_ENABLE_ALLOWLIST: 'false', SECURITY_ENABLE_RATE_LIMIT: 'off' };
    expect(started({ env }).config.security).toMatchObject({
      allowlist: null,
      rateLimit: null,
      unlistedRateLimit: null,
    });
  });

  it('[SEC-01] an allowlist that is on and empty is refused: it must not mean "everybody"', () => {
    expect(refused({ env: { SECURITY_ENABLE_ALLOWLIST: 'true' } }).message).toMatch(
      /SECURITY_ENABLE_ALLOWLIST: .*names nobody/,
    );
    expect(refused({ env: { SECURITY_ALLOWLIST: ' , ' } }).message).toMatch(/SECURITY_ALLOWLIST: names nobody/);
    expect(refused({ files: { 'parley.json5': '{security: {allowlist: []}}' } }).message).toMatch(/names nobody/);
  });

  it('[CLI-03] empty and blank variables are not set', () => {
    const env = { AI_PROVIDER: '', HEALTH_PORT: ' ', SECURITY_AGENT_SECRET: '', OPENAI_API_KEY: '', AGENT_NAME: '' };
    const { config } = started({ env });
    expect(config).toMatchObject({ mode: 'demo', http: { port: 9090 }, offers: [] });
    expect(config.security.agentSecret).toBeNull();
  });

  it('[SEC-04] a secret is read from the file that *_FILE names', () => {
    const files = { 'agent-secret': 'from a file\n', 'openai-key': 'sk-file\n' };
    const cwd = directoryWith(files);
    const env = {
      AGENT_NAME: 'Atlas',
      AI_PROVIDER: 'openai',
      SECURITY_AGENT_SECRET_FILE: 'agent-secret',
      OPENAI_API_KEY_FILE: join(cwd, 'openai-key'),
    };
    const { config, privateFiles } = started({ cwd, env });
    expect(config.security).toMatchObject({ agentSecret: 'from a file', requireAgentAuth: true });
    expect(config.agents[0]?.chain).toEqual([{ provider: 'openai', apiKey: 'sk-file' }]);
    expect(privateFiles).toEqual([join(cwd, 'agent-secret'), join(cwd, 'openai-key')]);
  });

  it('[RUN-02] without authentication asked for, a secret switches it on', () => {
    expect(started({ env: AGENT }).config.security.requireAgentAuth).toBe(false);
    expect(started({ env: { ...AGENT, SECURITY_AGENT_SECRET: 's' } }).config.security.requireAgentAuth).toBe(true);
  });
});

describe('precedence', () => {
  it('[CLI-03] flag over environment over .env over parley.json5 over default', () => {
    const port = (layers: number): number => {
      const files: Record<string, string> = {};
      if (layers > 0) files['parley.json5'] = '{http: {port: 1001}}';
      if (layers > 1) files['.env'] = 'HEALTH_PORT=1002';
      const env = layers > 2 ? { HEALTH_PORT: '1003' } : {};
      return started({ files, env, flags: layers > 3 ? { port: '1004' } : {} }).config.http.port;
    };
    expect([0, 1, 2, 3, 4].map(port)).toEqual([9090, 1001, 1002, 1003, 1004]);
  });

  it('[CLI-03] an empty variable in the environment switches off the one in .env', () => {
    const files = { '.env': 'AI_PROVIDER=openai\nAGENT_NAME=Atlas' };
    expect(started({ files, env: { AGENT_NAME: '', AI_PROVIDER: '' } }).config.mode).toBe('demo');
  });

  it('[CLI-03] LOG_LEVEL goes before AGENT_COMM_LOG_LEVEL', () => {
    expect(started({ env: { LOG_LEVEL: 'Warn', AGENT_COMM_LOG_LEVEL: 'debug' } }).config.logLevel).toBe('warn');
  });

  it('[CLI-03] parley.json5 is looked for in the project root, .env in the working directory', () => {
    const project = directoryWith({ 'parley.json5': '{logLevel: "error"}' });
    const cwd = directoryWith({ '.env': `AGENT_COMM_PROJECT_ROOT=${project}` });
    expect(started({ cwd }).config).toMatchObject({ logLevel: 'error', dataDir: join(project, 'data') });
    expect(dirname(project)).toBe(dirname(cwd));
  });

  it('[RUN-01] --provider gives the demo agents real models and leaves it the demo', () => {
    const env = { OPENAI_API_KEY: 'sk-1', ANTHROPIC_API_KEY: 'sk-2', AI_PROVIDER: 'groq' };
    const { config } = started({ env, flags: { provider: ['openai'] } });
    expect(config).toMatchObject({ mode: 'demo', offers: ['anthropic'] });
    expect(config.agents.map(({ chain }) => chain)).toEqual(Array(3).fill([{ provider: 'openai', apiKey: 'sk-1' }]));
    expect(chains({ env, flags: { provider: ['openai, anthropic', 'Demo'] } })).toEqual([
      ['openai'],
      ['anthropic'],
      ['demo'],
    ]);
  });

  it('[PRV-01] AI_PROVIDER without an agent does the same', () => {
    const env = { AI_PROVIDER: 'ollama', AI_FALLBACK_PROVIDERS: 'groq,ollama' };
    expect(started({ env }).config.mode).toBe('demo');
    expect(chains({ env })).toEqual(Array(3).fill(['ollama', 'groq']));
  });
});

describe('parley.json5', () => {
  const agents = `[
    { id: 'alfred', name: 'Alfred', prompt: 'You are a butler.', provider: 'openai', model: 'm-1', phone: '+15550111' },
    { id: 'baerbel', persona: 'You check facts.', fallbacks: ['openai'], capabilities: ['facts'] },
  ]`;
  const shapes = {
    list: `{ agents: ${agents} }`,
    'list in an object': `{ agents: { list: ${agents} } }`,
    map: `{ agents: {
      alfred: { name: 'Alfred', prompt: 'You are a butler.', provider: 'openai', model: 'm-1', phone: '+15550111' },
      baerbel: { persona: 'You check facts.', fallbacks: ['openai'], capabilities: ['facts'] },
    } }`,
  };

  it.each(Object.entries(shapes))('[BRD-01] [PRV-02] many agents, as a %s', (_, file) => {
    const env = { OPENAI_API_KEY: 'sk-1', OPENAI_MODEL: 'm-2', AI_PROVIDER: 'ollama', AI_FALLBACK_PROVIDERS: 'groq' };
    const { config } = started({ files: { 'parley.json5': file }, env });
    expect(config.mode).toBe('agents');
    expect(config.agents).toEqual([
      {
        id: 'alfred',
        name: 'Alfred',
        persona: 'You are a butler.',
        capabilities: [],
        phone: '+15550111',
        chain: [{ provider: 'openai', apiKey: 'sk-1', model: 'm-1' }, { provider: 'groq' }],
        ...UNTOUCHED,
      },
      {
        id: 'baerbel',
        name: 'baerbel',
        persona: 'You check facts.',
        capabilities: ['facts'],
        phone: null,
        chain: [{ provider: 'ollama' }, { provider: 'openai', apiKey: 'sk-1', model: 'm-2' }],
        ...UNTOUCHED,
      },
    ]);
  });

  it("[BRD-02] [PRV-02] an agent's model is that of its first provider, whether it names one or not", () => {
    const chainsOf = (text: string, how: Omit<Parameters<typeof started>[0], 'files'> = {}) =>
      started({ ...how, files: { 'parley.json5': `{${text}}` } }).config.agents.map(({ chain }) => chain);
    const both = `agents: {a: {model: 'of-ann'}, b: {provider: 'groq', model: 'of-bob', fallbacks: ['ollama']}, c: {}}`;
    const shared = `provider: 'ollama', fallbacks: ['groq'], providers: {ollama: {model: 'shared'}, groq: {model: 'other'}}`;
    const other = { provider: 'groq', model: 'other' };
    expect(chainsOf(`${shared}, ${both}`)).toEqual([
      [{ provider: 'ollama', model: 'of-ann' }, other],
      [
        { provider: 'groq', model: 'of-bob' },
        { provider: 'ollama', model: 'shared' },
      ],
      [{ provider: 'ollama', model: 'shared' }, other],
    ]);
    expect(chainsOf(both, { env: { AI_PROVIDER: 'ollama' } })[0]).toEqual([{ provider: 'ollama', model: 'of-ann' }]);
    expect(chainsOf(`agents: {a: {model: 'of-ann'}}`, { flags: { provider: ['ollama'] } })).toEqual([
      [{ provider: 'ollama', model: 'of-ann' }],
    ]);
    // The flag names a provider that the model was not written for.
    expect(chainsOf(`${shared}, ${both}`, { flags: { provider: ['demo'] } })).toEqual(
      Array(3).fill([{ provider: 'demo' }]),
    );
  });

  it('[PRV-01] providers have a section of their own', () => {
    const file = `{ provider: 'openai-compatible', providers: { 'openai-compatible': { model: 'm', baseUrl: 'http://127.0.0.1:1/v1' } } }`;
    const { config } = started({
      files: { 'parley.json5': file },
      env: { OPENAI_COMPATIBLE_MODEL: 'from the environment' },
    });
    expect(config.agents[0]?.chain).toEqual([
      { provider: 'openai-compatible', model: 'from the environment', baseUrl: 'http://127.0.0.1:1/v1' },
    ]);
  });

  it('[CLI-03] a byte order mark does no harm', () => {
    const files = { 'parley.json5': '\uFEFF{logLevel: "warn"}', '.env': '\uFEFFHEALTH_PORT=1234' };
    expect(started({ files }).config).toMatchObject({ logLevel: 'warn', http: { port: 1234 } });
  });

  it('[CLI-03] a folder in the place of a file is an error, not a crash', () => {
    const cwd = directoryWith({});
    writeFileSync(join(cwd, 'file'), '');
    expect(refused({ cwd, env: { SECURITY_AGENT_SECRET_FILE: cwd } }).message).toMatch(
      /SECURITY_AGENT_SECRET_FILE: .*EISDIR/,
    );
    expect(started({ cwd: join(cwd, 'file') }).config.mode).toBe('demo');
  });
});
