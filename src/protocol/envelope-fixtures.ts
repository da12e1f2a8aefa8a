/* What the tests of this folder have in common. */
import { agentId, conversationId, groupId, messageId } from '../domain/addresses.ts';
import type { Json } from '../lib/json.ts';
import type { EnvelopeDraft, ReceiptContext } from './envelope.ts';
import { deriveKeys } from './keys.ts';

export const SENT_AT = Date.UTC(2026, 3, 4, 12);
export const MAX_AGE_MS = 300_000;

export const SIGNING_AND_SEALING = deriveKeys({
  agentSecret: 'shared agent secret',
  encryptionKey: 'shared encryption key',
});
export const SIGNING = { ...SIGNING_AND_SEALING, sealing: null };
export const SEALING = { ...SIGNING_AND_SEALING, signing: null };
export const NO_KEYS = deriveKeys({ agentSecret: null, encryptionKey: null });

const NOVA = agentId('nova_001');

/** An envelope from Atlas to Nova with every field there is. */
export function draftOf(payload: Json, changes: Partial<EnvelopeDraft> = {}): EnvelopeDraft {
  return {
    id: messageId('msg_01'),
    from: { agentId: agentId('atlas_001'), agentName: 'Atlas' },
    to: { agentId: NOVA, agentName: 'Nova' },
    group: { groupId: groupId('grp_1'), groupName: 'Research Team' },
    intent: 'group',
    payload,
    conversationId: conversationId('conv_abc123'),
    sentAt: SENT_AT,
    replyTo: messageId('msg_00'),
    trace: {
      root: messageId('msg_00'),
      cause: messageId('msg_00'),
      hop: 1,
      origin: agentId('atlas_001'),
      budget: { turns: 7, tokens: null, microUsd: 250_000 },
    },
    extra: { 'x-note': { kept: [true, 1] } },
    ...changes,
  };
}

/** Nova's reading of an envelope that arrived the moment it was sent, with nothing seen before. */
export function receipt(changes: Partial<ReceiptContext> = {}): ReceiptContext {
  return {
    keys: SIGNING_AND_SEALING,
    requireAuth: true,
    recipient: NOVA,
    acceptedAt: SENT_AT,
    maxAgeMs: MAX_AGE_MS,
    delivery: 1,
    seen: { remember: async () => 'new' },
    ...changes,
  };
}
