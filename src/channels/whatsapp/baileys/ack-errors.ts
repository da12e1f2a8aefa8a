import type { SendOutcome } from '../../channel.ts';

const refused = (reason: string): SendOutcome => ({ kind: 'refused', reason });
const later = (reason: string, delayMs: number): SendOutcome => ({ kind: 'later', reason, delayMs });

/** What the `error` of WhatsApp's answer to a message means: as seen, and as the library's NACK reasons name them. */
const ACK_ERRORS: ReadonlyMap<string, SendOutcome> = new Map([
  ['401', later('WhatsApp does not accept this device just now', 60_000)],
  ['403', refused('WhatsApp does not let this number write in this chat')],
  ['404', refused('WhatsApp knows nobody with this id')],
  ['406', refused('WhatsApp does not accept this message')],
  ['429', later('WhatsApp finds that this number writes too much', 60_000)],
  ['463', refused('WhatsApp does not let this number write to people who have not written to it')],
  ['500', later('WhatsApp could not take the message', 5_000)],
  ['503', later('WhatsApp is not available', 5_000)],
]);

/** How a send has ended that WhatsApp answered with an error; null: nobody knows this error, and it is worth trying again. */
export function ackError(code: string): SendOutcome | null {
  return ACK_ERRORS.get(code) ?? null;
}
