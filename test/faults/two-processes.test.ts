import type { FixtureResponse } from '@copilotkit/aimock';
import { LLMock } from '@copilotkit/aimock';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Bubble } from '../../src/channels/local/wire.ts';
import {
  agentIdOf,
  databaseOf,
  type Network,
  type Question,
  questionOf,
  toolCall,
  writeAgentFolder,
} from '../support/agent-network.ts';
import { DaemonProcess } from '../support/daemon-process.ts';
import { Phone } from '../support/phone.ts';
import { temporaryFolder } from '../support/spool.ts';
import { DatabaseFile, unsettledIn } from './database-file.ts';

const models = new LLMock({ port: 0 });
let network: Network & { remove(): void };

beforeAll(() => models.start());
afterAll(() => models.stop());
beforeEach(() => {
  const { path, remove } = temporaryFolder();
  network = { folder: path, remove, modelUrl: `${models.url}/v1` };
});
afterEach(() => {
  models.reset();
  network.remove();
});

const ANSWER = 'Six times seven is 42.';

/** Atlas asks Nova what it is told to ask her, and passes her answer on. */
function answer({ agent, text }: Question): FixtureResponse {
  if (agent === 'Nova') return { content: text.startsWith('[message from Atlas]') ? ANSWER : 'Nova is here.' };
  if (text.startsWith('Ask Nova'))
    return toolCall('message_agent', { agent: 'Nova', text: 'What is six times seven?' });
  if (text.startsWith('[reply from Nova]')) return { content: `Nova says: ${text.slice(text.indexOf('\n') + 1)}` };
  return { content: text === '' ? 'I have asked her.' : 'Atlas is here.' };
}

async function start(name: string, changes: Readonly<Record<string, string>> = {}): Promise<DaemonProcess> {
  return await DaemonProcess.start({ folder: writeAgentFolder(network, name, changes) });
}

const ask = (phone: Phone) => phone.say({ id: 'ask', account: agentIdOf('Atlas'), text: 'Ask Nova what 6 × 7 is.' });
const says =
  (text: string) =>
  (messages: readonly Bubble[]): boolean =>
    messages.some((bubble) => bubble.text === text);

describe('two daemons on one database', () => {
  it('[RUN-02] [DSC-01] get to know each other, and one answers what a person asks it through the other', async () => {
    models.addFixture({ match: {}, response: (request) => answer(questionOf(request)) });
    await using atlas = await start('Atlas');
    await using nova = await start('Nova');
    const phone = new Phone(atlas.url);
    expect(await ask(phone)).toMatchObject({ status: 202 });
    const messages = await phone.until(says(`Nova says: ${ANSWER}`));
    expect(messages.map(({ text }) => text)).toEqual([
      'Ask Nova what 6 × 7 is.',
      'I have asked her.',
      `Nova says: ${ANSWER}`,
    ]);
    // Each has a phone of its own: what is said to Atlas is not on Nova's page.
    expect((await new Phone(nova.url).state()).messages).toEqual([]);
    await expect.poll(() => unsettledIn(databaseOf(network))).toEqual([]);
    using file = new DatabaseFile(databaseOf(network));
    expect(file.deliveries().map(({ subject, to_agent }) => `${subject} ${to_agent}`)).toEqual(
      expect.arrayContaining(['announce atlas_001', 'identity nova_001', 'chat nova_001', 'reply atlas_001']),
    );
    expect(file.audit()).toEqual([]);
  });

  it('[RUN-02] [RUN-04] [SPL-06] an agent that is killed while it thinks answers when it is back, once', async () => {
    const thinking = Promise.withResolvers<void>();
    models.addFixture({
      match: { predicate: (request) => questionOf(request).agent === 'Nova', sequenceIndex: 0 },
      response: () => {
        thinking.resolve();
        return new Promise(() => undefined);
      },
    });
    models.addFixture({ match: {}, response: (request) => answer(questionOf(request)) });
    await using atlas = await start('Atlas');
    const phone = new Phone(atlas.url);
    {
      await using nova = await start('Nova');
      await ask(phone);
      await thinking.promise;
      await nova.kill();
    }
    await using _nova = await start('Nova');
    await phone.until(says(`Nova says: ${ANSWER}`));
    await expect.poll(() => unsettledIn(databaseOf(network))).toEqual([]);
    const { messages } = await phone.state();
    expect(messages.filter(({ text }) => text === `Nova says: ${ANSWER}`)).toHaveLength(1);
    using file = new DatabaseFile(databaseOf(network));
    expect(file.deliveries().filter(({ subject }) => subject === 'reply')).toHaveLength(1);
    expect(file.deliveries().find(({ subject }) => subject === 'chat')).toMatchObject({ attempts: 2 });
  });

  it('[RUN-02] [PRO-02] an agent with another secret is not believed and believes nobody; both go on working', async () => {
    models.addFixture({ match: {}, response: (request) => answer(questionOf(request)) });
    await using atlas = await start('Atlas');
    await using nova = await start('Nova', { SECURITY_AGENT_SECRET: 'a secret that nobody else has, only Nova' });
    const phone = new Phone(atlas.url);
    await ask(phone);
    await phone.until(says('I have asked her.'));
    await expect.poll(() => unsettledIn(databaseOf(network))).toEqual([]);
    using file = new DatabaseFile(databaseOf(network));
    expect(file.audit()).toEqual([
      { kind: 'envelope.refused', actor: 'agent:nova_001', detail: expect.stringContaining('bad-signature') },
      { kind: 'envelope.refused', actor: 'agent:atlas_001', detail: expect.stringContaining('bad-signature') },
    ]);
    await phone.say({ id: 'hello', account: agentIdOf('Atlas'), text: 'Hello' });
    await phone.until(says('Atlas is here.'));
    const novasPhone = new Phone(nova.url);
    await novasPhone.say({ id: 'hello-nova', account: agentIdOf('Nova'), text: 'Hello' });
    await novasPhone.until(says('Nova is here.'));
    expect(await phone.until(says('Atlas is here.'))).not.toContainEqual(
      expect.objectContaining({ text: `Nova says: ${ANSWER}` }),
    );
  });
});
