import type { FixtureResponse } from '@copilotkit/aimock';
import { LLMock } from '@copilotkit/aimock';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Network, questionOf, writeAgentFolder } from '../support/agent-network.ts';
import { DaemonProcess } from '../support/daemon-process.ts';
import { FAULT_SCALE } from '../support/fault-scale.ts';
import { ParleyProcess } from '../support/process.ts';
import { temporaryFolder } from '../support/spool.ts';
import { connectPerson, type WhatsAppPerson } from '../support/whatsapp-person.ts';
import type { ServerEvent } from '../support/whatsapp-server/events.ts';
import { startWhatsAppServer, type WhatsAppServer } from '../support/whatsapp-server/server.ts';
import { DatabaseFile } from './database-file.ts';

const ATLAS = '15550001';
const HUMAN = '15550003';
const QUEUED = 20;

/** Where a life ends, as it is seen from outside: what happens at the server or the model kills the process before anything else goes on. */
const BOUNDARIES = {
  'handed over, not yet stored': { type: 'delivered' },
  'stored, its receipt sent': { type: 'receipt' },
  'being thought about': 'asked',
  'thought about, not yet said': 'answered',
  'said, not yet acknowledged': { type: 'message' },
  'acknowledged, not yet settled': { type: 'acknowledged' },
} as const satisfies Record<string, { type: ServerEvent['type'] } | 'asked' | 'answered'>;

const models = new LLMock({ port: 0 });
beforeAll(() => models.start());
afterAll(() => models.stop());

/** What the model tells of: it was asked, it has answered. */
type ModelEvent = 'asked' | 'answered';
const listeners = new Set<(event: ModelEvent) => void>();
const tell = (event: ModelEvent): void => {
  for (const listener of [...listeners]) listener(event);
};

async function pairedFolder(network: Network, server: WhatsAppServer): Promise<string> {
  const folder = writeAgentFolder(network, 'Atlas', {
    PLATFORM: 'whatsapp',
    WHATSAPP_WEB_URL: server.url,
    WHATSAPP_WEB_ROOT_KEY: server.rootKey,
    // Each message is to have an answer of its own.
    WHATSAPP_DEBOUNCE_MS: '0',
    SECURITY_ENABLE_RATE_LIMIT: 'false',
    AGENT_COMM_LEASE_SECONDS: '5',
  });
  const pairing = new ParleyProcess(['pair', '--json'], { folder });
  const [, qr = ''] = await pairing.printed(/"qr":"([^"]+)"/);
  await server.scan(qr, ATLAS);
  expect((await pairing.ended).code).toBe(0);
  return folder;
}

/** Starts the agent and kills it at the boundary; when it does not come to that in time, there was nothing left to do. */
async function liveUntil(
  boundary: keyof typeof BOUNDARIES,
  folder: string,
  server: WhatsAppServer,
  after: number,
): Promise<boolean> {
  await using atlas = await DaemonProcess.start({ folder });
  const end = BOUNDARIES[boundary];
  let left = after;
  const reached = Promise.withResolvers<void>();
  const strike = (): void => {
    if (left-- > 0) return;
    atlas.process.signal('SIGKILL');
    reached.resolve();
  };
  const off = server.on((event) => {
    if (typeof end === 'object' && event.type === end.type && event.number === ATLAS) strike();
  });
  const onModel = (event: ModelEvent): void => void (event === end && strike());
  listeners.add(onModel);
  try {
    const tooLate = AbortSignal.timeout(5_000);
    await Promise.race([
      reached.promise,
      new Promise<void>((resolve) => tooLate.addEventListener('abort', () => resolve())),
    ]);
    return !tooLate.aborted;
  } finally {
    off();
    listeners.delete(onModel);
  }
}

/** How many messages a person has heard: a copy of one has its id. */
const heard = ({ messages }: WhatsAppPerson): number => new Set(messages.map(({ id }) => id)).size;

/** As long as one more comes in time, it goes on: the agent does not write faster than a person reads. */
async function heardAll(person: WhatsAppPerson, count: number): Promise<void> {
  for (let before = heard(person); before < count; before = heard(person)) {
    await person.waitFor(() => heard(person) > before, `hears more than ${before} of ${count} answers`);
  }
}

describe('an agent on WhatsApp that is killed', () => {
  it(
    '[WHA-03] [WHA-04] [RUN-04] at every boundary, answers each of the messages that waited for it exactly once',
    async () => {
      models.addFixture({
        match: {},
        response: (request): FixtureResponse => {
          tell('asked');
          setImmediate(() => tell('answered'));
          return { content: `answer to ${questionOf(request).text.trim()}` };
        },
      });
      const { path, remove } = temporaryFolder();
      const server = await startWhatsAppServer();
      const folder = await pairedFolder({ folder: path, modelUrl: `${models.url}/v1` }, server);
      await using human = await connectPerson(server, HUMAN, 'Human');
      const boundaries = Object.keys(BOUNDARIES) as (keyof typeof BOUNDARIES)[];
      const said: string[] = [];
      let kills = 0;
      for (let batch = 0; kills < FAULT_SCALE.whatsAppBoundaryKills; batch++) {
        for (let i = 0; i < QUEUED; i++) {
          const text = `question ${batch}-${i}`;
          said.push(text);
          await human.say(ATLAS, text);
        }
        for (const [index, boundary] of boundaries.entries()) {
          // Not always at the first: in the middle of the queue, too.
          if (await liveUntil(boundary, folder, server, (batch + index) % 3)) kills++;
        }
        await using _rest = await DaemonProcess.start({ folder });
        await heardAll(human, said.length);
      }
      const ids = new Map(human.messages.map(({ id, text }) => [id, text]));
      expect([...ids.values()].sort()).toEqual(said.map((text) => `answer to ${text}`).sort());
      using file = new DatabaseFile(`${path}/coordination.db`);
      expect(file.audit()).toEqual([]);
      await server.stop();
      remove();
    },
    60_000 + FAULT_SCALE.whatsAppBoundaryKills * 6_000,
  );
});
