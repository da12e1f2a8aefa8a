import type * as BaileysModule from 'baileys';
import { ParleyError } from '../../../domain/errors.ts';
import { checkingServers } from './server-check.ts';
import { withQuietLibsignal } from './silence.ts';

/** The library that speaks the protocol of WhatsApp Web. It is an optional dependency: everybody else takes it from here. */
export type Baileys = typeof BaileysModule;

/** The library, which checks servers then. Throws CONFIG_INVALID when it is not installed. */
export async function loadBaileys(): Promise<Baileys> {
  try {
    return await withQuietLibsignal(async () => checkingServers(await import('baileys')));
  } catch (cause) {
    throw new ParleyError('CONFIG_INVALID', 'WhatsApp needs the package baileys, which is not installed.', {
      hint: 'Run npm install without --omit=optional, or use another channel.',
      cause,
    });
  }
}

/**
 * Makes the library trust a server other than WhatsApp's, by the public key (32 bytes in hex) that signs its certificates. For tests:
 * it counts for the whole process.
 */
export function trustServer(baileys: Baileys, rootKey: string): void {
  baileys.WA_CERT_DETAILS.PUBLIC_KEY = Buffer.from(rootKey, 'hex');
}
