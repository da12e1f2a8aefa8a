import { normaliseIdentity } from '../../security/identity.ts';

/** E.164 without short codes: with its country code, which never begins with 0. */
const INTERNATIONAL = /^\+[1-9]\d{6,14}$/;

/** A phone number as WhatsApp knows it, `+<digits>`; null when the text is none with a country code. */
export function whatsAppNumber(text: string): string | null {
  const number = normaliseIdentity(text);
  return INTERNATIONAL.test(number) ? number : null;
}
