import { createHash, randomBytes } from 'node:crypto';

/** Crockford's base 32: no I, L, O or U, so an id read aloud survives; it sorts as its bits do. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

function base32(bytes: Uint8Array, length: number): string {
  let out = '';
  let bits = 0;
  let buffered = 0;
  for (const byte of bytes) {
    buffered = (buffered << 8) | byte;
    bits += 8;
    while (bits >= 5 && out.length < length) {
      bits -= 5;
      out += ALPHABET[(buffered >> bits) & 31];
    }
    buffered &= (1 << bits) - 1;
  }
  return out;
}

/**
 * A new id: `prefix_` and 26 characters, 10 of time (milliseconds, so ids sort by age) and 16 of randomness (80 bits).
 * The layout of the 26 characters is that of a ULID.
 */
export function newId(prefix: string, now: number): string {
  let time = '';
  for (let rest = now, i = 0; i < 10; i++) {
    time = ALPHABET[rest % 32] + time;
    rest = Math.floor(rest / 32);
  }
  return `${prefix}_${time}${base32(randomBytes(10), 16)}`;
}

/**
 * The id that follows from `parts`: the same parts give the same id, in any process, for ever.
 * What a message gives rise to is named this way, so doing the work again cannot say it twice.
 */
export function deriveId(prefix: string, ...parts: readonly (string | number)[]): string {
  // The lengths are hashed too: ('a', 'bc') and ('ab', 'c') are different.
  const hash = createHash('sha256');
  for (const part of parts) hash.update(`${String(part).length}:${part};`);
  return `${prefix}_${base32(hash.digest(), 26)}`;
}
