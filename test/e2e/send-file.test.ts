import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LLMock } from '@copilotkit/aimock';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { PERSON } from '../../src/channels/local/local-channel.ts';
import { Database } from '../../src/spool/sqlite/database.ts';
import { obey, writeSettings } from '../support/agent-network.ts';
import { DaemonProcess } from '../support/daemon-process.ts';
import { cloudVariables, subscribe } from '../support/graph-api/connected.ts';
import { GraphApi } from '../support/graph-api/graph-api.ts';
import { Phone } from '../support/phone.ts';
import { ParleyProcess } from '../support/process.ts';
import { temporaryFolder } from '../support/spool.ts';
import { connectPerson, type WhatsAppPerson } from '../support/whatsapp-person.ts';
import type { ReceivedMessage } from '../support/whatsapp-server/client/received-message.ts';
import type { ServerEvent } from '../support/whatsapp-server/events.ts';
import { startWhatsAppServer, type WhatsAppServer } from '../support/whatsapp-server/server.ts';

const ATLAS = '15550001';
const ANN = '15550101';
const ORDER = 'tool:send_file | {"path":"plans/report.pdf","caption":"Here it is."}';
const REPORT = Buffer.concat([Buffer.from('%PDF-1.7\n'), Buffer.alloc(50_000, 'the report ')]);
const PATIENCE = { timeout: 20_000 };

const models = new LLMock({ port: 0 });
/** Called when the tool has been, and the turn is not over. */
let beforeAnswer = (): void => undefined;
beforeAll(async () => {
  await models.start();
  // Does what it is told in JSON, and tells what has come of it.
  models.addFixture({
    match: {},
    response: (request) => {
      if (request.messages.at(-1)?.role === 'tool') beforeAnswer();
      return obey(request, { ofResult: (result) => `It said: ${result}`, ofWords: () => 'Done.' });
    },
  });
});
afterAll(() => models.stop());

let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => {
  beforeAnswer = () => undefined;
  folder = temporaryFolder();
});
afterEach(() => folder.remove());

const report = (): string => join(folder.path, 'desk/plans/report.pdf');
/** What is kept of the files that are sent. */
const kept = (): readonly string[] => readdirSync(join(folder.path, 'outgoing'));

/** An agent that may work with files, and has one. */
function writeAtlas(variables: Readonly<Record<string, string>>): void {
  const agent = { id: 'atlas', name: 'Atlas', workspace: './desk', tools: { allow: ['fs'] } };
  mkdirSync(join(folder.path, 'desk/plans'), { recursive: true });
  writeFileSync(report(), REPORT);
  writeSettings(
    folder.path,
    `${models.url}/v1`,
    { agents: [agent] },
    {
      WHATSAPP_DEBOUNCE_MS: '0',
      SECURITY_ALLOWLIST: `+${ANN},${PERSON.id}`,
      AGENT_COMM_DB_PATH: join(folder.path, 'coordination.db'),
      AGENT_COMM_LEASE_SECONDS: '5',
      ...variables,
    },
  );
}

/** What a model is shown of its tools. */
const shownSchema = z.object({ tools: z.array(z.object({ function: z.object({ name: z.string() }) })) });
const shown = (): readonly string[] =>
  shownSchema.parse(models.getRequests().at(-1)?.body).tools.map((tool) => tool.function.name);

