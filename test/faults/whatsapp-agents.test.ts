import type { FixtureResponse } from '@copilotkit/aimock';
import { LLMock } from '@copilotkit/aimock';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Network, type Question, questionOf, toolCall, writeAgentFolder } from '../support/agent-network.ts';
import { DaemonProcess } from '../support/daemon-process.ts';
import { ParleyProcess } from '../support/process.ts';
import { temporaryFolder } from '../support/spool.ts';
import { connectPerson } from '../support/whatsapp-person.ts';
import { startWhatsAppServer, type WhatsAppServer } from '../support/whatsapp-server/server.ts';
import { DatabaseFile } from './database-file.ts';

const ATLAS = '15550001';
const NOVA = '15550002';
const HUMAN = '15550003';

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
    using novas = new DatabaseFile(`${network.folder}/nova/data/own.db`);
    expect(novas.audit()).toEqual([]);
    expect(novas.deliveries().filter(({ subject }) => subject === 'group')).toHaveLength(2);
  });
});
