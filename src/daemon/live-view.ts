import { z } from 'zod';
import { APPROVAL_DECIDED } from '../agents/approval-decisions.ts';
import { TIMER } from '../agents/effects.ts';
import type { LocalChannel } from '../channels/local/local-channel.ts';
import type { FlowEvent, Receipt } from '../channels/local/wire.ts';
import { arrivedId } from '../delivery/inbound.ts';
import type { Address } from '../domain/addresses.ts';
import { CHAT_IN, CHAT_OUT, chatArrivalSchema, chatOutSchema } from '../domain/chat.ts';
import type { DeliveryStatus } from '../domain/delivery.ts';
import type { Message } from '../domain/message.ts';
import type { Clock } from '../lib/clock.ts';
import { ENVELOPE } from '../protocol/ai-comms-1.0.ts';
import type { DeliveryReport, Spool } from '../spool/spool.ts';

const PREVIEW = 120;

/** Shows on the local page what the spool does: the ticks of the person's messages, envelopes moving between mailboxes, what waits for approval. */
export function showOnPage(spool: Spool, channel: LocalChannel, clock: Clock): () => void {
  const flow = (what: FlowEvent['what'], message: Message, to: readonly Address[], status?: DeliveryStatus): void => {
    if (message.payload.type === TIMER || to.every((address) => address.startsWith('system:'))) return;
    channel.flow({ ...describe(message), at: clock.now(), what, to, ...(status === undefined ? {} : { status }) });
  };
  const receipt = (message: Message): void => {
    if (message.payload.type !== CHAT_IN) return;
    channel.receipt(chatArrivalSchema.parse(message.payload.data).id, receiptFrom(spool.status(message.id)));
  };
  // Also when it is claimed: what another process has sent was not seen to be accepted here.
  const approvals = (message: Message): void => {
    if (concernsApprovals(message)) channel.waitingChanged();
  };
  const off = [
    spool.on('accepted', ({ message, to }) => {
      flow('accepted', message, to);
      approvals(message);
    }),
    spool.on('claimed', ({ delivery: { message, to } }) => {
      flow('claimed', message, [to]);
      approvals(message);
      receipt(message);
    }),
    spool.on('settled', ({ message: id, to, status }) => {
      const message = spool.message(id);
      if (!message) return;
      flow('settled', message, [to], status);
      receipt(message);
    }),
  ];
  return () => {
    for (const stop of off) stop();
  };
}

/** Whether a message shows a request, or tells that one was decided or has expired. */
function concernsApprovals({ payload: { type, data } }: Message): boolean {
  return type === APPROVAL_DECIDED || (type === CHAT_OUT && chatOutSchema.safeParse(data).data?.choices !== undefined);
}

/** How far a message has come that the person wrote on the local phone. */
export function receiptOf(spool: Spool, channel: string, platformId: string): Receipt {
  return receiptFrom(spool.status(arrivedId(channel, platformId)));
}

function receiptFrom(reports: readonly DeliveryReport[]): Receipt {
  if (reports.some(({ status }) => status === 'failed' || status === 'expired')) return 'failed';
  if (reports.length > 0 && reports.every(({ status }) => status === 'acked')) return 'read';
  return reports.some(({ attempts }) => attempts > 0) ? 'delivered' : 'sent';
}

function describe({ id, from, payload, body, subject, trace }: Message): Omit<FlowEvent, 'at' | 'what' | 'to'> {
  const sealed = payload.type === ENVELOPE;
  return {
    id,
    type: payload.type,
    from,
    hop: trace.hop,
    turnsLeft: trace.budget.turns,
    seal: !sealed ? 'plain' : sealedSchema.safeParse(payload.data).success ? 'sealed' : 'signed',
    preview: (ciphertextOf(body) ?? body).slice(0, PREVIEW),
    ...(sealed ? { intent: subject } : {}),
  };
}

const sealedSchema = z.object({ sealed: z.literal(true) });

const ciphertextOf = (body: string): string | null => /"ciphertext":"([^"]+)"/.exec(body)?.[1] ?? null;
