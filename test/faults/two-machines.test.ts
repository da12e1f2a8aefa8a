import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Coordinator } from '../../src/coordinator/coordinator.ts';
import { openCoordinator } from '../../src/coordinator/open.ts';
import { agentId } from '../../src/domain/addresses.ts';
import { Database } from '../../src/spool/sqlite/database.ts';
import { SqliteRelaySecrets } from '../../src/store/relay-secrets.ts';
import { HttpFaultProxy } from '../support/fault-proxy.ts';
import { FAULT_SCALE, FAULT_SEED } from '../support/fault-scale.ts';
import { ParleyProcess } from '../support/process.ts';
import { seededRandom } from '../support/random.ts';
import { temporaryFolder } from '../support/spool.ts';

const { conversations: CONVERSATIONS, conversationMessages: MESSAGES } = FAULT_SCALE;
const AGENTS = ['alice', 'bob'] as const;
type Agent = (typeof AGENTS)[number];

const BAD_NETWORK = {
  rates: { cut: 0.02, unanswered: 0.02, delayed: 0.1, twice: 0.03, reordered: 0.02 },
  mostDelayMs: 200,
};
/** How long it may take until the last message has come, once all are sent. */
const DRAIN_MS = FAULT_SCALE.drainSeconds * 1000;

/** A machine with one agent: a folder with a database of its own. */
interface Machine extends AsyncDisposable {
  readonly agent: Agent;
  readonly folder: string;
  readonly coordinator: Coordinator;
}

/** What carries messages between machines: processes of its own, and a bad network between them. */
interface Network extends AsyncDisposable {
  machine(agent: Agent): Promise<Machine>;
  /** What it did. */
  readonly counts: object;
}

/** Both machines have their mailboxes on a relay, as in docs/guides/relay.md. */
async function relayNetwork(random: () => number): Promise<Network> {
  await using opened = new AsyncDisposableStack();
  const { path: folder, remove } = temporaryFolder();
  opened.defer(remove);
  const relay = opened.use(new ParleyProcess(['relay', 'start', '--port', '0'], { folder }));
  const [, target = ''] = await relay.printed(/^The relay is running: (\S+)$/m);
  const proxy = opened.use(await HttpFaultProxy.open({ ...BAD_NETWORK, target, random }));
  const db = new Database(join(folder, 'data/coordination.db'));
  opened.defer(() => db.close());
  const secrets = new SqliteRelaySecrets(db);
  const secretOf = new Map<Agent, string>();
  for (const agent of AGENTS) secretOf.set(agent, await secrets.replace(agentId(agent), 0));
  const running = opened.move();
  return {
    counts: proxy.counts,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
    machine: async (agent) => {
      const machine = running.use(openMachine(agent, secretOf.get(agent) ?? ''));
      const { coordinator, folder } = machine;
      for (const one of AGENTS) {
        const elsewhere = { transport: 'http', metadata: { relay_url: proxy.url } };
        await coordinator.registry.register({
          id: one,
          capabilities: ['test'],
          device: one,
          ...(one !== agent && elsewhere),
        });
      }
      const env = { [`AGENT_COMM_SECRET_${agent}`]: secretOf.get(agent) ?? '' };
      const link = running.use(new ParleyProcess(['link', '--pull', `${agent}=${proxy.url}`], { folder, env }));
      await link.printed(/fetches from/);
      return machine;
    },
  };
}

function openMachine(agent: Agent, secret: string): Machine {
  const { path: folder, remove } = temporaryFolder();
  const coordinator = openCoordinator({ projectRoot: folder, relaySecret: () => secret });
  const close = async (): Promise<void> => {
    await coordinator.close();
    remove();
  };
  return { agent, folder, coordinator, [Symbol.asyncDispose]: close };
}

/** Sends one message after the other in each conversation, and all conversations at once. */
async function talk({ agent, coordinator }: Machine, to: Agent): Promise<void> {
  const converse = async (conversation_id: string): Promise<void> => {
    for (let n = 0; n < MESSAGES; n++)
      await coordinator.send({ from: agent, to, body: String(n), routing: { conversation_id } });
  };
  await Promise.all(Array.from({ length: CONVERSATIONS }, (_, number) => converse(`of-${agent}-${number}`)));
}

/** The bodies of what comes, by conversation, in the order in which they come; until all are there, or it takes too long. */
async function listen({ agent, coordinator }: Machine, signal: AbortSignal): Promise<Record<string, string[]>> {
  const heard: Record<string, string[]> = {};
  let count = 0;
  for await (const { message, ack } of coordinator.consume(agent, { signal })) {
    const { conversation_id } = message.routing;
    heard[conversation_id ?? ''] = [...(heard[conversation_id ?? ''] ?? []), message.body];
    await ack();
    if (++count === CONVERSATIONS * MESSAGES) return heard;
  }
  return heard;
}

const IN_ORDER = Array.from({ length: MESSAGES }, (_, n) => String(n));
const whole = (speaker: Agent) =>
  Object.fromEntries(Array.from({ length: CONVERSATIONS }, (_, number) => [`of-${speaker}-${number}`, IN_ORDER]));

describe.each([{ name: 'a relay', open: relayNetwork }])('two machines, with $name between them', ({ open }) => {
  it(
    `[REL-04] [SEC-05] over a bad network, ${CONVERSATIONS} conversations each way arrive whole, once, and in order`,
    async () => {
      await using network = await open(seededRandom(FAULT_SEED));
      const [a, b] = [await network.machine('alice'), await network.machine('bob')];
      const tooLate = new AbortController();
      const hearing = Promise.all([listen(a, tooLate.signal), listen(b, tooLate.signal)]);
      const begun = performance.now();
      await Promise.all([talk(a, 'bob'), talk(b, 'alice')]);
      const deadline = setTimeout(() => tooLate.abort(), DRAIN_MS);
      const [heardByAlice, heardByBob] = await hearing;
      clearTimeout(deadline);
      const told = `seed ${FAULT_SEED}; ${JSON.stringify(network.counts)}`;
      console.log(`${told}; ${Math.round(performance.now() - begun)} ms`);
      expect(heardByBob, told).toEqual(whole('alice'));
      expect(heardByAlice, told).toEqual(whole('bob'));
    },
    10 * 60_000,
  );
});
