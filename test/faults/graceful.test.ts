import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { LLMock } from '@copilotkit/aimock';
import { afterEach, describe, expect, it } from 'vitest';
import { agentIdOf, databaseOf, type Network, writeAgentFolder } from '../support/agent-network.ts';
import { addressOf, DaemonProcess, launchDaemon } from '../support/daemon-process.ts';
import { FAULT_SCALE, FAULT_SEED } from '../support/fault-scale.ts';
import { Phone } from '../support/phone.ts';
import type { Exit, ParleyProcess } from '../support/process.ts';
import { seededRandom, wholeNumber } from '../support/random.ts';
import { temporaryFolder } from '../support/spool.ts';
import { DatabaseFile, unsettledIn } from './database-file.ts';
import { DemoConversation, expectWholeConversation } from './demo-conversation.ts';
import { expectExactlyOnce } from './expect-exactly-once.ts';
import { talkUntil } from './interruption.ts';

const DONE: Exit = { code: 0, signal: null };

let stack = new AsyncDisposableStack();
afterEach(async () => {
  await stack.disposeAsync();
  stack = new AsyncDisposableStack();
});

function newFolder(): string {
  const { path, remove } = temporaryFolder();
  stack.defer(remove);
  return path;
}

/** A daemon is stopped by signals until the conversation comes to its end in spite of them. */
async function converse(signal: NodeJS.Signals, random: () => number): Promise<number> {
  const folder = newFolder();
  const database = join(folder, 'data', 'coordination.db');
  const conversation = new DemoConversation();
  for (let stops = 0; ; stops++) {
    await using daemon = launchDaemon({ folder });
    const moment = { after: 'events', count: wholeNumber(random, 1, 60) } as const;
    if ((await talkUntil(moment, signal, daemon, conversation)) !== null) {
      expect(await daemon.ended, daemon.errors).toEqual(DONE);
      using file = new DatabaseFile(database);
      expect(file.deliveries().filter(({ status }) => status === 'leased')).toEqual([]);
      continue;
    }
    await expect.poll(() => unsettledIn(database), { timeout: 20_000 }).toEqual([]);
    expectWholeConversation((await new Phone(await addressOf(daemon)).state()).messages);
    daemon.signal(signal);
    expect(await daemon.ended, daemon.errors).toEqual(DONE);
    expectExactlyOnce(database);
    using file = new DatabaseFile(database);
    // What was in hand was finished each time: nothing had to be done again.
    expect(file.deliveries().filter(({ attempts }) => attempts !== 1)).toEqual([]);
    return stops;
  }
}

/** A daemon with an agent whose model does not answer the first request; resolves when that has come. */
async function startThinking(): Promise<{ daemon: DaemonProcess; network: Network }> {
  const models = new LLMock({ port: 0 });
  const thinking = Promise.withResolvers<void>();
  models.addFixture({
    match: { sequenceIndex: 0 },
    response: () => {
      thinking.resolve();
      return new Promise(() => undefined);
    },
  });
  models.addFixture({ match: {}, response: { content: 'Hello!' } });
  await models.start();
  stack.defer(() => models.stop());
  const network = { folder: newFolder(), modelUrl: `${models.url}/v1` };
  const daemon = stack.use(await DaemonProcess.start({ folder: writeAgentFolder(network, 'Atlas') }));
  await new Phone(daemon.url).say({ id: 'hello', account: agentIdOf('Atlas'), text: 'Hello' });
  await thinking.promise;
  return { daemon, network };
}

/** Resolves when it has said that it is stopping. */
async function beginToStop(daemon: ParleyProcess, signal: NodeJS.Signals): Promise<void> {
  daemon.signal(signal);
  await daemon.printed(/^Stopping: /m);
}

describe('a daemon that is asked to stop', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)(
    `[RUN-04] by %s in the middle of a conversation finishes what is in hand, and the next one goes on (${FAULT_SCALE.stops} times)`,
    { timeout: FAULT_SCALE.stops * 30_000 },
    async (signal) => {
      const random = seededRandom(FAULT_SEED);
      for (let stops = 0; stops < FAULT_SCALE.stops; ) stops += await converse(signal, random);
    },
  );

  it('[RUN-04] twice ends at once, and what was in hand is done by the next one, once', async () => {
    const { daemon, network } = await startThinking();
    await beginToStop(daemon.process, 'SIGINT');
    daemon.process.signal('SIGINT');
    expect(await daemon.process.ended).toEqual({ code: 130, signal: null });
    await using next = await DaemonProcess.start({ folder: writeAgentFolder(network, 'Atlas') });
    const messages = await new Phone(next.url).until((all) => all.length > 1);
    expect(messages.map(({ text }) => text)).toEqual(['Hello', 'Hello!']);
  });

  it('[RUN-04] while a model does not answer gives that up after a while, and the next one asks again', async () => {
    const { daemon, network } = await startThinking();
    expect(await daemon.stop()).toBe(0);
    await using next = await DaemonProcess.start({ folder: writeAgentFolder(network, 'Atlas') });
    const messages = await new Phone(next.url).until((all) => all.length > 1);
    expect(messages.map(({ text }) => text)).toEqual(['Hello', 'Hello!']);
    await expect.poll(() => unsettledIn(databaseOf(network))).toEqual([]);
    using file = new DatabaseFile(databaseOf(network));
    // It was not the message's fault.
    expect(file.deliveries().find(({ payload_type }) => payload_type === 'chat.in')).toMatchObject({ attempts: 1 });
  });

  it('[RUN-04] does not wait for a connection on which nothing is asked, as browsers open them in advance', {
    timeout: 20_000,
  }, async () => {
    await using daemon = await DaemonProcess.start({ folder: newFolder() });
    const socket = connect(daemon.port, '127.0.0.1');
    await once(socket, 'connect');
    // It has been accepted, too, when one that came later has been answered.
    await fetch(new URL('/health', daemon.url));
    expect(await daemon.stop()).toBe(0);
    socket.destroy();
  });
});
