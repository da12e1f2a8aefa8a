import { describe, expect, it } from 'vitest';
import { agentId } from '../domain/addresses.ts';
import type { RegisteredAgent } from '../domain/agent-card.ts';
import { prometheusText, type SpoolFigures } from './prometheus.ts';

const HOUR_MS = 3_600_000;
const NOW = 10 * HOUR_MS;

const agent = (id: string, status: RegisteredAgent['status'], lastSeen: number): RegisteredAgent => ({
  id: agentId(id),
  name: id,
  capabilities: [],
  device: 'local',
  transport: 'sqlite',
  phone: null,
  provider: null,
  metadata: {},
  status,
  lastSeen,
});

const figures: SpoolFigures = {
  panels: [],
  accounts: [],
  messages: 200,
  deliveries: { queued: 101, blocked: 0, leased: 2, acked: 87, failed: 10, expired: 0 },
  oldestLeased: NOW - 90_000,
  agents: [agent('a', 'active', NOW), agent('b', 'offline', NOW - 2 * HOUR_MS)],
  now: NOW,
};

describe('/metrics', () => {
  it('[SPL-08] [OBS-01] has the figures of the spool, in base units', () => {
    const lines = prometheusText(figures).split('\n');
    expect(lines).toEqual(
      expect.arrayContaining([
        'parley_messages 200',
        'parley_deliveries{status="queued"} 101',
        'parley_deliveries{status="failed"} 10',
        'parley_agents{status="active"} 1',
        'parley_agents{status="offline"} 1',
        'parley_queued_deliveries 101',
        'parley_leased_age_max_seconds 90',
        'parley_failed_ratio 0.05',
        'parley_agent_silence_max_seconds 7200',
      ]),
    );
  });

  it('[OBS-01] [WHA-05] has which accounts are connected, and no line of accounts where there are none', () => {
    const states = { atlas: 'open', bolt: 'stopped', nova: 'waiting', '"ann"': 'standby', cloud: 'paused' } as const;
    const accounts = Object.entries(states).map(([account, state]) => ({
      ...{ channel: 'whatsapp', account, state, reason: 'why' },
    }));
    const lines = prometheusText({ ...figures, accounts }).split('\n');
    expect(lines.filter((line) => line.includes('parley_channel_connected'))).toEqual([
      '# HELP parley_channel_connected Whether an account is connected, in this process.',
      '# TYPE parley_channel_connected gauge',
      'parley_channel_connected{channel="whatsapp",account="atlas"} 1',
      'parley_channel_connected{channel="whatsapp",account="bolt"} 0',
      'parley_channel_connected{channel="whatsapp",account="nova"} 0',
      'parley_channel_connected{channel="whatsapp",account="\\"ann\\""} 0',
      'parley_channel_connected{channel="whatsapp",account="cloud"} 0',
    ]);
    expect(prometheusText(figures)).not.toContain('parley_channel_connected');
  });

  it('[SPL-08] says which thresholds are passed', () => {
    const text = prometheusText(figures);
    expect(text).toContain('parley_alert{metric="queued_count"} 1\n');
    expect(text).toContain('parley_alert{metric="leased_age_max"} 0\n');
    // Five percent is the threshold, and not above it.
    expect(text).toContain('parley_alert{metric="failed_rate"} 0\n');
    expect(text).toContain('parley_alert{metric="agent_inactive"} 1\n');
  });

  it('[OBS-01] is in the text format: each family once, with help, type and samples, names as Prometheus wants them', () => {
    const text = prometheusText(figures);
    const family =
      /# HELP (?<name>[a-z_]+) .+\n# TYPE \k<name> gauge\n(?:\k<name>(?:\{[a-z]+="[a-z_]+"\})? [\d.]+\n)+/g;
    const families = [...text.matchAll(family)];
    expect(families.map(([all]) => all).join('')).toBe(text);
    const names = families.map(({ groups }) => groups?.['name'] ?? '');
    expect(new Set(names).size).toBe(names.length);
    // Suffixes that mean a counter, a histogram or a summary.
    for (const name of names) expect(name).not.toMatch(/_(?:total|count|sum|bucket|info)$/);
  });
});
