import { join } from 'node:path';
import { LLMock } from '@copilotkit/aimock';
import { describe, expect, it } from 'vitest';
import { openCoordinator } from '../../src/coordinator/open.ts';
import { writeAgentFolder } from '../support/agent-network.ts';
import { DaemonProcess } from '../support/daemon-process.ts';
import { HttpFaultProxy, WebSocketFaultProxy } from '../support/fault-proxy.ts';
import { FAULT_SCALE, FAULT_SEED } from '../support/fault-scale.ts';
import { HubProcess } from '../support/hub-process.ts';
import { seededRandom } from '../support/random.ts';
import { temporaryFolder } from '../support/spool.ts';

const CONVERSATIONS = FAULT_SCALE.hubConversations;
const TASKS = FAULT_SCALE.hubTasks;
const BAD_NETWORK = {
  rates: { cut: 0.03, unanswered: 0.03, delayed: 0.1, twice: 0.05, reordered: 0.02 },
  mostDelayMs: 200,
};
const HUB_SECRET = 'a secret that the hub of the tests has';
/** How long the next answer may take, once the network has been as bad as it gets. */
const PATIENCE_MS = 60_000;

/** What was asked, by conversation, in order. */
function byConversation(texts: readonly string[]): Record<string, number[]> {
  const asked: Record<string, number[]> = {};
  for (const text of texts) {
    const [, conversation = '', n = ''] = /(conv-\d+) number (\d+)/.exec(text) ?? [];
    asked[conversation] = [...(asked[conversation] ?? []), Number(n)];
  }
  return asked;
}

const IN_ORDER = Object.fromEntries(
  Array.from({ length: CONVERSATIONS }, (_, c) => [`conv-${c}`, Array.from({ length: TASKS }, (_, n) => n)]),
);

describe('two machines, with a hub between them', () => {
  it(
    '[HUB-05] [HUB-07] [SEC-05] over a bad network, each task is done once and answered once, in the order of its conversation',
    async () => {
      await using opened = new AsyncDisposableStack();
      const { path: folder, remove } = temporaryFolder();
      opened.defer(remove);
      const models = new LLMock({ port: 0 });
      await models.start();
      opened.defer(async () => void (await models.stop()));
      const asked: string[] = [];
      models.addFixture({
        match: {},
        response: ({ messages }) => {
          const text = String(messages.at(-1)?.content ?? '');
          asked.push(text);
          return { content: `did ${/conv-\d+ number \d+/.exec(text)?.[0]}` };
        },
      });

      const random = seededRandom(FAULT_SEED);
      const hub = opened.use(
        await HubProcess.start({ folder, flags: ['--db', join(folder, 'hub.db')], env: { HUB_SECRET } }),
      );
      const target = hub.url.replace(/\/$/, '');
      const requests = opened.use(await HttpFaultProxy.open({ ...BAD_NETWORK, target, random }));
      const frames = opened.use(await WebSocketFaultProxy.open({ ...BAD_NETWORK, target, random }));
      const machine = (name: string, url: string): Promise<DaemonProcess> =>
        DaemonProcess.start({
          folder: writeAgentFolder({ folder, modelUrl: `${models.url}/v1` }, name, {
            AGENT_COMM_DB_PATH: './data/coordination.db',
            AGENT_HUB_URL: url,
            AGENT_HUB_SECRET: HUB_SECRET,
          }),
        });
      opened.use(await machine('Bob', frames.url));
      opened.use(await machine('Alice', requests.url));

      const coordinator = openCoordinator({ projectRoot: join(folder, 'alice') });
      opened.defer(() => coordinator.close());
      const register = (id: string, transport: string) =>
        coordinator.registry.register({ id, capabilities: [], device: 'test', transport });
      await register('driver', 'sqlite');
      // An agent that was found on the hub, and takes tasks.
      await register('bob_001', 'hub');

      const told: string[] = [];
      const stop = new AbortController();
      const hearing = (async () => {
        let patience = setTimeout(() => stop.abort(), PATIENCE_MS);
        for await (const { message, ack } of coordinator.consume('driver', { signal: stop.signal })) {
          clearTimeout(patience);
          told.push(message.body);
          await ack();
          if (told.length === CONVERSATIONS * TASKS) break;
          patience = setTimeout(() => stop.abort(), PATIENCE_MS);
        }
        clearTimeout(patience);
      })();
      for (let n = 0; n < TASKS; n++) {
        for (let c = 0; c < CONVERSATIONS; c++) {
          const conversation_id = `conv-${c}`;
          const body = `conv-${c} number ${n}`;
          await coordinator.send({ from: 'driver', to: 'bob_001', body, routing: { conversation_id } });
        }
      }
      await hearing;
      const said = `seed ${FAULT_SEED}; ${JSON.stringify([requests.counts, frames.counts])}`;
      console.log(said);
      expect(byConversation(asked), said).toEqual(IN_ORDER);
      expect(byConversation(told), said).toEqual(IN_ORDER);
    },
    10 * 60_000,
  );
});
