import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PROJECT } from './support/source-files.ts';
import { openTestSpool } from './support/spool.ts';

/** Tables and views with their columns, as the document has them. */
function documented(): Record<string, string[]> {
  const sections = readFileSync(join(PROJECT, 'docs/schema.md'), 'utf8').split(/^### /m).slice(1);
  return Object.fromEntries(
    sections.map((section) => {
      const name = /^`(\w+)`/.exec(section)?.[1] ?? '';
      return [name, [...section.matchAll(/^\| `(\w+)` +\|/gm)].map(([, column = '']) => column)];
    }),
  );
}

describe('docs/schema.md', () => {
  it('[SPL-07] has every table, view and column of the database, and no other', async () => {
    await using t = openTestSpool();
    const tables = t.db
      .prepare<{ name: string }>(
        `SELECT name FROM pragma_table_list WHERE schema = 'main' AND type <> 'shadow' AND name NOT LIKE 'sqlite_%'`,
      )
      .all();
    const actual = tables.map(({ name }) => [
      name,
      t.db
        .prepare<{ name: string }, [string]>('SELECT name FROM pragma_table_info(?)')
        .all(name)
        .map((column) => column.name),
    ]);
    expect(documented()).toEqual(Object.fromEntries(actual));
  });
});
