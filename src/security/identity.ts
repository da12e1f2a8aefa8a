/** E.164: at most 15 digits. Fewer than 5 is a short code or an internal id, and stays as it is written. */
const PHONE_NUMBER = /^(?:\+|00)?(\d{5,15})$/;
/** Spaces, dashes, brackets and the invisible marks that come along when a number is copied from a contact list. */
const PHONE_PUNCTUATION = /[\s()[\]\p{Dash_Punctuation}\p{Format}]/gu;
/** How WhatsApp writes a person: number, optional device, server. */
const WHATSAPP_PERSON = /^(\d+)(?::\d+)?@(?:s\.whatsapp\.net|c\.us)$/;
/** A number with a device but without its server. */
const NUMBER_WITH_DEVICE = /^(\+?\d+):\d+$/;

/**
 * The one spelling of a sender: a phone number becomes `+` and its digits, anything else is trimmed, lower-cased and NFKC.
 * Two spellings are the same sender exactly when this gives the same text.
 */
export function normaliseIdentity(text: string): string {
  const plain = text.normalize('NFKC').trim().toLowerCase().normalize('NFKC');
  const withoutServer = WHATSAPP_PERSON.exec(plain)?.[1] ?? NUMBER_WITH_DEVICE.exec(plain)?.[1] ?? plain;
  const number = PHONE_NUMBER.exec(withoutServer.replace(PHONE_PUNCTUATION, ''))?.[1];
  return number === undefined ? plain : `+${number}`;
}
