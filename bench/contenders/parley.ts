import { join } from 'node:path';
import { agentAddress, agentId, conversationId, messageId } from '../../src/domain/addresses.ts';
import type { Delivery } from '../../src/domain/delivery.ts';
import type { NewMessage } from '../../src/domain/message.ts';
import { startTrace } from '../../src/domain/trace.ts';
import { newId } from '../../src/lib/ids.ts';
import type { Spool } from '../../src/spool/spool.ts';
import { Database, type Durability } from '../../src/spool/sqlite/database.ts';
import { SqliteSpool } from '../../src/spool/sqlite/sqlite-spool.ts';
import { type Contender, type PullQueue, pullScenarios } from '../contender.ts';
import { type Document, documents } from '../document.ts';

const SENDER = agentAddress(agentId('planner'));
export const RECIPIENT = agentAddress(agentId('worker'));

/** A message of the spool that carries a document. */
export function messageWith(document: Document, overrides: Partial<NewMessage> = {}): NewMessage {
  const id = messageId(newId('msg', Date.now()));
  return {
    id,
    from: SENDER,
    deliveries: [{ to: RECIPIENT }],
    conversation: conversationId(document.conversation),
    payload: { type: 'task', data: { ...document, parameters: { ...document.parameters } } },
    trace: startTrace(id, null),
    ...overrides,
  };
}

export interface OpenSpool {
  readonly db: Database;
  readonly spool: SqliteSpool;
  close(): Promise<void>;
}

export function openSpool(path: string, durability: Durability = 'power'): OpenSpool {
  const db = new Database(path, { durability });
  const spool = new SqliteSpool(db);
  return {
    db,
    spool,
    close: async () => {
      await spool.close();
      await db.close();
    },
  };
}

function queueOf(spool: Spool): PullQueue<Delivery> {
  return {
    send: (batch) => spool.send(batch.map((document) => messageWith(document))),
    claim: (limit) => spool.claim(RECIPIENT, { limit }),
    claimWaiting: () => spool.claim(RECIPIENT, { wait: true }),
    read: (delivery) => delivery.message.payload.data as unknown as Document,
    ack: (deliveries) => Promise.all(deliveries.map(({ lease }) => spool.settle(lease, { kind: 'ack' }))),
  };
}

function contender(
  name: string,
  durability: Durability,
  survives: Contender['durability'],
  settings: string,
): Contender {
  return {
    name,
    durability: survives,
    settings,
    open: async (folder) => {
      const { spool, close } = openSpool(join(folder, 'spool.db'), durability);
      return { scenarios: pullScenarios(queueOf(spool), documents()), close };
    },
  };
}

export const parley = contender(
  'Parley',
  'power',
  'power failure',
  'SQLite, WAL; sends commit at synchronous=FULL, claims and plain acks at NORMAL',
);
export const parleyProcess = contender(
  'Parley, durability "process"',
  'process',
  'process crash',
  'the same, everything at synchronous=NORMAL',
);
export const parleyOff = contender('Parley, sync off', 'none', 'nothing', 'the same, everything at synchronous=OFF');
