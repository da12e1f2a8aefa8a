import { describe, expect, it } from 'vitest';
import { idOf, openWorld, type Script, type Turn, type World } from '../../test/support/agents.ts';
import { messageId } from '../domain/addresses.ts';
import { READS_ENVELOPES } from '../domain/agent-card.ts';
import { looksLikeEnvelope } from '../protocol/ai-comms-1.0.ts';

const PHONE = '+15550002';

/** Makes a group, and adds Nova at the number that was said. */
const host: Script = async (turn: Turn) => {
  if (turn.prompt === 'create') {
    await turn.use('create_group', { name: 'Research Team', members: [] });
    return 'Done.';
  }
  return JSON.stringify(
    await turn.use('add_member', { group: 'Research Team', member: 'Nova', phone: '+1 (555) 0002' }),
  );
};

async function introduced(): Promise<World> {
  const world = await openWorld({ agents: { Atlas: host }, carriesEnvelopes: true });
  await world.tell('Atlas', 'create');
  await world.tell('Atlas', 'add');
  return world;
}

const introductionsIn = (world: World) => world.said.filter(({ text }) => looksLikeEnvelope(text));
const members = (world: World): readonly string[] =>
  world.groups.list(idOf('Atlas')).flatMap((group) => group.members.map(({ name }) => name));

/** Nova's own machine answers: she is nova_001 there. */
const answerFrom = (world: World, phone: string, replyTo: string) => {
  const card = {
    id: 'nova_001',
    name: 'Nova',
    capabilities: ['research'],
    device: 'elsewhere',
    transport: 'sqlite',
    phone: null,
    provider: 'anthropic',
    metadata: READS_ENVELOPES,
  };
  const via = { transport: 'test', phone, metadata: { test: phone } };
  return world.post(
    'nova_001',
    'Atlas',
    {
      from: { agentId: 'nova_001', agentName: 'Nova' },
      intent: 'identity',
      payload: card,
      replyTo: messageId(replyTo),
    } as never,
    { message: { payload: { type: 'envelope', data: { via } } } },
  );
};

describe('an agent of which only the number is known', () => {
  it('[GRP-02] [DSC-01] is introduced to, and the person hears that it joins when it has answered', async () => {
    await using world = await introduced();
    expect(introductionsIn(world)).toMatchObject([{ peer: { kind: 'dm', id: PHONE }, verbatim: true }]);
    expect(world.heard()).toContainEqual(expect.stringContaining('I do not know the agent at +15550002 yet'));
    expect(members(world)).toEqual(['Atlas']);
  });

  it('[GRP-02] joins the group when it answers, is reached where it answered from, and is told the roster', async () => {
    await using world = await introduced();
    await answerFrom(world, PHONE, introductionsIn(world)[0]?.id ?? '');
    expect(world.heard().at(-1)).toBe('Nova has answered, and is in Research Team now.');
    expect(members(world)).toEqual(['Atlas', 'Nova']);
    expect(world.registry.find('Nova')).toMatchObject([
      { id: 'nova_001', transport: 'test', phone: PHONE, device: 'elsewhere', provider: 'anthropic' },
    ]);
    expect(world.messages().filter(({ subject }) => subject === 'group-update: Research Team')).toHaveLength(1);
  });

  it('[GRP-02] [SEC-05] another number that answers joins nothing', async () => {
    await using world = await introduced();
    await answerFrom(world, '+15559999', introductionsIn(world)[0]?.id ?? '');
    expect(members(world)).toEqual(['Atlas']);
  });

  it('[GRP-02] where agents cannot be written to by number, the name is asked about as before', async () => {
    await using world = await openWorld({ agents: { Atlas: host } });
    await world.tell('Atlas', 'create');
    await world.tell('Atlas', 'add');
    expect(introductionsIn(world)).toEqual([]);
    expect(world.heard().at(-1)).toContain('I know no agent called Nova at +1 (555) 0002');
  });
});
