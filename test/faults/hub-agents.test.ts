import type { FixtureResponse } from '@copilotkit/aimock';
import { LLMock } from '@copilotkit/aimock';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Bubble } from '../../src/channels/local/wire.ts';
import { HubClient } from '../../src/client/index.ts';
import {
  agentIdOf,
  type Network,
  type Question,
  questionOf,
  toolCall,
  writeAgentFolder,
} from '../support/agent-network.ts';
import { DaemonProcess, freePort } from '../support/daemon-process.ts';
import { HubProcess } from '../support/hub-process.ts';
import { Phone } from '../support/phone.ts';
import { temporaryFolder } from '../support/spool.ts';

const HUB_SECRET = 'a secret that the hub of the tests has';
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

const answering = (answer: (question: Question) => FixtureResponse): void => {
  models.addFixture({ match: {}, response: (request) => answer(questionOf(request)) });
};

const startHub = (port: number, flags: readonly string[] = []): Promise<HubProcess> =>
  HubProcess.start({ folder: network.folder, port, flags, env: { HUB_SECRET } });

/** An agent on a machine of its own: nothing but the hub connects it with the others. */
function startAgent(name: string, hub: string): Promise<DaemonProcess> {
  const own = {
    AGENT_COMM_DB_PATH: './data/own.db',
    AGENT_HUB_URL: hub,
    AGENT_HUB_SECRET: HUB_SECRET,
    AGENT_CAPABILITIES: 'sums',
    SECURITY_ENABLE_RATE_LIMIT: 'false',
  };
  return DaemonProcess.start({ folder: writeAgentFolder(network, name, own) });
}

let said = 0;
const say = (phone: Phone, text: string) => phone.say({ id: `say-${++said}`, account: agentIdOf('Atlas'), text });
const ends =
  (pattern: RegExp) =>
  (messages: readonly Bubble[]): boolean =>
    messages.some(({ text }) => pattern.test(text));

/** Asks `!agents` again and again until the answer is as expected: who is on the hub is known a moment later. */
async function untilAgents(phone: Phone, pattern: RegExp): Promise<void> {
  await expect
    .poll(
      async () => {
        await say(phone, '!agents');
        return (await phone.state()).messages.filter(({ mine }) => !mine).at(-1)?.text ?? '';
      },
      { timeout: 20_000, interval: 300 },
    )
    .toMatch(pattern);
}

describe('agents on a hub', () => {
  it('[HUB-05] [TEM-01] [RUN-02] on two machines they find each other, and work together in envelopes and tasks', async () => {
    answering(({ agent, text }) => {
      if (agent === 'Nova')
        return { content: text.includes('six times seven') ? 'Six times seven is 42.' : 'Nova is here.' };
      if (text.startsWith('Ask Nova'))
        return toolCall('message_agent', { agent: 'Nova', text: 'What is six times seven?' });
      if (text.startsWith('[plan a task')) {
        return toolCall('plan_team', {
          parts: [
            { id: 'a', agent: 'Nova', task: 'six times seven' },
            { id: 'b', agent: 'crow', task: 'fly' },
          ],
        });
      }
      return {
        content: text.startsWith('[reply from Nova]') ? `Nova says: ${text.slice(text.indexOf('\n') + 1)}` : 'Done.',
      };
    });
    await using hub = await startHub(await freePort());
    await using atlas = await startAgent('Atlas', hub.url);
    await using _nova = await startAgent('Nova', hub.url);
    const client = new HubClient({ url: hub.url, secret: HUB_SECRET });
    await using _crow = client.join({
      name: 'crow',
      skills: ['flying'],
      onTask: ({ message, sender }) => `Caw: ${message} for ${sender}.`,
    });
    const phone = new Phone(atlas.url);
    await untilAgents(
      phone,
      /crow \(crow\) active.*by hub: flying.*Nova \(nova_001\) active, openai, by hub: sums.*connected, 2 other agents/s,
    );

    await say(phone, 'Ask Nova what six times seven is.');
    await phone.until(ends(/^Nova says: Six times seven is 42\.$/));
    await say(phone, '!team do it');
    const done = (await phone.until(ends(/parts done/))).at(-1)?.text;
    expect(done).toMatch(/^2 of 2 parts done\./);
    expect(done).toContain('Nova (a): Six times seven is 42.');
    expect(done).toContain('crow (b): Caw: fly for atlas_001.');

    // And the other way: somebody with the hub's secret gives an agent of ours a task.
    expect(
      await client.task('nova_001', 'What is six times seven?'.replace('What is ', ''), { sender: 'admin' }),
    ).toContain('42');
  });

  it('[HUB-05] [TEM-02] [SPL-06] a plan survives that the hub and the agents are killed in the middle, and each part is done once', async () => {
    const asked: string[] = [];
    answering(({ agent, text }) => {
      if (agent === 'Atlas' && text.startsWith('[plan a task')) {
        const parts = [1, 2, 3].map((n) => ({
          id: `p${n}`,
          agent: 'Nova',
          task: `part ${n}`,
          after: n > 1 ? [`p${n - 1}`] : [],
        }));
        return toolCall('plan_team', { parts });
      }
      if (agent === 'Nova') asked.push(/part \d/.exec(text)?.[0] ?? text);
      return { content: agent === 'Nova' ? `did ${/part \d/.exec(text)?.[0]}` : 'Planned.' };
    });
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    {
      await using _hub = await startHub(port);
      await using atlas = await startAgent('Atlas', url);
      const phone = new Phone(atlas.url);
      {
        await using _nova = await startAgent('Nova', url);
        await untilAgents(phone, /Nova \(nova_001\) active, openai, by hub/);
      }
      // Nova was killed: her first part waits with Atlas.
      await say(phone, '!team go');
      await phone.until(ends(/^The plan has 3 parts/));
    }
    // Everybody is down now. They come back in another order.
    await using nova = await startAgent('Nova', url);
    await using atlas = await startAgent('Atlas', url);
    await using _hub = await startHub(port);
    const phone = new Phone(atlas.url);
    const messages = await phone.until(ends(/parts done/));
    expect(messages.at(-1)?.text).toMatch(/^3 of 3 parts done\.\n\nNova \(p1\): did part 1/);
    expect(messages.filter(({ text }) => /parts done/.test(text))).toHaveLength(1);
    expect(asked).toEqual(['part 1', 'part 2', 'part 3']);
    expect([await nova.stop(), await atlas.stop()]).toEqual([0, 0]);
  });
});
