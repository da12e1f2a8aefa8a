import { mkdirSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { FixtureResponse } from '@copilotkit/aimock';
import { LLMock } from '@copilotkit/aimock';
import Sqlite from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ATLAS, NOVA } from '../../src/daemon/config/guide-fixtures.ts';
import { headerOf } from '../../src/protocol/ai-comms-1.0.ts';
import { isJsonObject, parseJson } from '../../src/protocol/bounded-json.ts';
import { deriveKeys } from '../../src/protocol/keys.ts';
import { unseal } from '../../src/protocol/sealing.ts';
import { DatabaseFile, unsettledIn } from '../faults/database-file.ts';
import { type Question, questionOf } from '../support/agent-network.ts';
import { DaemonProcess } from '../support/daemon-process.ts';
import { serving, type TestServer } from '../support/http-server.ts';
import { Phone } from '../support/phone.ts';
import { temporaryFolder } from '../support/spool.ts';

/*
 * Atlas and Nova as the guide sets them up, each with one agent, in a conversation that is always the same. The record in
 * test/fixtures was made before an agent could be one of several on a chat: for those who have one it has to be as it was. What
 * !help says is left out, for it grows with every command.
 */

const RECORD = '../fixtures/single-agent-transcript.txt';

/** What a person says to Atlas, and what is the last to be heard of it. */
const CONVERSATION: readonly (readonly [text: string, last: string])[] = [
  ['Hello, who are you?', 'I am Atlas.'],
  ['And what did I just ask?', 'Who I am.'],
  ['Ask Nova what 6 × 7 is.', 'Nova says: 42.'],
  ['Make a group with Nova about qubits.', 'It is done.'],
  ['!groups', 'Cold (Atlas, Nova)'],
  ['Ask the group how cold a qubit has to be.', 'In short: colder than space.'],
  ['Say nothing.', 'Say nothing.'],
  ['Thank you!', 'You are welcome.'],
];

/** What the models answer: to the question that a text begins with, or after a tool. */
function answer({ agent, text: asked }: Question): FixtureResponse {
  const answers: Readonly<Record<string, Readonly<Record<string, FixtureResponse>>>> = {
    Atlas: {
      Hello: { content: 'I am Atlas.' },
      'And what': { content: 'Who I am.' },
      'Ask Nova': calling('message_agent', { agent: 'Nova', text: 'What is six times seven?' }),
      '[reply from Nova]': { content: 'Nova says: 42.' },
      'Make a group': calling('create_group', { name: 'Cold', purpose: 'qubits', members: ['Nova'] }),
      'Ask the group': calling('group_message', { group: 'Cold', text: 'How cold does a qubit have to be?' }),
      '[close the discussion': { content: 'In short: colder than space.' },
      'Say nothing': { content: 'NO_REPLY' },
      Thank: { content: 'You are welcome.' },
    },
    Nova: {
      '[message from Atlas]': { content: '42.' },
      '[group "Cold" round 1': { content: 'Fifteen millikelvin.' },
      '[group "Cold" round 2': { content: 'NO_REPLY' },
    },
  };
  const fitting = Object.entries(answers[agent] ?? {}).find(([beginning]) => asked.startsWith(beginning));
  return fitting?.[1] ?? { content: 'It is done.' };
}

const calling = (name: string, input: object): FixtureResponse => ({
  toolCalls: [{ name, arguments: JSON.stringify(input), id: `call-${name}` }],
});

const models = new LLMock({ port: 0 });
const requests: string[] = [];
let recorder: TestServer;

beforeAll(async () => {
  await models.start();
  models.addFixture({ match: {}, response: (request) => answer(questionOf(request)) });
  recorder = await serving(async (request, response) => {
    const body = await text(request);
    requests.push(`${request.url} ${body}`);
    const headers = { 'content-type': 'application/json', authorization: 'Bearer x' };
    const answered = await fetch(`${models.url}${request.url}`, { method: 'POST', headers, body });
    response.writeHead(answered.status, { 'content-type': answered.headers.get('content-type') ?? '' });
    response.end(await answered.text());
  });
});
afterAll(async () => {
  await recorder[Symbol.asyncDispose]();
  await models.stop();
});

