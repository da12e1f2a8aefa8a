import { describe, expect, it, type TestContext } from 'vitest';
import { HubClient } from '../../src/client/index.ts';
import { type Language, missingTools, runProgram } from '../support/guide-programs.ts';
import { HUB_TEST_SECRET } from '../support/hub.ts';
import { HubProcess } from '../support/hub-process.ts';
import { ParleyProcess } from '../support/process.ts';
import { temporaryFolder } from '../support/spool.ts';

/** Where the tools have to be there, one that is not is a failure. */
function requireTools(language: Language, { skip }: TestContext): void {
  const missing = missingTools(language);
  if (missing.length === 0) return;
  const reason = `not installed: ${missing.join(', ')}`;
  if (process.env['CI'] === 'true') throw new Error(reason);
  skip(reason);
}

/** Runs a program of the guide to the hub, with a hub on which an agent is; the lines that it prints. */
async function atHub(language: Language): Promise<string[]> {
  const { path: folder, remove } = temporaryFolder();
  using _folder = { [Symbol.dispose]: remove };
  const secret = HUB_TEST_SECRET;
  await using hub = await HubProcess.start({ folder, env: { HUB_SECRET: secret }, flags: ['--db', 'hub.db'] });
  await using agent = new HubClient({ url: hub.url, secret }).join({
    name: 'network-ai',
    skills: ['networking'],
    onTask: ({ message, sender }) => `${message}, for ${sender}`,
  });
  await agent.ready;
  return await runProgram('hub.md', language, {
    folder,
    env: { HUB_URL: new URL(hub.url).origin, HUB_SECRET: secret },
  });
}

/** The same with a relay, and two agents that have a secret. */
async function atRelay(language: Language): Promise<string[]> {
  const { path: folder, remove } = temporaryFolder();
  using _folder = { [Symbol.dispose]: remove };
  const env: Record<string, string> = {};
  for (const agent of ['agent-a', 'agent-b']) {
    await using parley = new ParleyProcess(['relay', 'gen-secret', agent], { folder });
    const [, secret = ''] = await parley.printed(/^([0-9a-f]{64})$/m);
    await parley.ended;
    env[`AGENT_COMM_SECRET_${agent.replace('-', '_')}`] = secret;
  }
  await using relay = new ParleyProcess(['relay', 'start', '--port', '0'], { folder });
  const [, url = ''] = await relay.printed(/^The relay is running: (\S+)$/m);
  return await runProgram('relay.md', language, { folder, env: { ...env, RELAY_URL: new URL(url).origin } });
}

const json = (lines: readonly string[]): unknown[] => lines.map((line) => JSON.parse(line));

describe('a program in docs/guides/hub.md', () => {
  it('[HUB-02] [HUB-03] in TypeScript', async () => {
    expect(await atHub('ts')).toEqual(['5']);
  });

  it('[HUB-02] [HUB-07] with curl', async (context) => {
    requireTools('bash', context);
    expect(json(await atHub('bash'))).toMatchObject([
      { agents: [{ name: 'network-ai' }] },
      { success: true, response: 'list running processes, for admin' },
      { success: true, taskId: 'disks-1' },
      { id: 'disks-1', agent: 'network-ai' },
    ]);
  });

  it('[HUB-02] in Python', async (context) => {
    requireTools('python', context);
    expect(await atHub('python')).toEqual([
      "network-ai ['networking']",
      "{'success': True, 'agent': 'network-ai', 'response': 'list running processes, for admin'}",
      "{'success': False, 'agent': 'nobody', 'error': 'No agent nobody is connected.'}",
    ]);
  });
});

describe('a program in docs/guides/relay.md', () => {
  it('[REL-02] in TypeScript', async () => {
    expect(await atRelay('ts')).toEqual(['agent-a: Hello from TypeScript', 'acked']);
  });

  it('[REL-02] with curl and OpenSSL', async (context) => {
    requireTools('bash', context);
    expect(json(await atRelay('bash'))).toMatchObject([
      { message_id: 'greeting-1', status: 'queued', duplicate: false },
      { count: 1, messages: [{ id: 'greeting-1', body: 'Hello from curl' }] },
      { message_id: 'greeting-1', status: 'acked' },
      { message_id: 'greeting-1', status: 'acked', deliveries: [{ agent: 'agent-b' }] },
    ]);
  });

  it('[REL-02] in Python', async (context) => {
    requireTools('python', context);
    expect(await atRelay('python')).toEqual(['agent-a: Hello from Python', 'acked']);
  });
});
