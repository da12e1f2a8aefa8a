import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../../test/support/spool.ts';
import { Database, type Durability } from './database.ts';

/** The values of PRAGMA synchronous. */
const SYNCHRONOUS = { off: 0, normal: 1, full: 2 };

describe('what a commit survives', () => {
  it.each<{ durability: Durability; durable: number; other: number }>([
    { durability: 'power', durable: SYNCHRONOUS.full, other: SYNCHRONOUS.normal },
    { durability: 'process', durable: SYNCHRONOUS.normal, other: SYNCHRONOUS.normal },
    { durability: 'none', durable: SYNCHRONOUS.off, other: SYNCHRONOUS.off },
  ])('[SPL-06] at $durability the disk is waited for as it says', async ({ durability, durable, other }) => {
    const folder = temporaryFolder();
    const db = new Database(join(folder.path, 'coordination.db'), { durability });
    const synchronous = () => db.prepare<{ synchronous: number }>('PRAGMA synchronous').get()?.synchronous;
    // Twice and in turn: the setting of one transaction must not leak into the next.
    for (let round = 0; round < 2; round++) {
      expect(await db.write(synchronous)).toBe(durable);
      expect(await db.write(synchronous, { durable: false })).toBe(other);
    }
    await db.close();
    folder.remove();
  });
});
