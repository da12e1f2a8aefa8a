import type { MessageId } from '../domain/addresses.ts';
import type { Approval, ApprovalStatus, ApprovalStore } from '../domain/approval.ts';
import type { Write } from '../domain/write.ts';
import { type Clock, systemClock } from '../lib/clock.ts';
import { type Database, databaseOf } from '../spool/sqlite/database.ts';

interface Row {
  readonly status: ApprovalStatus;
  readonly data: string;
}

export class SqliteApprovals implements ApprovalStore {
  readonly #db: Database;
  readonly #clock: Clock;

  constructor(db: Database, { clock = systemClock }: { clock?: Clock } = {}) {
    this.#db = db;
    this.#clock = clock;
  }

  get(number: number): Approval | null {
    const row = this.#db.prepare<Row>('SELECT status, data FROM approval WHERE number = ?').get(number);
    return row ? approvalFromRow(row) : null;
  }

  byId(id: MessageId): Approval | null {
    const row = this.#db.prepare<Row>('SELECT status, data FROM approval WHERE id = ?').get(id);
    return row ? approvalFromRow(row) : null;
  }

  byNotice(notice: MessageId): Approval | null {
    const row = this.#db
      .prepare<Row>(
        `SELECT status, data FROM approval
         WHERE EXISTS (SELECT 1 FROM json_each(data, '$.notices') WHERE json_each.value = ?)`,
      )
      .get(notice);
    return row ? approvalFromRow(row) : null;
  }

  list(which: 'waiting' | 'all'): readonly Approval[] {
    const where = which === 'waiting' ? `WHERE status = 'waiting'` : '';
    return this.#db
      .prepare<Row>(`SELECT status, data FROM approval ${where} ORDER BY number`)
      .all()
      .map(approvalFromRow);
  }

  async reserve(): Promise<number> {
    return this.#db.write(() => {
      const row = this.#db.prepare<{ last: number }>('UPDATE approval_number SET last = last + 1 RETURNING last').get();
      if (!row) throw new Error('the numbers of approvals are gone');
      return row.last;
    });
  }

  add({ status, ...approval }: Approval): Write {
    return (tx) =>
      databaseOf(tx)
        .prepare('INSERT INTO approval (number, id, status, data, changed_at) VALUES (?, ?, ?, ?, ?)')
        .run(approval.number, approval.id, status, JSON.stringify(approval), this.#clock.now());
  }

  async begin(approval: Approval): Promise<void> {
    await this.#db.write((tx) => this.change({ ...approval, status: 'calling' }, 'approved')(tx));
  }

  change({ status, ...approval }: Approval, from: ApprovalStatus): Write {
    return (tx) => {
      const { changes } = databaseOf(tx)
        .prepare('UPDATE approval SET status = ?, data = ?, changed_at = ? WHERE id = ? AND status = ?')
        .run(status, JSON.stringify(approval), this.#clock.now(), approval.id, from);
      if (changes === 0) throw new Error(`approval ${approval.number} is not ${from} any more`);
    };
  }

  /** Forgets those that have ended and on which nothing has moved since `idleSince` (epoch milliseconds). */
  async purge(idleSince: number): Promise<void> {
    await this.#db.write(() =>
      this.#db
        .prepare(`DELETE FROM approval WHERE changed_at < ? AND status IN ('rejected', 'expired', 'done')`)
        .run(idleSince),
    );
  }
}

function approvalFromRow({ status, data }: Row): Approval {
  return { ...(JSON.parse(data) as Omit<Approval, 'status'>), status };
}
