import type { FixtureResponse } from '@copilotkit/aimock';
import { LLMock } from '@copilotkit/aimock';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Network, type Question, questionOf, toolCall, writeAgentFolder } from '../support/agent-network.ts';
import { DaemonProcess } from '../support/daemon-process.ts';
import { ParleyProcess } from '../support/process.ts';
import { temporaryFolder } from '../support/spool.ts';
import { connectPerson } from '../support/whatsapp-person.ts';
import { startWhatsAppServer, type WhatsAppServer } from '../support/whatsapp-server/server.ts';
import { DatabaseFile, unsettledIn } from './database-file.ts';

const ATLAS = '15550001';
const NOVA = '15550002';
const HUMAN = '15550003';

/** Agents that meet, and answers that are given, take seconds. */
const WITHIN = { timeout: 20_000 };

const models = new LLMock({ port: 0 });
let network: Network & { remove(): void };
let server: WhatsAppServer;

beforeAll(() => models.start());
afterAll(() => models.stop());
beforeEach(async () => {
  const { path, remove } = temporaryFolder();
  network = { folder: path, remove, modelUrl: `${models.url}/v1` };
  server = await startWhatsAppServer();
});
afterEach(async () => {
  await server.stop();
  models.reset();
  network.remove();
});

/** In a group of people each says who it is, and whether it has heard the other. */
function answerInGroup({ agent, text }: Question): FixtureResponse {
  const other = agent === 'Nova' ? 'Atlas' : 'Nova';
  return { content: text.includes(`\n${other}: ${other} here`) ? `${agent} has heard ${other}.` : `${agent} here.` };
}

/** Atlas does what the guide has it do; Nova has something to say. */
function answer({ agent, text }: Question): FixtureResponse {
  if (agent === 'Nova') {
    if (text.startsWith('[group ')) return { content: `Surface codes, says Nova in ${/round \d/.exec(text)?.[0]}.` };
    return { content: 'Nova is here.' };
  }
  if (text.startsWith('Create a research group'))
    return toolCall('create_group', { name: 'Research Team', members: [] });
  if (text.startsWith('Add the agent at')) {
    return toolCall('add_member', { group: 'Research Team', member: 'Nova', phone: `+${NOVA}` });
  }
  if (text.startsWith('Research quantum')) {
    return toolCall('group_message', { group: 'Research Team', text: 'What of quantum error correction?' });
  }
  if (text.startsWith('[close the discussion')) {
    return { content: `Together: ${/Nova: (Surface codes[^.]*\.)/.exec(text)?.[1] ?? 'nothing'}` };
  }
  return { content: 'Done.' };
}

/** The `.env` of the guide, with a number of its own and a database of its own. */
function folderOf(name: string, changes: Readonly<Record<string, string>> = {}): string {
  return writeAgentFolder(network, name, {
    PLATFORM: 'whatsapp',
    WHATSAPP_MODE: 'baileys',
    WHATSAPP_WEB_URL: server.url,
    WHATSAPP_WEB_ROOT_KEY: server.rootKey,
    WHATSAPP_DEBOUNCE_MS: '100',
    AGENT_COMM_DB_PATH: './data/own.db',
    ADMIN_LIST: `+${HUMAN}`,
    SECURITY_ALLOWLIST: `+${HUMAN}`,
    ...changes,
  });
}

const NOVA_IS_ANTHROPIC = (): Readonly<Record<string, string>> => ({
  AI_PROVIDER: 'anthropic',
  ANTHROPIC_API_KEY: 'not-a-key',
  ANTHROPIC_BASE_URL: network.modelUrl,
});

/** As somebody does who has the terminal and the phone before them. */
async function pair(folder: string, number: string): Promise<void> {
  const process = new ParleyProcess(['pair', '--json'], { folder });
  const [, qr = ''] = await process.printed(/"qr":"([^"]+)"/);
  await server.scan(qr, number);
  expect((await process.ended).code).toBe(0);
}

async function startPaired(
  name: string,
  number: string,
  changes: Readonly<Record<string, string>> = {},
): Promise<DaemonProcess> {
  const folder = folderOf(name, changes);
  await pair(folder, number);
  return DaemonProcess.start({ folder });
}

const databaseOf = (name: string): string => `${network.folder}/${name}/data/own.db`;

function knows(name: string, other: string): boolean {
  using file = new DatabaseFile(databaseOf(name));
  return file.agents().includes(other);
}

/** How many messages of others an agent has received in a group. */
function heardIn(name: string, group: string): number {
  using file = new DatabaseFile(databaseOf(name));
  return file.heardOnWhatsApp(group);
}

