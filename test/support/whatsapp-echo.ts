/*
 * A program that answers every WhatsApp message with the same words, in a process of its own, which a test may kill at any moment.
 * It is run by whatsapp-echo-process.ts, and ends when that does.
 */
import { z } from 'zod';
import { BaileysChannel } from '../../src/channels/whatsapp/baileys/channel.ts';
import { agentAddress, agentId, messageId } from '../../src/domain/addresses.ts';
import { CHAT_IN, chatArrivalSchema } from '../../src/domain/chat.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { deriveId } from '../../src/lib/ids.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { SqliteWhatsAppSessions } from '../../src/store/whatsapp-session.ts';
import { draft, openSpoolAt } from './spool.ts';
import type { EchoNews, EchoOptions } from './whatsapp-echo-process.ts';

const optionsSchema = z.object({
  database: z.string(),
  webUrl: z.string(),
  rootKey: z.string(),
  dieAt: z.enum(['before-commit', 'after-commit', 'never']),
}) satisfies z.ZodType<EchoOptions>;

const { database, webUrl, rootKey, dieAt } = optionsSchema.parse(JSON.parse(process.argv[2] ?? ''));
const ECHO = agentId('echo');
const tell = (news: EchoNews): void => void process.send?.(news);
const dieIf = (moment: typeof dieAt): void => {
  if (moment === dieAt) process.kill(process.pid, 'SIGKILL');
};
process.on('disconnect', () => process.exit());

const { db, spool } = openSpoolAt(database, systemClock);
const channel = new BaileysChannel({
  accounts: [{ id: ECHO, phone: null }],
  sessions: new SqliteWhatsAppSessions(db),
  link: (event) => {
    if (event.kind === 'qr') tell({ kind: 'qr', qr: event.qr });
    if (event.kind === 'open') tell({ kind: 'open' });
  },
  clock: systemClock,
  logger: silentLogger,
  webUrl,
  rootKey,
  pace: { accountGapMs: 0, chatGapMs: 0 },
  ackTimeoutMs: 2_000,
});

await channel.start(async ({ id, chat, also }) => {
  const message = draft(ECHO, {
    id: messageId(deriveId('msg', chat.channel, id)),
    payload: { type: CHAT_IN, data: { id, ...chat } },
  });
  dieIf('before-commit');
  const [receipt] = await spool.send([message], also);
  dieIf('after-commit');
  return receipt?.duplicate ? 'duplicate' : 'accepted';
});

for (;;) {
  const [delivery] = await spool.claim(agentAddress(ECHO), { leaseMs: 3_000, wait: true });
  if (!delivery) continue;
  const { peer, text } = chatArrivalSchema.parse(delivery.message.payload.data);
  const chat = { peer, speaker: { id: ECHO, name: 'Echo' }, text: `echo ${text}` };
  const outcome = await channel
    .send({ id: deriveId('out', delivery.message.id), account: ECHO, chat })
    .catch(() => ({ kind: 'later', delayMs: 0 }) as const);
  await spool.settle(
    delivery.lease,
    outcome.kind === 'sent'
      ? { kind: 'ack' }
      : { kind: 'nack', reason: outcome.kind, delayMs: 50, countsAsAttempt: false },
  );
}
