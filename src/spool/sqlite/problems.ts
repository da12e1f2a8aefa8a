import type { Database } from './database.ts';
import { State } from './states.ts';

/** What must not be there, and the query that finds it. */
const NEVER: readonly (readonly [what: string, sql: string])[] = [
  ['deliveries in no known state', `SELECT count(*) AS n FROM delivery WHERE state NOT BETWEEN 0 AND ${State.expired}`],
  [
    'leases without a token or an end',
    `SELECT count(*) AS n FROM delivery WHERE state = ${State.leased} AND (token IS NULL OR due_at IS NULL)`,
  ],
  ['tokens of no lease', `SELECT count(*) AS n FROM delivery WHERE state <> ${State.leased} AND token IS NOT NULL`],
  [
    'deliveries that wait for no time',
    `SELECT count(*) AS n FROM delivery WHERE state IN (${State.scheduled}, ${State.backoff}) AND due_at IS NULL`,
  ],
  [
    'settled deliveries without a time',
    `SELECT count(*) AS n FROM delivery WHERE state IN (${State.acked}, ${State.failed}, ${State.expired}) AND settled_at IS NULL`,
  ],
  ['deliveries with too many attempts', 'SELECT count(*) AS n FROM delivery WHERE attempts > max_attempts'],
  [
    'blocked deliveries that wait for nothing',
    `SELECT count(*) AS n FROM delivery d WHERE d.state = ${State.blocked}
       AND NOT EXISTS (SELECT 1 FROM blocker WHERE blocker.delivery = d.seq)`,
  ],
  [
    'deliveries that wait for one that is settled',
    `SELECT count(*) AS n FROM blocker LEFT JOIN delivery w ON w.seq = blocker.waits_for
       WHERE w.seq IS NULL OR w.state IN (${State.acked}, ${State.failed}, ${State.expired})`,
  ],
  [
    'orders with two deliveries in hand',
    `SELECT count(*) AS n FROM (SELECT 1 FROM delivery WHERE state = ${State.leased} AND ordering_key IS NOT NULL
       GROUP BY recipient, ordering_key HAVING count(*) > 1)`,
  ],
  [
    'messages for nobody',
    'SELECT count(*) AS n FROM message m WHERE NOT EXISTS (SELECT 1 FROM delivery d WHERE d.message = m.seq)',
  ],
];

/** How many deliveries wait for themselves, by way of others: none of them would ever be handed out. */
function mutualWaits(db: Database): number {
  const waits = db.prepare<{ waits_for: number; delivery: number }>('SELECT waits_for, delivery FROM blocker').all();
  const behind = Map.groupBy(waits, (wait) => wait.waits_for);
  const open = new Map<number, number>();
  for (const { delivery } of waits) open.set(delivery, (open.get(delivery) ?? 0) + 1);
  // As if they were settled one after the other, beginning with those that wait for nothing.
  const free = [...behind.keys()].filter((delivery) => !open.has(delivery));
  for (let settled = free.pop(); settled !== undefined; settled = free.pop()) {
    for (const { delivery } of behind.get(settled) ?? []) {
      const left = (open.get(delivery) ?? 0) - 1;
      if (left > 0) open.set(delivery, left);
      else {
        open.delete(delivery);
        free.push(delivery);
      }
    }
  }
  return open.size;
}

/** What is wrong with the file, with references between its tables, or with the states of deliveries. Reads everything. */
export function problems(db: Database): string[] {
  const integrity = db.checkIntegrity();
  if (integrity !== 'ok') return [`the file is damaged: ${integrity}`];
  const dangling = db.prepare('PRAGMA foreign_key_check').all().length;
  const counted = NEVER.map(([what, sql]) => ({ what, n: db.prepare<{ n: number }>(sql).get()?.n ?? 0 }));
  const found = [...counted, { what: 'deliveries that wait for each other', n: mutualWaits(db) }].flatMap(
    ({ what, n }) => (n === 0 ? [] : [`${n} ${what}`]),
  );
  return dangling === 0 ? found : [`${dangling} references to rows that are not there`, ...found];
}
