import { describe, expect, it } from 'vitest';
import { refused, started } from './config-fixtures.ts';
import { ATLAS, CLAW_HUB, NEMO_CLAW, NOVA } from './guide-fixtures.ts';
import { checkStartup } from './startup-checks.ts';

const LOCAL = { PLATFORM: 'local' };

describe('the .env files of the guide', () => {
  it.each([
    ['Atlas', ATLAS],
    ['Nova', NOVA],
  ])('[RUN-02] [CHN-01] %s asks for WhatsApp: that alone is refused, with the way out', (_, env) => {
    const { message, code, exitCode } = refused({ files: { '.env': env } });
    expect({ code, exitCode }).toEqual({ code: 'CONFIG_INVALID', exitCode: 78 });
    expect(message.split('\n')).toHaveLength(2);
    expect(message).toMatch(/PLATFORM \(\.env\): "whatsapp" is not in this version: use PLATFORM=local/);
  });

  it('[RUN-02] [PRV-01] Atlas loads as it stands, on the local platform', () => {
    const { config, warnings } = started({ files: { '.env': ATLAS }, env: LOCAL });
    expect(warnings).toEqual([]);
    expect(config).toMatchObject({
      mode: 'agents',
      platforms: ['local'],
      http: { host: '127.0.0.1', port: 9090 },
      agents: [{ id: 'atlas_001', name: 'Atlas', chain: [{ provider: 'openai', apiKey: 'sk-...' }] }],
      security: {
        requireAgentAuth: true,
        agentSecret: 'a]f8k2...your-shared-secret...m9x1z',
        encryptionKey: 'b7d3e...your-shared-key...4f2a8',
      },
    });
  });

  it('[RUN-02] the comments behind the secrets of Nova are no part of them: it shares those of Atlas', () => {
    const atlas = started({ files: { '.env': ATLAS }, env: LOCAL }).config;
    const nova = started({ files: { '.env': NOVA }, env: LOCAL }).config;
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
    const { config } = started({ files: { '.env': env }, env: LOCAL });
    const problems = checkStartup(config, { worldReadable: [] });
    expect(problems.filter(({ severity }) => severity === 'error')).toEqual([]);
    expect(problems).toContainEqual(expect.objectContaining({ where: 'SECURITY_AGENT_SECRET', severity: 'warning' }));
    expect(problems).toContainEqual(expect.objectContaining({ where: 'SECURITY_ENCRYPTION_KEY', severity: 'warning' }));
  });
});
