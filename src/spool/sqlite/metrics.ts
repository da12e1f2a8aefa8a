import type { DeliveryStatus } from '../../domain/delivery.ts';
import type { SpoolStats } from '../spool.ts';
import type { Database } from './database.ts';
import { State, statusOf } from './states.ts';

/*
 * Each state that is not `acked` has an index of its own (or the blockers' table), so what is counted is what is open; `acked` is the
 * rest of a count over the narrowest index. Notices of dead letters are left out. One statement: one moment.
 */
const COUNTS = `
  SELECT 'message' AS what, count(*) AS n FROM message
  UNION ALL SELECT 'delivery', count(*) FROM delivery
  UNION ALL SELECT ${State.ready}, count(*) FROM delivery WHERE state = 0
  UNION ALL SELECT ${State.blocked}, count(DISTINCT b.delivery) FROM blocker b JOIN delivery d ON d.seq = b.delivery WHERE d.state = ${State.blocked}
  UNION ALL SELECT state, count(*) FROM delivery WHERE state IN (2, 3, 4) GROUP BY state
  UNION ALL SELECT ${State.failed}, count(*) FROM delivery WHERE state = 6
  UNION ALL SELECT ${State.expired}, count(*) FROM delivery WHERE state = 7
  UNION ALL SELECT 'notice', count(*) FROM message WHERE payload_type = 'dead-letter'
  UNION ALL SELECT 'notice ' || d.state, count(*) FROM message m JOIN delivery d ON d.message = m.seq
    WHERE m.payload_type = 'dead-letter' GROUP BY d.state`;

export function count(db: Database): SpoolStats {
  const counted = new Map(
    db
      .prepare<{ what: string | number; n: number }>(COUNTS)
      .all()
      .map(({ what, n }): [string, number] => [String(what), n]),
  );
  const of = (what: string | number): number => counted.get(String(what)) ?? 0;
  const open = Object.values(State).filter((state) => state !== State.acked);
  const deliveries: Record<DeliveryStatus, number> = {
    queued: 0,
    blocked: 0,
    leased: 0,
    acked: of('delivery') - open.reduce<number>((sum, state) => sum + of(state), 0) - of(`notice ${State.acked}`),
    failed: 0,
    expired: 0,
  };
  for (const state of open) deliveries[statusOf(state)] += of(state) - of(`notice ${state}`);
  return { messages: of('message') - of('notice'), deliveries };
}

export function oldestLeased(db: Database): number | null {
  const row = db
    .prepare<{ at: number | null }>(
      `SELECT min(m.accepted_at) AS at FROM delivery d JOIN message m ON m.seq = d.message
       WHERE d.state IN (2, 3, 4) AND d.state = ${State.leased}`,
    )
    .get();
  return row?.at ?? null;
}
