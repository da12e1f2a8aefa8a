import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LLMock } from '@copilotkit/aimock';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Database } from '../../src/spool/sqlite/database.ts';
import { SqliteAuditLog } from '../../src/store/audit-log.ts';
import { obey, writeSettings } from '../support/agent-network.ts';
import { DaemonProcess } from '../support/daemon-process.ts';
import { cloudVariables, subscribe } from '../support/graph-api/connected.ts';
import { GraphApi } from '../support/graph-api/graph-api.ts';
import { ParleyProcess } from '../support/process.ts';
import { temporaryFolder } from '../support/spool.ts';
import { connectPerson, type WhatsAppPerson } from '../support/whatsapp-person.ts';
import { startWhatsAppServer, type WhatsAppServer } from '../support/whatsapp-server/server.ts';

const ATLAS = '15550001';
const BOSS = '15550100';
const ANN = '15550101';
const ORDER = 'tool:write | {"path":"a.txt","content":"once"}';
const PATIENCE = { timeout: 20_000 };

const models = new LLMock({ port: 0 });
beforeAll(async () => {
  await models.start();
  // Does what it is told in JSON, and tells what has come of it.
  models.addFixture({
    match: {},
    response: (request) => obey(request, { ofResult: () => 'It waits.', ofWords: (words) => `Told: ${words}` }),
  });
});
afterAll(() => models.stop());

let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder.remove());

/** An agent that may write files when somebody has approved it. */
function writeAtlas(variables: Readonly<Record<string, string>>): void {
  const agent = { id: 'atlas', name: 'Atlas', workspace: './desk', tools: { allow: ['fs'], approve: ['write'] } };
  mkdirSync(join(folder.path, 'desk'));
  writeSettings(
    folder.path,
    `${models.url}/v1`,
    { agents: [agent] },
    {
      PLATFORM: 'whatsapp',
      WHATSAPP_DEBOUNCE_MS: '0',
      ADMIN_LIST: `+${BOSS}`,
      SECURITY_ALLOWLIST: `+${BOSS},+${ANN}`,
      AGENT_COMM_DB_PATH: join(folder.path, 'coordination.db'),
      ...variables,
    },
  );
}

const written = (): string | null => {
  const path = join(folder.path, 'desk/a.txt');
  return existsSync(path) ? readFileSync(path, 'utf8') : null;
};

/** What the audit log has of approvals and of commands: what, and by whom. */
async function audited(): Promise<readonly string[]> {
  const db = new Database(join(folder.path, 'coordination.db'));
  const events = new SqliteAuditLog(db).tail(100);
  await db.close();
  return events.filter(({ kind }) => /^(?:approval|command)\./.test(kind)).map(({ kind, actor }) => `${kind} ${actor}`);
}

describe('on a linked device', () => {
  let server: WhatsAppServer;
  beforeEach(async () => {
    server = await startWhatsAppServer();
    writeAtlas({ WHATSAPP_MODE: 'baileys', WHATSAPP_WEB_URL: server.url, WHATSAPP_WEB_ROOT_KEY: server.rootKey });
    const pairing = new ParleyProcess(['pair', '--json'], { folder: folder.path });
    const [, qr = ''] = await pairing.printed(/"qr":"([^"]+)"/);
    await server.scan(qr, ATLAS);
    expect((await pairing.ended).code).toBe(0);
  });
  afterEach(() => server.stop());

  const hears = (person: WhatsAppPerson, words: string): Promise<{ id: string }> =>
    person.waitFor(() => person.messages.find(({ text }) => text.includes(words)), `hears ${words}`);

  it('[TOL-03] an admin approves by a reaction: the tool is called once, and its result is told', async () => {
    await using _atlas = await DaemonProcess.start({ folder: folder.path });
    await using boss = await connectPerson(server, BOSS, 'Boss');
    await using ann = await connectPerson(server, ANN, 'Ann');
    const turns = models.getRequests().length;
    await ann.say(ATLAS, ORDER);
    const answer = await hears(ann, 'It waits.');
    const notice = await hears(boss, 'Atlas wants to use write, for Ann');
    // Somebody who may not, at a message that is not it; and an admin who only likes it.
    await ann.react(answer.id, '👍');
    await boss.react(notice.id, '❤️');
    await boss.say(ATLAS, 'thanks');
    await hears(boss, 'Told: thanks');
    expect([written(), models.getRequests().length - turns]).toEqual([null, 3]);
    await boss.react(notice.id, '👍🏾');
    await hears(boss, '1 is approved: Atlas, write.');
    await hears(ann, 'Told: [approved: write]');
    expect(written()).toBe('once');
    await boss.react(notice.id, '👎');
    await hears(boss, '1 has been approved by Boss already.');
    expect(await audited()).toEqual(['approval.asked atlas', `approval.approved +${BOSS}`, 'approval.done atlas']);
  });

  it('[TOL-03] [RUN-04] a reaction that comes while the agent is dead decides when it lives again, once', async () => {
    await using boss = await connectPerson(server, BOSS, 'Boss');
    let notice: { id: string };
    {
      await using atlas = await DaemonProcess.start({ folder: folder.path });
      await boss.say(ATLAS, ORDER);
      notice = await hears(boss, '!approve 1 or !reject 1');
      await atlas.kill();
    }
    await boss.react(notice.id, '✅');
    for (const end of ['kill', 'stop'] as const) {
      await using atlas = await DaemonProcess.start({ folder: folder.path });
      await hears(boss, '1 is approved: Atlas, write.');
      await hears(boss, 'Told: [approved: write]');
      await atlas[end]();
    }
    expect(written()).toBe('once');
    expect(boss.messages.filter(({ text }) => text.includes('is approved'))).toHaveLength(1);
    expect(await audited()).toEqual(['approval.asked atlas', `approval.approved +${BOSS}`, 'approval.done atlas']);
  });
});

