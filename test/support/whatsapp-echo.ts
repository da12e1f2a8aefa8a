/*
 * An echo account in a process of its own, which a test may kill at any moment, or which kills itself. It is run by
 * whatsapp-echo-process.ts, and ends when that does.
 */
import { z } from 'zod';
import { systemClock } from '../../src/lib/clock.ts';
import { EchoAccount } from './echo-account.ts';
import type { EchoNews, EchoOptions } from './whatsapp-echo-process.ts';

const optionsSchema = z.object({
  database: z.string(),
  webUrl: z.string(),
  rootKey: z.string(),
  dieAt: z.enum(['before-commit', 'after-commit', 'never']),
}) satisfies z.ZodType<EchoOptions>;

const { dieAt, ...options } = optionsSchema.parse(JSON.parse(process.argv[2] ?? ''));
const tell = (news: EchoNews): void => void process.send?.(news);
process.on('disconnect', () => process.exit());

const account = new EchoAccount({
  ...options,
  clock: systemClock,
  ackTimeoutMs: 2_000,
  leaseMs: 3_000,
  link: (event) => {
    if (event.kind === 'qr') tell({ kind: 'qr', qr: event.qr });
    if (event.kind === 'open') tell({ kind: 'open' });
  },
  reached: (moment) => {
    if (moment === dieAt) process.kill(process.pid, 'SIGKILL');
  },
});
await account.start();
