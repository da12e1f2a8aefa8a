import type { AgentId } from '../domain/addresses.ts';
import { type Clock, systemClock } from '../lib/clock.ts';
import type { RelayNonces } from '../protocol/relay-stores.ts';
import type { Database } from '../spool/sqlite/database.ts';

/** How many old nonces each new one clears away: more than one, so that the table shrinks again after a rush. */
const FORGET_AT_ONCE = 2;

export class SqliteRelayNonces implements RelayNonces {
  readonly #db: Database;
  readonly #clock: Clock;

  constructor(db: Database, { clock = systemClock }: { clock?: Clock } = {}) {
    this.#db = db;
    this.#clock = clock;
  }

  remember(agent: AgentId, nonce: string, forgetAfter: number): Promise<boolean> {
    return this.#db.write(() => {
      this.#db
        .prepare(
          `DELETE FROM relay_nonce WHERE (agent, nonce) IN
             (SELECT agent, nonce FROM relay_nonce WHERE forget_after < ? ORDER BY forget_after LIMIT ${FORGET_AT_ONCE})`,
        )
        .run(this.#clock.now());
      const { changes } = this.#db
        .prepare('INSERT INTO relay_nonce (agent, nonce, forget_after) VALUES (?, ?, ?) ON CONFLICT DO NOTHING')
        .run(agent, nonce, forgetAfter);
      return changes > 0;
    });
  }
}
