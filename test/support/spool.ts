import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Address, agentAddress, agentId, conversationId, messageId } from '../../src/domain/addresses.ts';
import type { NewMessage } from '../../src/domain/message.ts';
import { startTrace } from '../../src/domain/trace.ts';
import type { Clock } from '../../src/lib/clock.ts';
import { newId } from '../../src/lib/ids.ts';
import { ManualClock } from '../../src/lib/manual-clock.ts';
import { Database } from '../../src/spool/sqlite/database.ts';
import { SqliteSpool } from '../../src/spool/sqlite/sqlite-spool.ts';

export const mailbox = (name: string): Address => agentAddress(agentId(name));

/** A message with everything filled in but what the test is about. */
export function draft(to: string | readonly string[], overrides: Partial<NewMessage> = {}): NewMessage {
  const id = messageId(newId('msg', 0));
  return {
    id,
    from: mailbox('sender'),
    deliveries: [to].flat().map((name) => ({ to: mailbox(name) })),
    conversation: conversationId('conv_test'),
    payload: { type: 'text', data: {} },
    trace: startTrace(id, null),
    ...overrides,
  };
}

export function temporaryFolder(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'parley-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

export interface SpoolFixture {
  readonly spool: SqliteSpool;
  readonly db: Database;
  readonly clock: ManualClock;
  readonly path: string;
  /** Lets every transaction under way commit, also those that a timer has just begun. */
  settled(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export function openTestSpool(folder = temporaryFolder(), clock = new ManualClock()): SpoolFixture {
  const path = join(folder.path, 'coordination.db');
  const { db, spool } = openSpoolAt(path, clock);
  return {
    spool,
    db,
    clock,
    path,
    settled: async () => void (await spool.claim(mailbox('nobody'))),
    [Symbol.asyncDispose]: async () => {
      await spool.close();
      await db.close();
      folder.remove();
    },
  };
}

export function openSpoolAt(path: string, clock: Clock, steady = clock): { db: Database; spool: SqliteSpool } {
  const db = new Database(path, { clock, steady });
  return { db, spool: new SqliteSpool(db, { clock }) };
}