describe('through the Cloud API', () => {
  const saidSchema = z.union([
    z.object({ text: z.object({ body: z.string() }) }).transform(({ text }) => text.body),
    z.object({ interactive: z.object({ body: z.object({ text: z.string() }) }) }).transform((request) => {
      return request.interactive.body.text;
    }),
  ]);

  it('[TOL-03] an admin approves by a button: the tool is called once, and its result is told', async () => {
    await using api = await GraphApi.start();
    const number = api.business.addNumber(ATLAS);
    const boss = api.business.addPerson({ name: 'Boss', phone: BOSS });
    const ann = api.business.addPerson({ name: 'Ann', phone: ANN });
    writeAtlas(cloudVariables(api, number));
    await using atlas = await DaemonProcess.start({ folder: folder.path });
    await subscribe(api, atlas.url);
    const heardBy = (person: typeof boss): readonly string[] =>
      api.business.taken.filter(({ to }) => to === person).map(({ request }) => saidSchema.parse(request));
    const hears = (person: typeof boss, words: string): Promise<void> =>
      expect.poll(() => heardBy(person).join('\n'), PATIENCE).toContain(words);
    const turns = models.getRequests().length;

    await api.say(boss, { type: 'text', text: { body: 'hello' } });
    await hears(boss, 'Told: hello');
    await api.say(ann, { type: 'text', text: { body: ORDER } });
    await hears(boss, 'Atlas wants to use write, for Ann');
    const notice = api.business.taken.find(({ request }) => request.type === 'interactive');
    if (!notice) throw new Error('there are no buttons');
    expect(notice.to).toBe(boss);
    // As if it had been passed on to somebody who may not.
    await api.press(ann, notice, 'Approve');
    await api.say(ann, { type: 'text', text: { body: 'well?' } });
    await hears(ann, 'Told: well?');
    expect(written()).toBeNull();
    await api.press(boss, notice, 'Approve');
    await hears(boss, '1 is approved: Atlas, write.');
    await hears(ann, 'Told: [approved: write]');
    expect(written()).toBe('once');
    await api.press(boss, notice, 'Reject');
    await hears(boss, '1 has been approved by Boss already.');
    await api.say(boss, { type: 'reaction', reaction: { message_id: notice.id, emoji: '👎' } });
    await expect.poll(() => heardBy(boss).filter((text) => text.includes('already')).length, PATIENCE).toBe(2);
    // Neither a button nor a reaction is a turn of the model: a greeting, an order in two steps, a question, the result.
    expect(models.getRequests().length - turns).toBe(5);
    expect(await audited()).toEqual([
      'approval.asked atlas',
      `command.denied +${ANN}`,
      `approval.approved +${BOSS}`,
      'approval.done atlas',
    ]);
  });
});
