import { z } from 'zod';
import { GROUP_ACTIVATIONS, LINK_METHODS, WHATSAPP_MODES } from './config.ts';
import { oneOf, PHONE_RULE, text, whole } from './fields.ts';
import { whatsAppNumber } from './whatsapp-number.ts';

/** The number of another agent; read as `+<digits>`. */
export const peerNumber = text.refine((number) => whatsAppNumber(number) !== null, PHONE_RULE);

const GRAPH_URL_RULE = 'must be an https:// address (on this machine also http://)';

/** A token goes along with every request. */
function isEncryptedOrHere(address: string): boolean {
  if (!URL.canParse(address)) return false;
  const { protocol, hostname } = new URL(address);
  return protocol === 'https:' || (protocol === 'http:' && ['localhost', '127.0.0.1', '[::1]'].includes(hostname));
}

/** What is said of a number of the WhatsApp Business Platform, but for its secrets. */
const cloudApiSection = z.strictObject({
  phoneNumberId: text
    .regex(/^\d+$/, 'must be digits: the id that Meta gave the number, not the number itself')
    .optional(),
  apiVersion: text.regex(/^v\d+\.\d+$/, 'must be such as v25.0').default('v25.0'),
  graphUrl: text.refine(isEncryptedOrHere, GRAPH_URL_RULE).default('https://graph.facebook.com'),
  template: text
    .regex(/^[a-z0-9_]{1,512}$/, 'must be the name of a template: lower-case letters, digits and _')
    .optional()
    .describe('Asks a person who has been silent for 24 hours to answer. Default: what is for them is not sent.'),
  templateLanguage: text.regex(/^[A-Za-z]{2,3}(_[A-Za-z]{2,4})?$/, 'must be such as en_US').default('en_US'),
});

/** What is said of WhatsApp. */
export const whatsAppSection = z.strictObject({
  mode: oneOf('mode', WHATSAPP_MODES)
    .default('baileys')
    .describe('baileys: a device that is linked to a phone. cloud-api: a number of the WhatsApp Business Platform.'),
  linkBy: oneOf('way to link', LINK_METHODS).default('qr'),
  webUrl: z
    .url({ protocol: /^wss?$/, error: 'must be a ws:// or wss:// address' })
    .optional()
    .describe('For tests.'),
  webRootKey: text
    .regex(/^[\da-f]{64}$/i, 'must be 64 hex digits')
    .optional()
    .describe('For tests.'),
  groups: z.array(text).default([]).describe('Ids or names of the groups in which the agents answer, or all.'),
  groupActivation: oneOf('activation', GROUP_ACTIVATIONS).default('mention'),
  debounceMs: whole('milliseconds', 0, 60_000).default(1000).describe('0: every message is answered at once.'),
  maxMediaMb: whole('MiB', 1, 100).default(20).describe('Of one file that a person or an agent sends.'),
  cloud: cloudApiSection.prefault({}).describe('For mode cloud-api.'),
});
