import pino from 'pino';
import { z } from 'zod';
import { BaileysChannel } from '../channels/whatsapp/baileys/channel.ts';
import { Lease } from '../channels/whatsapp/baileys/lease.ts';
import type { LinkEvent } from '../channels/whatsapp/baileys/link.ts';
import { ParleyError } from '../domain/errors.ts';
import { type Clock, systemClock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import { normaliseIdentity } from '../security/identity.ts';
import { Database } from '../spool/sqlite/database.ts';
import { SqliteWhatsAppSessions } from '../store/whatsapp-session.ts';
import type { PairingTarget } from './pairing-target.ts';

/** What there is to tell while an account is linked, in the words of `parley pair --json`. */
export type PairingEvent =
  | { readonly event: 'qr'; readonly qr: string; readonly expiresInMs: number }
  | { readonly event: 'code'; readonly code: string }
  /** `already`: before this run. */
  | { readonly event: 'linked'; readonly phone: string; readonly already: boolean }
  | { readonly event: 'open' }
  | {
      readonly event: 'closed';
      readonly reason: string;
      readonly code: number | null;
      readonly action: 'retry' | 'stopped' | 'link-again';
      readonly delayMs?: number;
    }
  /** The link with this phone is about to be forgotten. */
  | { readonly event: 'forgetting'; readonly phone: string };

export interface PairingOptions {
  /** Forgets the phone that the account is linked with, if there is one. */
  readonly force: boolean;
  /** Gives up after so long; null: never. */
  readonly timeoutMs: number | null;
  /** Ends it before. */
  readonly signal: AbortSignal;
  /** Is told of one event after the other. What it throws ends the pairing. */
  readonly tell: (event: PairingEvent) => Promise<void>;
  /** Default: standard error. */
  readonly logger?: Logger;
  readonly clock?: Clock;
}

/**
 * Links one account with a phone, without starting agents. Resolves with true once the account is linked and was connected, with
 * false when the signal has aborted before. Throws a ParleyError: LEASE_LOST when another process has the account.
 */
export async function pairAccount(target: PairingTarget, options: PairingOptions): Promise<boolean> {
  const { account, databasePath, logLevel } = target;
  const { force, tell, clock = systemClock, logger = pairingLogger(logLevel) } = options;
  const db = new Database(databasePath);
  try {
    const sessions = new SqliteWhatsAppSessions(db);
    const phone = linkedPhone(sessions, account.id);
    if (phone !== null && !force) {
      await tell({ event: 'linked', phone, already: true });
      return true;
    }
    await whileOwned(sessions, account.id, clock, async () => {
      if (phone === null) return;
      await tell({ event: 'forgetting', phone });
      await sessions.commit([sessions.forget(account.id)]);
    });
    return await link(target, sessions, { ...options, clock, logger });
  } finally {
    await db.close();
  }
}

/** What is kept of a device that was linked, as far as it matters here: https://github.com/WhiskeySockets/Baileys, `AuthenticationCreds`. */
const credsSchema = z.object({ me: z.object({ id: z.string() }) });

/** The number of the phone that an account is linked with, `+<digits>`; null when it is linked with none. */
function linkedPhone(sessions: SqliteWhatsAppSessions, account: string): string | null {
  const creds = sessions.keys(account, ['creds']).get('creds');
  return creds === undefined ? null : normaliseIdentity(credsSchema.parse(JSON.parse(creds)).me.id);
}

/** Does the work while no other process can have the account. */
async function whileOwned(
  sessions: SqliteWhatsAppSessions,
  account: string,
  clock: Clock,
  work: () => Promise<void>,
): Promise<void> {
  const lease = new Lease({ sessions, account, clock, lost: () => undefined });
  if (!(await lease.take())) {
    throw new ParleyError('LEASE_LOST', `Another process has the WhatsApp account of ${account}.`, {
      hint: 'Scan the code that it shows, at /whatsapp of its page; or stop it (parley start) first.',
    });
  }
  try {
    await work();
  } finally {
    await lease.release();
  }
}

/** From the first code to the first connection. */
async function link(
  { account, linkBy, server }: PairingTarget,
  sessions: SqliteWhatsAppSessions,
  { timeoutMs, signal, tell, logger, clock }: Required<PairingOptions>,
): Promise<boolean> {
  const { promise: outcome, resolve, reject } = Promise.withResolvers<boolean>();
  let told = Promise.resolve();
  let trouble: string | null = null;
  const follow = (event: LinkEvent): void => {
    trouble = event.kind === 'closed' ? event.reason : null;
    told = told.then(async () => {
      await tell(pairingEvent(event));
      if (event.kind === 'open') resolve(true);
      if (event.kind === 'closed' && event.action === 'stopped') reject(notLinked(account.id, event.reason));
    });
    told.catch(reject);
  };
  const channel = new BaileysChannel({
    accounts: [account],
    sessions,
    link: (event) => (signal.aborted ? undefined : follow(event)),
    clock,
    logger,
    linkBy,
    ...server,
  });
  const stops: (() => void)[] = [];
  try {
    // Nothing is acknowledged: what people write is delivered again to whoever runs the agent.
    await channel.start(() => Promise.reject(new Error('messages wait until the agent is started')));
    if (signal.aborted) return false;
    const stop = (): void => resolve(false);
    signal.addEventListener('abort', stop);
    stops.push(() => signal.removeEventListener('abort', stop));
    if (timeoutMs !== null) {
      const giveUp = (): void => reject(notLinked(account.id, trouble ?? 'no phone has done it in time'));
      stops.push(clock.timer(clock.now() + timeoutMs, giveUp));
    }
    return await outcome;
  } finally {
    for (const stop of stops) stop();
    await channel.stop();
    await told.catch(() => undefined);
  }
}

function pairingEvent(event: LinkEvent): PairingEvent {
  switch (event.kind) {
    case 'qr':
      return { event: 'qr', qr: event.qr, expiresInMs: event.expiresInMs };
    case 'code':
      return { event: 'code', code: event.code };
    case 'linked':
      return { event: 'linked', phone: event.phone, already: false };
    case 'open':
      return { event: 'open' };
    case 'closed': {
      const { account: _, kind, ...why } = event;
      return { event: kind, ...why };
    }
  }
}

/** What is worth knowing is told as an event: of the log, what went wrong is left. */
function pairingLogger(level: PairingTarget['logLevel']): Logger {
  return pino({ level: level === 'info' ? 'warn' : level }, pino.destination({ dest: 2, sync: true }));
}

const notLinked = (account: string, reason: string): ParleyError =>
  new ParleyError('CHANNEL_SEND_FAILED', `${account} is not linked: ${reason}.`, {
    hint: `Try again: parley pair ${account}`,
  });
