import { createHash } from 'node:crypto';

/** Draws from [0, 1) that look random and follow from the seed: the same seed gives the same draws. */
export function seededRandom(seed: number): () => number {
  let drawn = 0;
  return () => createHash('sha256').update(`${seed}:${drawn++}`).digest().readUInt32BE() / 2 ** 32;
}

/** A whole number from `least` to `most`. */
export function wholeNumber(random: () => number, least: number, most: number): number {
  return least + Math.floor(random() * (most - least + 1));
}
