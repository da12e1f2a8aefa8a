import type { Address, ConversationId, MessageId } from '../../domain/addresses.ts';
import type { DeliveryChange, Follower } from '../archive.ts';
import type { Database } from './database.ts';
import { State, statusOf } from './states.ts';

/** How many open deliveries are watched. Of a longer queue the oldest are not, until somebody claims them. */
const WATCHED = 10_000;

interface Mark {
  readonly state: number;
  readonly attempts: number;
}

interface Row extends Mark {
  readonly seq: number;
  readonly reason: string | null;
  readonly id: MessageId;
  readonly sender: Address;
  readonly recipient: Address;
  readonly subject: string;
  readonly conversation: ConversationId;
}

const SELECT = `SELECT d.seq, d.state, d.attempts, d.reason, d.recipient, m.id, m.sender, m.subject, m.conversation
  FROM delivery d JOIN message m ON m.seq = d.message`;

/**
 * Finds what happened by comparing the rows of open deliveries with how they stood at the last look: so it sees what any process did.
 * What was undone between two looks is not seen.
 */
export class SqliteFollower implements Follower {
  readonly #db: Database;
  readonly #marks = new Map<number, Mark>();
  #last: number;

  constructor(db: Database) {
    this.#db = db;
    this.#last = this.#newest();
    const open = db
      .prepare<Row>(
        `${SELECT} WHERE d.seq IN (SELECT seq FROM (
           SELECT seq FROM delivery WHERE state = 0 UNION ALL SELECT seq FROM delivery WHERE state IN (2, 3, 4)
           UNION SELECT delivery FROM blocker) ORDER BY seq DESC LIMIT ${WATCHED}) AND m.payload_type <> 'dead-letter' ORDER BY d.seq`,
      )
      .all();
    for (const { seq, state, attempts } of open) this.#marks.set(seq, { state, attempts });
  }

  look(): DeliveryChange[] {
    const accepted = this.#accepted();
    this.#watchLeased();
    const watched = this.#db
      .prepare<Row>(`${SELECT} WHERE d.seq IN (SELECT value FROM json_each(?)) ORDER BY d.seq`)
      .all(JSON.stringify([...this.#marks.keys()]));
    return [...accepted, ...watched.flatMap((row) => this.#compare(row))];
  }

  #newest(): number {
    return this.#db.prepare<{ seq: number | null }>('SELECT max(seq) AS seq FROM delivery').get()?.seq ?? 0;
  }

  #accepted(): DeliveryChange[] {
    // Numbers of rows that have gone are given out again.
    this.#last = Math.min(this.#last, this.#newest());
    const rows = this.#db
      .prepare<Row>(`${SELECT} WHERE d.seq > ? AND m.payload_type <> 'dead-letter' ORDER BY d.seq`)
      .all(this.#last);
    for (const { seq } of rows) this.#watch(seq, { state: State.ready, attempts: 0 });
    this.#last = this.#newest();
    return rows.map((row) => change('accepted', { ...row, state: State.ready, attempts: 0, reason: null }));
  }

  /** Some may have come back from the dead letters, or from far back in a long queue. */
  #watchLeased(): void {
    const leased = this.#db
      .prepare<{ seq: number; attempts: number }>(
        `SELECT d.seq, d.attempts FROM delivery d JOIN message m ON m.seq = d.message
         WHERE d.state IN (2, 3, 4) AND d.state = ${State.leased} AND m.payload_type <> 'dead-letter'`,
      )
      .all();
    for (const { seq, attempts } of leased) {
      if (!this.#marks.has(seq)) this.#watch(seq, { state: State.ready, attempts: attempts - 1 });
    }
  }

  #watch(seq: number, mark: Mark): void {
    this.#marks.set(seq, mark);
    const oldest = this.#marks.keys().next();
    if (this.#marks.size > WATCHED && !oldest.done) this.#marks.delete(oldest.value);
  }

  #compare(row: Row): DeliveryChange[] {
    const before = this.#marks.get(row.seq);
    if (!before) return [];
    const changes: DeliveryChange[] = [];
    const claimed = row.attempts > before.attempts;
    if (claimed) changes.push(change('claimed', { ...row, state: State.leased, reason: null }));
    const final = row.state === State.acked || row.state === State.failed || row.state === State.expired;
    const handedBack = (claimed || before.state === State.leased) && row.state !== State.leased;
    if (final || handedBack) changes.push(change('settled', row));
    if (final) this.#marks.delete(row.seq);
    else this.#marks.set(row.seq, { state: row.state, attempts: row.attempts });
    return changes;
  }
}

function change(event: DeliveryChange['event'], row: Row): DeliveryChange {
  const { id, sender: from, recipient: to, subject, conversation, attempts, reason } = row;
  return { event, id, from, to, subject, conversation, status: statusOf(row.state), attempts, reason };
}
