import { describe, expect, it } from 'vitest';
import { DOWN, idOf, openWorld, type Script, script } from '../../test/support/agents.ts';
import { messageId } from '../domain/addresses.ts';
import { ok } from '../lib/result.ts';
import type { AgentContext } from './context.ts';

const silent: Script = () => 'NO_REPLY';

describe('an agent whose providers are down', () => {
  it('[PRV-03] keeps the message through fifty retries, tells the person once, and answers when one is back', async () => {
    let up = false;
    await using world = await openWorld({ agents: { Atlas: () => (up ? 'Here I am.' : DOWN) } });
    await world.tell('Atlas', 'Hello?');
    for (let retry = 0; retry < 50; retry++) await world.pass(60_000);
    expect(world.turns).toHaveLength(51);
    expect(world.heard()).toEqual([expect.stringContaining('None of my AI providers')]);
    const [question] = world.messages();
    expect(world.spool.status(question?.id ?? messageId('none'))).toMatchObject([{ status: 'queued', attempts: 0 }]);
    up = true;
    await world.pass(60_000);
    expect(world.heard().slice(1)).toEqual(['Here I am.']);
    expect(world.sessions.recent('agent:atlas:test:dm:person', 9).map(({ text }) => text)).toEqual([
      'Hello?',
      'Here I am.',
    ]);
  });

  it('[PRV-03] is asked again when its provider said, not sooner', async () => {
    await using world = await openWorld({ agents: { Atlas: () => ({ ...DOWN, retryAfterMs: 7_000 }) } });
    await world.tell('Atlas', 'Hello?');
    await world.pass(6_999);
    expect(world.turns).toHaveLength(1);
    await world.pass(1);
    expect(world.turns).toHaveLength(2);
  });

  it('[PRV-03] tells each person once, and answers what was said in its order', async () => {
    let up = false;
    const atlas: Script = ({ prompt }) => (up ? `You said ${prompt}.` : DOWN);
    await using world = await openWorld({ agents: { Atlas: atlas } });
    await world.tell('Atlas', 'one', { sender: 'ann' });
    await world.tell('Atlas', 'two', { sender: 'ann' });
    await world.tell('Atlas', 'three', { sender: 'bob' });
    expect(world.said.map(({ peer }) => peer.id).sort()).toEqual(['ann', 'bob']);
    up = true;
    await world.pass(60_000);
    const toAnn = world.said.filter(({ peer }) => peer.id === 'ann').map(({ text }) => text);
    expect(toAnn.slice(1)).toEqual(['You said one.', 'You said two.']);
  });

  it('[PRV-03] answers another agent when one is back', async () => {
    let up = false;
    const asks = script({ ask: async ({ use }) => String(await use('message_agent', { agent: 'Nova', text: 'Hm?' })) });
    await using world = await openWorld({ agents: { Atlas: asks, Nova: () => (up ? 'Yes.' : DOWN) } });
    await world.tell('Atlas', 'ask');
    for (let retry = 0; retry < 20; retry++) await world.pass(60_000);
    up = true;
    await world.pass(60_000);
    expect(world.turns.at(-1)).toMatchObject({ agent: 'Atlas', prompt: '[reply from Nova]\nYes.' });
  });

  it.each([
    ['refused', 'refused to answer'],
    ['misconfigured', 'set up properly'],
  ] as const)('[PRV-02] says so when they have %s, and does not try again', async (kind, words) => {
    const failure = { kind, tried: [{ provider: 'openai', kind, detail: 'no' }] } as const;
    await using world = await openWorld({ agents: { Atlas: () => failure } });
    await world.tell('Atlas', 'Hello?');
    await world.pass(600_000);
    expect(world.turns).toHaveLength(1);
    expect(world.heard()).toEqual([expect.stringContaining(words)]);
    expect(world.heard()[0]).toContain(`openai: ${kind}`);
  });

  it('[PRV-02] asks for an answer of use as often as a message has attempts, and then the person hears of it', async () => {
    const empty = { kind: 'malformed', detail: 'empty answer', provider: 'openai' } as const;
    await using world = await openWorld({ agents: { Atlas: () => ({ ...DOWN, tried: [empty] }) } });
    await world.tell('Atlas', 'Hello?');
    for (let retry = 0; retry < 50; retry++) await world.pass(60_000);
    expect(world.turns).toHaveLength(10);
    expect(world.heard()).toEqual([expect.stringContaining('could not deal with your message after several attempts')]);
  });

  it('[PRV-02] says so to an agent that asked', async () => {
    const asks = script({ ask: async ({ use }) => String(await use('message_agent', { agent: 'Nova', text: 'Hm?' })) });
    await using world = await openWorld({ agents: { Atlas: asks, Nova: () => ({ kind: 'refused', tried: [] }) } });
    await world.tell('Atlas', 'ask');
    expect(world.turns.at(-1)?.prompt).toContain('I cannot answer');
  });

  it('[PRV-02] what the tools of a failed provider had prepared is dropped', async () => {
    const use = async (request: ReturnType<Parameters<AgentContext['chain']['generate']>[0]>, name: string) =>
      request.tools['create_group']?.execute?.(
        { name, members: ['Nova'] },
        { toolCallId: 'c', messages: [], context: {} },
      );
    const chain: AgentContext['chain'] = {
      state: () => [],
      async generate(request) {
        await use(request(), 'Research');
        await use(request(), 'Research');
        const usage = { inputTokens: 1, outputTokens: 1 };
        return ok({ text: 'Done.', usage, provider: 'demo', modelId: 'second', failedOver: [] });
      },
    };
    await using world = await openWorld({ agents: { Atlas: silent, Nova: silent }, chains: { Atlas: chain } });
    await world.tell('Atlas', 'Create a group');
    expect(world.groups.list(idOf('Atlas')).map(({ name }) => name)).toEqual(['Research']);
    expect(world.messages().filter(({ subject }) => subject.startsWith('group-update'))).toHaveLength(1);
    expect(world.heard()).toEqual(['Done.']);
  });

  it('[PRV-02] nor does anything remain when the whole chain failed', async () => {
    const atlas: Script = async ({ use }) => {
      await use('create_group', { name: 'Research', members: ['Nova'] });
      return DOWN;
    };
    await using world = await openWorld({ agents: { Atlas: atlas, Nova: silent } });
    await world.tell('Atlas', 'Create a group');
    expect(world.groups.list(idOf('Atlas'))).toEqual([]);
    expect(world.groups.list(idOf('Nova'))).toEqual([]);
  });
});
