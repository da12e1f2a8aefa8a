import type { DeliveryStatus } from '../../domain/delivery.ts';

/**
 * The states of a delivery as the database has them. More than the six that are shown: how something is queued decides
 * which index finds it, and whether others wait behind it.
 */
export const State = {
  /** Claimable now. */
  ready: 0,
  /** Waits until other deliveries are settled. */
  blocked: 1,
  /** Sent for later. Until it is due it holds nobody up. */
  scheduled: 2,
  /** Handed back, to be retried. It keeps its place: those behind it in its order wait. */
  backoff: 3,
  leased: 4,
  acked: 5,
  failed: 6,
  expired: 7,
} as const;
export type State = (typeof State)[keyof typeof State];

const STATUS: readonly DeliveryStatus[] = [
  'queued',
  'blocked',
  'queued',
  'queued',
  'leased',
  'acked',
  'failed',
  'expired',
];

/** The status that is shown for a state. */
export function statusOf(state: number): DeliveryStatus {
  const status = STATUS[state];
  if (!status) throw new RangeError(`no delivery state ${state}`);
  return status;
}