describe('two agents and a human, each with a number of their own on WhatsApp', () => {
  it('[RUN-02] [WHA-05] [WHA-06] [GRP-02] [GRP-03] the multi-agent message of the guide happens', async () => {
    models.addFixture({ match: {}, response: (request) => answer(questionOf(request)) });
    await using _atlas = await startPaired('Atlas', ATLAS);
    await using _nova = await startPaired('Nova', NOVA, NOVA_IS_ANTHROPIC());
    await using human = await connectPerson(server, HUMAN, 'Human');

    await human.say(ATLAS, 'Create a research group with Atlas');
    await human.heard('Done.');
    await human.say(ATLAS, `Add the agent at +${NOVA} with name Nova to the Research Team group`);
    await human.heard('Nova has answered, and is in Research Team now.');
    await human.say(ATLAS, 'Research quantum error correction');
    await human.waitFor(
      () => human.messages.some(({ text }) => text.startsWith('Together: Surface codes')),
      'the summary',
    );

    const texts = human.messages.map(({ text }) => text);
    expect(texts.filter((text) => text.startsWith('Together:'))).toHaveLength(1);
    // Nobody but agents sees an envelope.
    expect(texts.filter((text) => text.includes('ai-comms'))).toEqual([]);
    using novas = new DatabaseFile(databaseOf('nova'));
    expect(novas.audit()).toEqual([]);
    expect(novas.deliveries().filter(({ subject }) => subject === 'group')).toHaveLength(2);
  });

  it('[GRP-04] [BRD-05] [TRC-02] [WHA-05] in a group of WhatsApp both answer people, once, and hear each other', async () => {
    const asked: Question[] = [];
    models.addFixture({
      match: {},
      response: (request) => {
        const question = questionOf(request);
        asked.push(question);
        return answerInGroup(question);
      },
    });
    // Nobody is kept out, and both answer whatever is said: only that they know each other keeps them from going on for ever.
    const open = { SECURITY_ALLOWLIST: '', WHATSAPP_GROUPS: 'all', WHATSAPP_GROUP_ACTIVATION: 'always' };
    await using _atlas = await startPaired('Atlas', ATLAS, { ...open, AGENT_PEERS: `+${NOVA}` });
    await using _nova = await startPaired('Nova', NOVA, { ...open, ...NOVA_IS_ANTHROPIC(), AGENT_PEERS: `+${ATLAS}` });
    await using human = await connectPerson(server, HUMAN, 'Human');
    await expect.poll(() => [knows('atlas', 'nova_001'), knows('nova', 'atlas_001')], WITHIN).toEqual([true, true]);

    const group = server.createGroup('Team', [HUMAN, ATLAS, NOVA]).id;
    const answers: string[] = [];
    const said = (): readonly string[] => human.messages.filter(({ chat }) => chat === group).map(({ text }) => text);
    for (const [index, [text, ...expected]] of [
      ['Who is there?', 'Atlas here.', 'Nova here.'],
      ['And who is with you?', 'Atlas has heard Nova.', 'Nova has heard Atlas.'],
      ['Goodbye.', 'Atlas here.', 'Nova here.'],
    ].entries()) {
      await human.say(group, text ?? '');
      answers.push(...expected);
      await human.waitFor(() => said().length >= answers.length, `has ${answers.length} answers`);
      expect([...said()].sort()).toEqual([...answers].sort());
      // Of the human and of the other agent, in each round one. What an agent answers is decided when it has been received.
      const heard = 2 * (index + 1);
      await expect.poll(() => [heardIn('atlas', group), heardIn('nova', group)], WITHIN).toEqual([heard, heard]);
    }
    await expect
      .poll(() => [unsettledIn(databaseOf('atlas')), unsettledIn(databaseOf('nova'))], WITHIN)
      .toEqual([[], []]);
    expect(said()).toHaveLength(answers.length);

    // Who is mentioned, and what is answered, is told to the model by name.
    const answered = human.messages.find(({ chat, text }) => chat === group && text === 'Atlas here.');
    await human.say(group, `@${ATLAS} and @${HUMAN}, was it that?`, {
      mentions: [ATLAS, HUMAN],
      quoted: answered?.id ?? '',
    });
    const toldTo = (name: string): string | undefined =>
      asked.findLast(({ agent, text }) => agent === name && text.endsWith('was it that?'))?.text;
    await expect
      .poll(() => toldTo('Atlas'), WITHIN)
      .toContain('[in answer to Atlas: Atlas here.]\n@Atlas and @Human, was');
    await expect
      .poll(() => toldTo('Nova'), WITHIN)
      .toContain(`[in answer to +${ATLAS}: Atlas here.]\n@${ATLAS} and @Human, was`);
  });
});
