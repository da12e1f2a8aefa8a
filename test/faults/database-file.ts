import Sqlite from 'better-sqlite3';
import type { Trace } from '../../src/domain/trace.ts';

/** One delivery, as the documented view of the database shows it. */
interface DeliveryRow {
  readonly id: string;
  readonly from_agent: string;
  readonly to_agent: string;
  readonly status: string;
  readonly subject: string;
  readonly payload_type: string;
  readonly reply_to: string | null;
  readonly attempts: number;
}

interface StoredMessage {
  readonly id: string;
  readonly type: string;
  readonly subject: string;
  readonly trace: Trace;
}

/** What is in a database, seen from outside. The daemon may be running. */
export class DatabaseFile implements Disposable {
  readonly #sqlite: Sqlite.Database;

  constructor(path: string) {
    this.#sqlite = new Sqlite(path, { readonly: true });
  }

  integrity(): unknown {
    return this.#sqlite.pragma('integrity_check', { simple: true });
  }

  /** Reminders that agents have sent to themselves for later are left out: they are meant to wait. */
  deliveries(): readonly DeliveryRow[] {
    return this.#sqlite
      .prepare<[], DeliveryRow>(
        `SELECT id, from_agent, to_agent, status, subject, payload_type, reply_to, attempts
         FROM messages WHERE payload_type <> 'timer'`,
      )
      .all();
  }

  /** In a few words, those that are not done. An announcement is nobody's loss: the next start makes another. */
  unsettled(): readonly string[] {
    return this.deliveries()
      .filter(({ status, subject }) => status !== 'acked' && !(status === 'expired' && subject === 'announce'))
      .map(({ payload_type, subject, to_agent, status }) => `${payload_type} ${subject} to ${to_agent}: ${status}`);
  }

  messages(): readonly StoredMessage[] {
    return this.#sqlite
      .prepare<[], { id: string; type: string; subject: string; trace: string }>(
        'SELECT id, payload_type AS type, subject, trace FROM message ORDER BY seq',
      )
      .all()
      .map((row) => ({ ...row, trace: JSON.parse(row.trace) as Trace }));
  }

  audit(): readonly { readonly kind: string; readonly actor: string; readonly detail: string | null }[] {
    return this.#sqlite
      .prepare<[], { kind: string; actor: string; detail: string | null }>(
        'SELECT kind, actor, detail FROM audit ORDER BY seq',
      )
      .all();
  }

  /** The ids of all that are known. */
  agents(): readonly string[] {
    return this.#sqlite.prepare<[], string>('SELECT id FROM agent').pluck().all();
  }

  /** How many messages have come from others in a chat. */
  heardOnWhatsApp(jid: string): number {
    return (
      this.#sqlite.prepare<[string], number>('SELECT count(*) FROM whatsapp_received WHERE jid = ?').pluck().get(jid) ??
      0
    );
  }

  [Symbol.dispose](): void {
    this.#sqlite.close();
  }
}

/** In a few words, the deliveries that are not done yet. */
export function unsettledIn(path: string): readonly string[] {
  using file = new DatabaseFile(path);
  return file.unsettled();
}
