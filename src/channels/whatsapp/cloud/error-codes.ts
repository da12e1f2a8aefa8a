import type { Backoff } from '../../../lib/backoff.ts';

/**
 * What is to be done about an error.
 *
 * - `wait`: nothing is wrong with the message. `who` has to wait: the whole account, or one chat of it.
 * - `mend`: nothing is wrong with the message; somebody has to mend the account first.
 * - `window`: the person has not written for 24 hours.
 * - `retry`: WhatsApp failed, and does not say why.
 * - `refuse`: this message will never be sent.
 */
export type Remedy =
  | { readonly kind: 'wait'; readonly who: 'account' | 'chat'; readonly backoff: Backoff }
  | { readonly kind: 'mend' | 'window' | 'retry' | 'refuse' };

/** What an error code of the Graph API means to us. */
export interface ErrorMeaning {
  readonly remedy: Remedy;
  /** For whoever runs the account. */
  readonly words: string;
}

const BUSY: Backoff = { baseMs: 5_000, maxMs: 300_000 };
/** One message in 6 seconds to the same person, and more in a burst that has to be made up for. */
const PAIR: Backoff = { baseMs: 6_000, maxMs: 120_000 };
const SPAM: Backoff = { baseMs: 60_000, maxMs: 3_600_000 };
const DOWN: Backoff = { baseMs: 10_000, maxMs: 300_000 };

/** How long an account that has to be mended waits. */
export const MEND: Backoff = { baseMs: 60_000, maxMs: 900_000 };

const accountWaits = (words: string, backoff: Backoff): ErrorMeaning => ({
  remedy: { kind: 'wait', who: 'account', backoff },
  words,
});
const mend = (words: string): ErrorMeaning => ({ remedy: { kind: 'mend' }, words });
const refuse = (words: string): ErrorMeaning => ({ remedy: { kind: 'refuse' }, words });
const window: ErrorMeaning = { remedy: { kind: 'window' }, words: 'the person has not written for 24 hours' };
const retry: ErrorMeaning = { remedy: { kind: 'retry' }, words: 'WhatsApp failed, and does not say why' };

const TOKEN = mend('the access token is not valid any more');
const PERMISSION = mend('the access token may not do this');
const TOO_MUCH = accountWaits('this number sends faster than it may', BUSY);
const CALLS = accountWaits('this app asks more often than it may', BUSY);
const UNAVAILABLE = accountWaits('WhatsApp is not available', DOWN);
const MALFORMED = refuse('WhatsApp does not take this message');
const TEMPLATE = refuse('WhatsApp does not take this template');
const FILE = refuse('WhatsApp does not take this file');

/** https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes */
const MEANINGS: ReadonlyMap<number, ErrorMeaning> = new Map([
  [0, TOKEN],
  [1, retry],
  [2, UNAVAILABLE],
  [3, PERMISSION],
  [4, CALLS],
  [10, PERMISSION],
  [33, mend('this number is not there any more')],
  [100, MALFORMED],
  [190, TOKEN],
  [368, mend('the account is blocked for a while, for what it has sent')],
  [470, window],
  [80007, CALLS],
  [130429, TOO_MUCH],
  [130472, refuse('WhatsApp does not deliver it: the person is part of an experiment')],
  [130497, refuse('this account may not write to people in that country')],
  [131000, retry],
  [131005, PERMISSION],
  [131008, MALFORMED],
  [131009, MALFORMED],
  [131016, UNAVAILABLE],
  [131021, refuse('the number would write to itself')],
  [131026, refuse('it cannot be delivered: the person may not be on WhatsApp, or has an old version of it')],
  [131030, refuse('a test number writes only to the people on its list')],
  [131031, mend('the account is locked')],
  [131037, mend('the display name of this number is not approved')],
  [131042, mend('the account cannot be charged')],
  [131045, mend('this number is not registered')],
  [131047, window],
  [131048, accountWaits('too many people have blocked this number, or called it spam', SPAM)],
  [131049, refuse('WhatsApp chose not to deliver it, for the good of the person')],
  [131050, refuse('the person does not want to hear from this account')],
  [131051, MALFORMED],
  [131052, FILE],
  [131053, FILE],
  [
    131056,
    { remedy: { kind: 'wait', who: 'chat', backoff: PAIR }, words: 'this number writes too fast to the same person' },
  ],
  [131057, accountWaits('the account is in maintenance', DOWN)],
  [131062, refuse('this cannot be sent to somebody whose number is hidden')],
  [132000, TEMPLATE],
  [132001, TEMPLATE],
  [132005, TEMPLATE],
  [132007, TEMPLATE],
  [132012, TEMPLATE],
  [132015, TEMPLATE],
  [132016, TEMPLATE],
  [133004, UNAVAILABLE],
  [133010, mend('this number is not registered')],
]);

/** Permissions that were not given, or were taken back, have these codes. */
const isPermission = (code: number): boolean => code >= 200 && code <= 299;

/** By the code; where it is not known, by the HTTP status. */
export function meaningOf(code: number | null, status: number): ErrorMeaning {
  const known = code === null ? undefined : MEANINGS.get(code);
  if (known) return known;
  if (status === 401) return TOKEN;
  if (status === 403 || (code !== null && isPermission(code))) return PERMISSION;
  if (status === 429) return CALLS;
  return status >= 500 ? retry : MALFORMED;
}

const MAX_DETAILS = 300;

/** In words, with WhatsApp's own details. */
export function describeFailure(words: string, code: number | null, details: string): string {
  return [words, code === null ? '' : ` (${code})`, details === '' ? '' : `: ${details.slice(0, MAX_DETAILS)}`].join(
    '',
  );
}
