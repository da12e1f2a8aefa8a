import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { agentId } from '../../src/domain/addresses.ts';
import { sleep, systemClock } from '../../src/lib/clock.ts';
import { RelayClient } from '../../src/links/http/relay-client.ts';
import { parseMessageV2 } from '../../src/protocol/message-v2.ts';
import { Database } from '../../src/spool/sqlite/database.ts';
import { SqliteRelaySecrets } from '../../src/store/relay-secrets.ts';
import { freePort } from '../support/daemon-process.ts';
import { FAULT_SCALE, FAULT_SEED } from '../support/fault-scale.ts';
import { ParleyProcess } from '../support/process.ts';
import { seededRandom, wholeNumber } from '../support/random.ts';
import { wireMessage } from '../support/relay.ts';
import { temporaryFolder } from '../support/spool.ts';

const SENDERS = ['sender-1', 'sender-2', 'sender-3', 'sender-4'];
const RECIPIENT = 'recipient';
/** How long a client waits before it tries again, and a sender between two messages. */
const PAUSE_MS = 10;
const DRAIN_MS = 60_000;

const pause = (): Promise<void> => sleep(systemClock, PAUSE_MS);

async function startRelay(folder: string, port: number): Promise<ParleyProcess> {
  const relay = new ParleyProcess(['relay', 'start', '--port', String(port)], { folder });
  await relay.printed(/^The relay is running: /m);
  return relay;
}

/** Sends one message after the other, each until the relay has accepted it; what was accepted is noted. */
async function produce(client: RelayClient, name: string, accepted: Set<string>, signal: AbortSignal): Promise<void> {
  for (let n = 0; !signal.aborted; n++) {
    const id = `${name}-${n}`;
    const message = parseMessageV2(wireMessage(name, RECIPIENT, { id }));
    if (!message.ok) throw message.error;
    while (!accepted.has(id) && !signal.aborted) {
      await client.send(message.value).then(() => accepted.add(id), pause);
    }
    await pause();
  }
}

/** Takes messages out and acks them; what was received is noted before. */
async function consume(client: RelayClient, received: Set<string>, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      for (const { id, token } of await client.poll({ limit: 3, leaseSeconds: 2, waitSeconds: 1 }, signal)) {
        if (id === null) throw new Error('a message without an id');
        received.add(id);
        await client.ack(id, token);
      }
    } catch {
      await pause();
    }
  }
}

/** How what was sent stands, by the id of the message. */
function standing(db: Database): Map<string, string> {
  const rows = db
    .prepare<{ id: string; status: string }>('SELECT id, status FROM messages WHERE to_agent = ?')
    .all(RECIPIENT);
  return new Map(rows.map(({ id, status }) => [id, status]));
}

describe('a relay that is killed', () => {
  it(
    `[REL-02] [REL-04] loses nothing that it has accepted over ${FAULT_SCALE.relayKills} × kill -9 under load`,
    async () => {
      const { path: folder, remove } = temporaryFolder();
      const port = await freePort();
      const random = seededRandom(FAULT_SEED);
      const db = new Database(join(folder, 'data/coordination.db'));
      const secrets = new SqliteRelaySecrets(db);
      const clientOf = async (agent: string): Promise<RelayClient> =>
        new RelayClient(
          { url: `http://127.0.0.1:${port}`, agent, secret: await secrets.replace(agentId(agent), 0) },
          { clock: systemClock },
        );
      const [sending, receiving] = [new AbortController(), new AbortController()];
      const [accepted, received] = [new Set<string>(), new Set<string>()];
      const consumer = consume(await clientOf(RECIPIENT), received, receiving.signal);
      const producers: Promise<void>[] = [];
      for (const name of SENDERS) producers.push(produce(await clientOf(name), name, accepted, sending.signal));

      let relay = await startRelay(folder, port);
      for (let kills = 0; kills < FAULT_SCALE.relayKills; kills++) {
        await sleep(systemClock, wholeNumber(random, 20, 400));
        expect(relay.isRunning, relay.errors).toBe(true);
        await relay.kill();
        relay = await startRelay(folder, port);
      }
      sending.abort();
      await Promise.all(producers);
      const open = (): boolean =>
        [...standing(db).values()].some((status) => status === 'queued' || status === 'leased');
      const deadline = Date.now() + DRAIN_MS;
      while (open() && Date.now() < deadline) await sleep(systemClock, 100);
      receiving.abort();
      await consumer;
      relay.signal('SIGTERM');
      expect((await relay.ended).code).toBe(0);

      const stored = standing(db);
      const told = `seed ${FAULT_SEED}`;
      expect(accepted.size, told).toBeGreaterThan(FAULT_SCALE.relayKills);
      expect(
        [...accepted].filter((id) => !stored.has(id)),
        `accepted, and lost; ${told}`,
      ).toEqual([]);
      // A dead letter is not lost: its answers fell into three kills.
      const neverReceived = [...stored].filter(([id, status]) => status !== 'failed' && !received.has(id));
      expect(neverReceived, `never received; ${told}`).toEqual([]);
      expect(db.checkIntegrity()).toBe('ok');
      console.log(`${FAULT_SCALE.relayKills} kills, ${accepted.size} accepted, ${received.size} received, none lost`);
      await db.close();
      remove();
    },
    30 * 60_000,
  );
});
