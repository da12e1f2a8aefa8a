import type { AgentId, GroupId, MessageId } from '../domain/addresses.ts';
import type { Discussion, DiscussionStore, Group, GroupStore } from '../domain/group.ts';
import type { Write } from '../domain/write.ts';
import { type Database, databaseOf } from '../spool/sqlite/database.ts';

interface Row {
  readonly data: string;
}

export class SqliteGroups implements GroupStore {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  get(agent: AgentId, id: GroupId): Group | null {
    const row = this.#db.prepare<Row>('SELECT data FROM agent_group WHERE agent = ? AND id = ?').get(agent, id);
    return row ? (JSON.parse(row.data) as Group) : null;
  }

  list(agent: AgentId): readonly Group[] {
    return this.#db
      .prepare<Row>("SELECT data FROM agent_group WHERE agent = ? AND data ->> '$.panel' IS NULL ORDER BY id")
      .all(agent)
      .map((row) => JSON.parse(row.data) as Group);
  }

  put(agent: AgentId, group: Group): Write {
    return (tx) =>
      databaseOf(tx)
        .prepare(
          `INSERT INTO agent_group (agent, id, data, version) VALUES (?, ?, ?, ?)
           ON CONFLICT (agent, id) DO UPDATE SET data = excluded.data, version = excluded.version WHERE excluded.version > version`,
        )
        .run(agent, group.id, JSON.stringify(group), group.version);
  }

  remove(agent: AgentId, id: GroupId): Write {
    return (tx) => databaseOf(tx).prepare('DELETE FROM agent_group WHERE agent = ? AND id = ?').run(agent, id);
  }
}

export class SqliteDiscussions implements DiscussionStore {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  get(host: AgentId, id: MessageId): Discussion | null {
    const row = this.#db.prepare<Row>('SELECT data FROM discussion WHERE host = ? AND id = ?').get(host, id);
    return row ? (JSON.parse(row.data) as Discussion) : null;
  }

  put(host: AgentId, discussion: Discussion): Write {
    return (tx) =>
      databaseOf(tx)
        .prepare(
          'INSERT INTO discussion (host, id, data) VALUES (?, ?, ?) ON CONFLICT (host, id) DO UPDATE SET data = excluded.data',
        )
        .run(host, discussion.id, JSON.stringify(discussion));
  }

  /**
   * Forgets the discussions that are closed and whose questions the spool keeps no more, and the groups of panels in which there are no
   * others: of all their members at once, since a host tells its members of a group only when it is new.
   */
  async purge(): Promise<void> {
    await this.#db.write(() => {
      this.#db.prepare("DELETE FROM discussion WHERE data ->> '$.closed' AND id NOT IN (SELECT id FROM message)").run();
      this.#db
        .prepare(
          "DELETE FROM agent_group WHERE data ->> '$.panel' AND id NOT IN (SELECT data ->> '$.group' FROM discussion)",
        )
        .run();
    });
  }
}
