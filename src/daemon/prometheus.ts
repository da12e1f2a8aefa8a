import { type Measured, type Metric, metrics } from '../coordinator/metrics.ts';
import type { AgentStatus } from '../domain/agent-card.ts';
import type { AccountHealth } from './account-health.ts';
import type { PanelFigures } from './panel-metrics.ts';

/** What Prometheus is told of the spool. */
export interface SpoolFigures extends Measured {
  readonly messages: number;
  readonly panels: readonly PanelFigures[];
  readonly accounts: readonly AccountHealth[];
}

/** Of the text format, https://prometheus.io/docs/instrumenting/exposition_formats/. */
export const PROMETHEUS_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** The names that Prometheus has for the key metrics: with base units, and without `_count`, which it keeps for histograms. */
const KEY_METRICS = {
  queued_count: { name: 'parley_queued_deliveries', per: 1, help: 'Deliveries that wait for their recipient.' },
  leased_age_max: { name: 'parley_leased_age_max_seconds', per: 1, help: 'Age of the oldest message that is leased.' },
  failed_rate: { name: 'parley_failed_ratio', per: 100, help: 'Dead letters among all deliveries, from 0 to 1.' },
  agent_inactive: {
    name: 'parley_agent_silence_max_seconds',
    per: 1,
    help: 'How long the quietest agent has been silent.',
  },
} as const satisfies Record<Metric['name'], { name: string; per: number; help: string }>;

/** How the spool is, in the text format of Prometheus. */
export function prometheusText(figures: SpoolFigures): string {
  const { messages, deliveries, agents, panels, accounts } = figures;
  const statuses: Record<AgentStatus, number> = { active: 0, inactive: 0, offline: 0 };
  for (const { status } of agents) statuses[status]++;
  const key = metrics(figures);
  return [
    gauge('parley_messages', 'Messages in the spool.', [['', messages]]),
    gauge('parley_deliveries', 'Deliveries by status.', labelled('status', deliveries)),
    gauge('parley_agents', 'Registered agents by status.', labelled('status', statuses)),
    ...key.map((one) => {
      const { name, per, help } = KEY_METRICS[one.name];
      return gauge(name, help, [['', one.value / per]]);
    }),
    gauge(
      'parley_alert',
      'Whether a key metric is above its threshold.',
      key.map(({ name, alert }) => [`{metric="${name}"}`, Number(alert)]),
    ),
    ...accountText(accounts),
    ...panelText(panels),
  ].join('');
}

function accountText(accounts: readonly AccountHealth[]): string[] {
  if (accounts.length === 0) return [];
  const samples: Samples = accounts.map(({ channel, account, state }) => [
    `{channel="${escaped(channel)}",account="${escaped(account)}"}`,
    Number(state === 'open'),
  ]);
  return [gauge('parley_channel_connected', 'Whether an account is connected, in this process.', samples)];
}

function panelText(panels: readonly PanelFigures[]): string[] {
  if (panels.length === 0) return [];
  const of = (value: (figures: PanelFigures) => number): Samples =>
    panels.map((figures) => {
      const { panel, agent, outcome } = figures;
      return [`{panel="${escaped(panel)}",agent="${escaped(agent)}",outcome="${outcome}"}`, value(figures)];
    });
  return [
    counter(
      'parley_panel_messages_total',
      'Messages that agents of panels are done with.',
      of(({ answers }) => answers),
    ),
    counter(
      'parley_panel_seconds_total',
      'How long those messages took, added up.',
      of(({ seconds }) => seconds),
    ),
  ];
}

const escaped = (label: string): string =>
  label.replaceAll(/["\\\n]/g, (char) => (char === '\n' ? '\\n' : `\\${char}`));

type Samples = readonly (readonly [labels: string, value: number])[];

const labelled = (label: string, values: Readonly<Record<string, number>>): Samples =>
  Object.entries(values).map(([name, value]) => [`{${label}="${name}"}`, value]);

const gauge = (name: string, help: string, samples: Samples): string => metric('gauge', name, help, samples);
const counter = (name: string, help: string, samples: Samples): string => metric('counter', name, help, samples);

function metric(type: 'gauge' | 'counter', name: string, help: string, samples: Samples): string {
  const lines = samples.map(([labels, value]) => `${name}${labels} ${value}\n`);
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('')}`;
}
