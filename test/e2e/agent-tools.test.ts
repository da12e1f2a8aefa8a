import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LLMock } from '@copilotkit/aimock';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { obey, writeSettings } from '../support/agent-network.ts';
import { DaemonProcess } from '../support/daemon-process.ts';
import { Phone } from '../support/phone.ts';
import { temporaryFolder } from '../support/spool.ts';

const models = new LLMock({ port: 0 });
beforeAll(() => models.start());
afterAll(() => models.stop());

/** Does what it is told in JSON, and then says what came of it. */
function obeys(): void {
  models.reset();
  models.addFixture({
    match: {},
    response: (request) => obey(request, { ofResult: (result) => `It said: ${result}`, ofWords: () => 'Done.' }),
  });
}

async function startAgent(folder: string, agent: object): Promise<DaemonProcess> {
  writeSettings(folder, `${models.url}/v1`, { agents: { list: [{ id: 'atlas', name: 'Atlas', ...agent }] } });
  return DaemonProcess.start({ folder });
}

/** What a model is shown of its tools. */
const shownSchema = z.object({ tools: z.array(z.object({ function: z.object({ name: z.string() }) })) });

let said = 0;
/** Says it, and gives the answer to it. */
async function ask(phone: Phone, text: string): Promise<string> {
  const before = (await phone.state()).messages.filter(({ mine }) => !mine).length;
  await phone.say({ id: `say-${++said}`, account: 'atlas', text });
  const messages = await phone.until((all) => all.filter(({ mine }) => !mine).length > before);
  return messages.filter(({ mine }) => !mine).at(-1)?.text ?? '';
}

describe('an agent with a workspace', () => {
  it('[TOL-01] [TOL-02] writes and reads there, and nowhere else; what it may not call, it does not have', async () => {
    obeys();
    const { path: folder, remove } = temporaryFolder();
    await using daemon = await startAgent(folder, { workspace: './desk', tools: { allow: ['fs'], deny: ['edit'] } });
    const phone = new Phone(daemon.url);
    expect(await ask(phone, 'tool:write | {"path":"notes/a.txt","content":"hello"}')).toContain('"ok":true');
    expect(readFileSync(join(folder, 'desk/notes/a.txt'), 'utf8')).toBe('hello');
    expect(await ask(phone, 'tool:read | {"path":"notes/a.txt"}')).toContain('hello');
    expect(await ask(phone, 'tool:read | {"path":"../.env"}')).toContain('"ok":false');
    expect(await ask(phone, 'tool:write | {"path":"/etc/parley-was-here","content":"x"}')).toContain('"ok":false');
    expect(existsSync('/etc/parley-was-here')).toBe(false);
    const [request] = models.getRequests().map(({ body }) => body);
    const { tools } = shownSchema.parse(request);
    expect(tools.map((tool) => tool.function.name)).toEqual(['read', 'write', 'list', 'search']);
    remove();
  });

  it('[TOL-02] without a sandbox a command is refused, with the reason', async () => {
    obeys();
    const { path: folder, remove } = temporaryFolder();
    await using daemon = await startAgent(folder, { workspace: './desk', tools: { allow: ['runtime'] } });
    const answer = await ask(new Phone(daemon.url), 'tool:bash | {"command":"echo hi"}');
    expect(answer).toContain('sandbox.mode is off');
    remove();
  });

  it('[TOL-03] a call that needs approval waits for it, also over a restart, and then is made once', async () => {
    obeys();
    const { path: folder, remove } = temporaryFolder();
    const agent = { workspace: './desk', tools: { allow: ['fs'], approve: ['write'] } };
    {
      await using daemon = await startAgent(folder, agent);
      const phone = new Phone(daemon.url);
      await phone.say({ id: 'order', account: 'atlas', text: 'tool:write | {"path":"a.txt","content":"once"}' });
      await phone.until((messages) => messages.some(({ text }) => text.includes('!approve 1')));
      expect(existsSync(join(folder, 'desk/a.txt'))).toBe(false);
    }
    await using daemon = await DaemonProcess.start({ folder });
    const phone = new Phone(daemon.url);
    await phone.say({ id: 'approve', account: 'atlas', text: '!approve 1' });
    await expect
      .poll(() => existsSync(join(folder, 'desk/a.txt')) && readFileSync(join(folder, 'desk/a.txt'), 'utf8'))
      .toBe('once');
    remove();
  });
});
