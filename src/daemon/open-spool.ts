import type { Coordinator } from '../coordinator/coordinator.ts';
import { openCoordinator } from '../coordinator/open.ts';
import { agentSecrets } from './agent-secrets.ts';
import type { SpoolSettings } from './spool-settings.ts';

// The words in which the command line talks with the spool.
export type { ConversationSummary, Coordinator, DeadLetterFilter } from '../coordinator/coordinator.ts';
export type { Metric } from '../coordinator/metrics.ts';
export type { TailEvent } from '../coordinator/tail.ts';
export type { DeadLetter, DeliveryState, Received } from '../links/transport.ts';
export type { MessageDraft, MessageV2 } from '../protocol/message-v2.ts';

/** The message spool of these settings. Throws a ParleyError. */
export function openSpool({
  projectRoot,
  databasePath,
  transport,
  ttlHours,
  leaseSeconds,
}: SpoolSettings): Coordinator {
  return openCoordinator({
    projectRoot,
    databasePath,
    transport,
    relaySecret: (agent) => agentSecrets()(agent),
    ...(ttlHours !== undefined && { ttlHours }),
    ...(leaseSeconds !== undefined && { leaseSeconds }),
  });
}
