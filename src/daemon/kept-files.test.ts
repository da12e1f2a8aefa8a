import { readdirSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { temporaryFolder } from '../../test/support/spool.ts';
import { keepFile, removeOlder } from './kept-files.ts';

const DAY_S = 24 * 3600;

it('[WHA-05] files that were kept long ago are removed, and no others', async () => {
  const { path, remove } = temporaryFolder();
  onTestFinished(remove);
  const folder = join(path, 'media');
  await removeOlder(folder, 0);
  for (const [name, days] of Object.entries({ old: 31, 'old.part': 31, new: 29 })) {
    await keepFile(join(folder, name), Buffer.from('x'));
    const at = 100 * DAY_S - days * DAY_S;
    utimesSync(join(folder, name), at, at);
  }
  await removeOlder(folder, (100 - 30) * DAY_S * 1000);
  expect(readdirSync(folder)).toEqual(['new']);
});