/** The agent of this `.env` of the guide, but on the local chat, with a model of the test's. */
async function start(folder: string, env: string): Promise<DaemonProcess> {
  const name = /^AGENT_NAME=(\w+)$/m.exec(env)?.[1] ?? '';
  const own = join(folder, name);
  mkdirSync(own);
  writeFileSync(join(own, '.env'), env, { mode: 0o600 });
  const surroundings = {
    PLATFORM: 'local',
    AI_PROVIDER: 'openai',
    OPENAI_API_KEY: 'not-a-key',
    OPENAI_BASE_URL: `${recorder.url}/v1`,
    OPENAI_MODEL: 'test-model',
    AGENT_COMM_DB_PATH: join(folder, 'agents.db'),
  };
  return await DaemonProcess.start({ folder: own, env: surroundings });
}

const secretSchema = z.string().min(1);
const secretOf = (name: string): string => secretSchema.parse(new RegExp(`^${name}=(\\S+)`, 'm').exec(ATLAS)?.[1]);
const { sealing } = deriveKeys({ agentSecret: null, encryptionKey: secretOf('SECURITY_ENCRYPTION_KEY') });

/** Every message of the database, envelopes with their payload unsealed. */
function messagesIn(path: string): unknown[] {
  using sqlite = Object.assign(new Sqlite(path, { readonly: true }), {
    [Symbol.dispose]: () => sqlite.close(),
  });
  const rows = sqlite
    .prepare<[], { body: string; payload_type: string; payload: string; sender: string; recipients: string }>(
      `SELECT sender, subject, payload_type, priority, body, payload, trace,
         (SELECT group_concat(recipient, ', ' ORDER BY seq) FROM delivery d WHERE d.message = m.seq) AS recipients
       FROM message m ORDER BY seq`,
    )
    .all();
  return rows.map(({ body, payload, ...row }) => ({ ...row, body: opened(body), payload: parseJson(payload) }));
}

function subjectsIn(path: string): string[] {
  using file = new DatabaseFile(path);
  return file.deliveries().map(({ subject }) => subject);
}

function opened(body: string): unknown {
  const envelope = parseJson(body);
  if (!isJsonObject(envelope) || !sealing) return body;
  const payload = unseal(envelope['payload'] ?? null, headerOf(envelope), sealing);
  return payload.ok ? { ...envelope, payload: payload.value } : envelope;
}

/** The same text on every machine and in every run: ids are numbered as they come, times and signatures left out. */
function steady(lines: readonly string[]): string {
  const ids = new Map<string, string>();
  const numbered = (id: string, kind: string): string => {
    const known = ids.get(id) ?? `${kind}_${ids.size + 1}`;
    ids.set(id, known);
    return known;
  };
  return `${lines.join('\n')}\n`
    .replaceAll(`"device":${JSON.stringify(hostname())}`, '"device":"<this machine>"')
    .replaceAll(/\b([a-z]+)_[0-9A-Z]{26}\b/g, numbered)
    .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, '<time>')
    .replaceAll(/\b1[6-9]\d{11}\b/g, '<time>')
    .replaceAll(/\b[0-9a-f]{64}\b/g, '<signature>');
}

describe('an agent by itself, as the guide sets it up', () => {
  it('[BRD-06] says, sends and asks its model for what it always has', async () => {
    const folder = temporaryFolder();
    const database = join(folder.path, 'agents.db');
    const settled = () => expect.poll(() => unsettledIn(database), { timeout: 20_000 }).toEqual([]);
    try {
      await using nova = await start(folder.path, NOVA);
      await using atlas = await start(folder.path, ATLAS);
      await expect.poll(() => subjectsIn(database)).toContain('identity');
      await settled();
      const phone = new Phone(atlas.url);
      for (const [index, [said, last]] of CONVERSATION.entries()) {
        await phone.say({ id: `said-${index}`, account: 'atlas_001', text: said });
        await phone.until((bubbles) => bubbles.some((bubble) => bubble.text.startsWith(last)));
        await settled();
      }
      const { messages: bubbles } = await phone.state();
      const inLines = (things: readonly unknown[]): string[] => things.map((thing) => JSON.stringify(thing));
      const messages = inLines(messagesIn(database));
      const record = ['# Said', ...inLines(bubbles), '# Messages', ...messages, '# Asked of models', ...requests];
      expect([await atlas.stop(), await nova.stop()]).toEqual([0, 0]);
      await expect(steady(record)).toMatchFileSnapshot(RECORD);
    } finally {
      folder.remove();
    }
  }, 60_000);
});
