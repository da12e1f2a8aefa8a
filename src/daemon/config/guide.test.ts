import { describe, expect, it } from 'vitest';
import { started } from './config-fixtures.ts';
import { ATLAS, CLAW_HUB, NEMO_CLAW, NOVA } from './guide-fixtures.ts';
import { checkStartup } from './startup-checks.ts';

describe('the .env files of the guide', () => {
  it('[RUN-02] [CHN-01] [PRV-01] Atlas loads as it stands, on WhatsApp', () => {
    const { config, warnings } = started({ files: { '.env': ATLAS } });
    expect(warnings).toEqual([]);
    expect(config).toMatchObject({
      mode: 'agents',
      platforms: ['whatsapp'],
      whatsapp: { mode: 'baileys', linkBy: 'qr', webUrl: null, groups: [], cloud: null },
      http: { host: '127.0.0.1', port: 9090 },
      agents: [{ id: 'atlas_001', name: 'Atlas', chain: [{ provider: 'openai', apiKey: 'sk-...' }] }],
      security: {
        requireAgentAuth: true,
        agentSecret: 'a]f8k2...your-shared-secret...m9x1z',
        encryptionKey: 'b7d3e...your-shared-key...4f2a8',
      },
    });
  });

  it('[RUN-02] [CHN-01] the environment may put it on the local platform', () => {
    const { config, warnings } = started({ files: { '.env': ATLAS }, env: { PLATFORM: 'local' } });
    expect(warnings).toEqual([]);
    expect(config).toMatchObject({ platforms: ['local'], whatsapp: null });
  });

  it('[RUN-02] the comments behind the secrets of Nova are no part of them: it shares those of Atlas', () => {
    const atlas = started({ files: { '.env': ATLAS } }).config;
    const nova = started({ files: { '.env': NOVA } }).config;
    expect(nova.security).toEqual(atlas.security);
    expect(nova.http.port).toBe(9091);
    expect(nova.agents).toMatchObject([{ id: 'nova_001', chain: [{ provider: 'anthropic', apiKey: 'sk-ant-...' }] }]);
  });

  it('[RUN-02] [PRV-02] ClawHub and NemoClaw load as they stand, each with its own chain', () => {
    const clawHub = started({ files: { '.env': CLAW_HUB } });
    expect(clawHub.config.agents).toMatchObject([
      {
        id: 'clawhub_001',
        name: 'ClawHub',
        chain: [
          { provider: 'openclaw', apiKey: 'secret', baseUrl: 'http://localhost:18789' },
          { provider: 'nvidia-nim', apiKey: 'nvapi-...' },
        ],
      },
    ]);
    const nemoClaw = started({ files: { '.env': NEMO_CLAW } });
    expect(nemoClaw.config.agents).toMatchObject([
      {
        id: 'nemoclaw_001',
        chain: [
          { provider: 'nvidia-nim', apiKey: 'nvapi-...' },
          { provider: 'groq', apiKey: 'gsk_...' },
          { provider: 'anthropic', apiKey: 'sk-ant-...' },
        ],
      },
    ]);
    expect([...clawHub.warnings, ...nemoClaw.warnings]).toEqual([]);
    expect(nemoClaw.config.security).toMatchObject({ agentSecret: '<shared>', encryptionKey: '<shared>' });
  });

  it.each([
    ['Atlas', ATLAS],
    ['Nova', NOVA],
    ['ClawHub', CLAW_HUB],
    ['NemoClaw', NEMO_CLAW],
  ])('[SEC-04] %s may start, with a warning that its secrets are those of the guide', (_, env) => {
    const { config } = started({ files: { '.env': env } });
    const problems = checkStartup(config, { worldReadable: [] });
    expect(problems.filter(({ severity }) => severity === 'error')).toEqual([]);
    expect(problems).toContainEqual(expect.objectContaining({ where: 'SECURITY_AGENT_SECRET', severity: 'warning' }));
    expect(problems).toContainEqual(expect.objectContaining({ where: 'SECURITY_ENCRYPTION_KEY', severity: 'warning' }));
  });
});