describe('on a linked device', () => {
  let server: WhatsAppServer;
  let env: Readonly<Record<string, string>>;
  beforeEach(async () => {
    server = await startWhatsAppServer();
    writeAtlas({
      PLATFORM: 'whatsapp,local',
      WHATSAPP_MODE: 'baileys',
      WHATSAPP_WEB_URL: server.url,
      WHATSAPP_WEB_ROOT_KEY: server.rootKey,
    });
    const certificate = join(folder.path, 'media.pem');
    writeFileSync(certificate, server.mediaCertificate);
    env = { NODE_EXTRA_CA_CERTS: certificate };
    const pairing = new ParleyProcess(['pair', '--json'], { folder: folder.path });
    const [, qr = ''] = await pairing.printed(/"qr":"([^"]+)"/);
    await server.scan(qr, ATLAS);
    expect((await pairing.ended).code).toBe(0);
  });
  afterEach(() => server.stop());

  const filesOf = ({ messages }: WhatsAppPerson): readonly ReceivedMessage[] => messages.filter(({ media }) => media);

  /** How much of what is to be said in chats is in the spool. */
  async function committed(): Promise<number> {
    const db = new Database(join(folder.path, 'coordination.db'));
    const said = db.prepare("SELECT 1 FROM message WHERE payload_type = 'chat.out'").all();
    await db.close();
    return said.length;
  }

  it('[WHA-05] [TOL-01] a person is sent a file of the workspace, with its text', async () => {
    await using _atlas = await DaemonProcess.start({ folder: folder.path, env });
    await using ann = await connectPerson(server, ANN, 'Ann');
    await ann.say(ATLAS, ORDER);
    const { media } = await ann.heard('Here it is.');
    expect(media).toMatchObject({ kind: 'document', mimetype: 'application/pdf', fileName: 'report.pdf' });
    expect((await media?.read())?.equals(REPORT)).toBe(true);
    await ann.waitFor(() => ann.messages.some(({ text }) => text.startsWith('It said: {"ok":true')), 'is answered');
    expect(filesOf(ann)).toHaveLength(1);
    expect(kept()).toEqual([expect.stringMatching(/^msg_\w+\.\w+$/)]);

    await ann.say(ATLAS, 'tool:send_file | {"path":"../.env"}');
    await ann.waitFor(() => ann.messages.some(({ text }) => text.includes('outside of the workspace')), 'is refused');
    expect(filesOf(ann)).toHaveLength(1);
  });

  it('[WHA-05] [RUN-04] killed before it is sent, it is sent once at the next start, as it was', async () => {
    await using ann = await connectPerson(server, ANN, 'Ann');
    {
      await using atlas = await DaemonProcess.start({ folder: folder.path, env });
      // From before the answer on, nothing leaves.
      const offline = Promise.withResolvers<() => void>();
      beforeAnswer = () => {
        server.faults.cut(ATLAS);
        const isBack = ({ type, number }: ServerEvent): boolean => type === 'connected' && number === ATLAS;
        offline.resolve(server.on((event) => isBack(event) && server.faults.cut(ATLAS)));
      };
      await ann.say(ATLAS, ORDER);
      await expect.poll(committed, PATIENCE).toBe(2);
      await atlas.kill();
      (await offline.promise)();
    }
    expect(ann.messages).toEqual([]);
    rmSync(report());
    await using _atlas = await DaemonProcess.start({ folder: folder.path, env });
    const { media } = await ann.heard('Here it is.');
    expect((await media?.read())?.equals(REPORT)).toBe(true);
    await ann.waitFor(() => ann.messages.some(({ text }) => text.startsWith('It said: {"ok":true')), 'is answered');
    expect(filesOf(ann)).toHaveLength(1);
  });

  it('[TOL-01] in the local chat, which shows no files, there is no such tool', async () => {
    await using atlas = await DaemonProcess.start({ folder: folder.path, env });
    await using ann = await connectPerson(server, ANN, 'Ann');
    const tools = ['read', 'write', 'edit', 'list', 'search'];
    await ann.say(ATLAS, 'hello');
    await ann.heard('Done.');
    expect(shown()).toEqual([...tools, 'send_file']);
    const phone = new Phone(atlas.url);
    await phone.say({ id: 'hello', account: 'atlas', text: 'hello' });
    await phone.until((messages) => messages.some(({ mine }) => !mine));
    expect(shown()).toEqual(tools);
  });
});

describe('through the Cloud API', () => {
  const documentSchema = z.object({
    document: z.object({ id: z.string(), caption: z.string(), filename: z.string() }),
  });
  const textSchema = z.object({ text: z.object({ body: z.string() }) });

  it('[WHA-05] [WHA-02] a person is sent a file once; what Meta does not take, the model is told', async () => {
    await using api = await GraphApi.start();
    const number = api.business.addNumber(ATLAS);
    const ann = api.business.addPerson({ name: 'Ann', phone: ANN });
    writeAtlas(cloudVariables(api, number));
    writeFileSync(join(folder.path, 'desk/all.zip'), 'PK\x03\x04');
    await using atlas = await DaemonProcess.start({ folder: folder.path });
    await subscribe(api, atlas.url);
    const heard = (): readonly string[] =>
      api.business.taken.flatMap(({ request }) => textSchema.safeParse(request).data?.text.body ?? []);

    await api.say(ann, { type: 'text', text: { body: ORDER } });
    await expect.poll(heard, PATIENCE).toEqual([expect.stringContaining('{"ok":true')]);
    expect(api.business.taken.map(({ request }) => request.type)).toEqual(['document', 'text']);
    const { document } = documentSchema.parse(api.business.taken[0]?.request);
    expect(document).toMatchObject({ caption: 'Here it is.', filename: 'report.pdf' });
    expect(Buffer.from(api.business.media.find(document.id).bytes).equals(REPORT)).toBe(true);

    await api.say(ann, { type: 'text', text: { body: 'tool:send_file | {"path":"all.zip"}' } });
    await expect.poll(heard, PATIENCE).toHaveLength(2);
    expect(heard()[1]).toContain('WhatsApp takes no files of the type application/octet-stream');
    expect(kept()).toHaveLength(1);
  });
});
