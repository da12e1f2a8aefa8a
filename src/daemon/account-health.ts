import { z } from 'zod';
import { ParleyError } from '../domain/errors.ts';

/** How an account of a chat platform fares, as `/health` tells it. */
export const accountHealthSchema = z.object({
  channel: z.string(),
  account: z.string(),
  /** As of a linked device (`AccountState`). `paused`: it takes messages, and can send none until somebody has mended it. */
  state: z.enum(['unlinked', 'linking', 'connecting', 'open', 'waiting', 'standby', 'stopped', 'paused']),
  /** In words; null when there is nothing to say. */
  reason: z.string().nullable(),
});

export type AccountHealth = z.infer<typeof accountHealthSchema>;

/** Whether all is as it should be: it is connected, here or in another process that has it. */
export const isWell = ({ state }: AccountHealth): boolean => state === 'open' || state === 'standby';

/** The accounts that take no message until somebody does something. One that connects again by itself is not among them. */
const TAKES_NONE: ReadonlySet<AccountHealth['state']> = new Set(['unlinked', 'linking', 'stopped']);

/** Throws CHANNEL_DISCONNECTED when an account takes no messages until somebody does something. */
export function requireAccounts(accounts: readonly AccountHealth[]): void {
  const lost = accounts.filter(({ state }) => TAKES_NONE.has(state));
  if (lost.length === 0) return;
  throw new ParleyError('CHANNEL_DISCONNECTED', `No messages are taken: ${lost.map(describeAccount).join('; ')}.`);
}

const IN_WORDS: Readonly<Record<AccountHealth['state'], string>> = {
  unlinked: 'is linked with no phone',
  linking: 'waits for a phone that links it',
  connecting: 'is being connected',
  open: 'is connected',
  waiting: 'is not connected, and is tried again',
  standby: 'is not connected here',
  stopped: 'is stopped',
  paused: 'cannot send',
};

/** For whoever runs it, such as `whatsapp account atlas is stopped (another program has connected as this device)`. */
export function describeAccount({ channel, account, state, reason }: AccountHealth): string {
  return `${channel} account ${account} ${IN_WORDS[state]}${reason === null ? '' : ` (${reason})`}`;
}
