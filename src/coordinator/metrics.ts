import type { RegisteredAgent } from '../domain/agent-card.ts';
import type { DeliveryStatus } from '../domain/delivery.ts';

/** A figure that says whether all is well. */
export interface Metric {
  readonly name: 'queued_count' | 'leased_age_max' | 'failed_rate' | 'agent_inactive';
  readonly value: number;
  readonly unit: 'messages' | 'seconds' | 'percent';
  /** Above this something is wrong, as the implementation guide has it. */
  readonly threshold: number;
  readonly alert: boolean;
  /** What to do when it is above. */
  readonly advice: string;
}

export interface Measured {
  readonly deliveries: Readonly<Record<DeliveryStatus, number>>;
  /** Epoch milliseconds. */
  readonly oldestLeased: number | null;
  readonly agents: readonly RegisteredAgent[];
  readonly now: number;
}

/** The key metrics of the implementation guide, with its thresholds. */
export function metrics({ deliveries, oldestLeased, agents, now }: Measured): readonly Metric[] {
  const total = Object.values(deliveries).reduce((sum, n) => sum + n, 0);
  const failedPercent = total === 0 ? 0 : (deliveries.failed / total) * 100;
  const quietest = agents.reduce<RegisteredAgent | null>(
    (a, b) => (a === null || b.lastSeen < a.lastSeen ? b : a),
    null,
  );
  const seconds = (since: number | undefined): number =>
    since === undefined ? 0 : Math.max(0, Math.round((now - since) / 1000));
  return [
    metric(
      'queued_count',
      deliveries.queued,
      'messages',
      100,
      'Add a consumer, or see why the recipients do not poll.',
    ),
    metric(
      'leased_age_max',
      seconds(oldestLeased ?? undefined),
      'seconds',
      600,
      'Somebody holds a message for long: ack it, or nack it to hand it out again.',
    ),
    metric(
      'failed_rate',
      Math.round(failedPercent * 100) / 100,
      'percent',
      5,
      'Look at the dead letters: parley dlq list. Once the cause is mended: parley dlq redrive --all.',
    ),
    metric(
      'agent_inactive',
      seconds(quietest?.lastSeen),
      'seconds',
      3600,
      `Start ${quietest?.id ?? 'the agent'}, or forget it: parley deregister ${quietest?.id ?? '<name>'}.`,
    ),
  ];
}

function metric(name: Metric['name'], value: number, unit: Metric['unit'], threshold: number, advice: string): Metric {
  return { name, value, unit, threshold, alert: value > threshold, advice };
}
