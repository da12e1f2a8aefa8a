import { describe, expect, it } from 'vitest';
import { idOf, openWorld, type Script, script, type World } from '../../test/support/agents.ts';
import { groupId } from '../domain/addresses.ts';
import type { Group } from '../domain/group.ts';

/** A model that calls one tool after another and says what they told it. */
const calls =
  (...uses: (readonly [tool: string, input: object])[]): Script =>
  async (turn) => {
    const answers: unknown[] = [];
    for (const [tool, input] of uses) answers.push(await turn.use(tool, input));
    return JSON.stringify(answers);
  };
const silent: Script = () => 'NO_REPLY';

/** Atlas does as told, once; the others say nothing. */
const withAtlas = (atlas: Script, options: Partial<Parameters<typeof openWorld>[0]> = {}): Promise<World> =>
  openWorld({ agents: { Atlas: atlas, Nova: silent, Bolt: silent }, ...options });

const groupsOf = (world: World, agent: string): readonly Group[] => world.groups.list(idOf(agent));
const namesIn = (group: Group | undefined): readonly string[] => (group?.members ?? []).map(({ name }) => name);

describe('what an agent can do with groups', () => {
  it('[GRP-01] creates a group, and every member learns who is in it', async () => {
    await using world = await withAtlas(calls(['create_group', { name: 'Research', members: ['nova', 'BOLT'] }]));
    await world.tell('Atlas', 'Create a research group');
    for (const agent of ['Atlas', 'Nova', 'Bolt']) {
      const [group, another] = groupsOf(world, agent);
      expect(namesIn(group)).toEqual(['Atlas', 'Nova', 'Bolt']);
      expect(group).toMatchObject({ name: 'Research', host: 'atlas', version: 1 });
      expect(another).toBeUndefined();
    }
  });

  it('[GRP-01] adds, removes and lists, all in one turn', async () => {
    await using world = await withAtlas(
      calls(
        ['create_group', { name: 'Research', members: ['Nova'] }],
        ['add_member', { group: 'the research group', member: 'Bolt' }],
        ['remove_member', { group: 'Research', member: 'nova' }],
        ['list_groups', {}],
      ),
    );
    await world.tell('Atlas', 'Do it');
    expect(JSON.parse(world.heard()[0] ?? '')[3]).toEqual({
      ok: true,
      groups: [{ name: 'Research', purpose: '', members: ['Atlas', 'Bolt'] }],
    });
    expect(namesIn(groupsOf(world, 'Bolt')[0])).toEqual(['Atlas', 'Bolt']);
    expect(groupsOf(world, 'Nova')).toEqual([]);
  });

  it.each<[string, readonly [string, object], string]>([
    ['an unknown name', ['create_group', { name: 'Other', members: ['Nova', 'Zed'] }], 'no agent called Zed'],
    ['an ambiguous name', ['create_group', { name: 'Other', members: ['Twin'] }], 'More than one agent'],
    ['a name that is taken', ['create_group', { name: ' the RESEARCH group' }], 'already'],
    ['a group that is not there', ['add_member', { group: 'Cooking', member: 'Bolt' }], 'no group called Cooking'],
    ['a member twice', ['add_member', { group: 'Research', member: 'Nova' }], 'already'],
    ['somebody who is not in it', ['remove_member', { group: 'Research', member: 'Bolt' }], 'not in Research'],
    ['the host itself', ['remove_member', { group: 'Research', member: 'Atlas' }], 'leads Research'],
    ['a group of nobody else', ['group_message', { group: 'Alone', text: 'Hm?' }], 'Nobody but you'],
    ['a name of two lines', ['create_group', { name: 'Two\nlines' }], 'invalid input'],
  ])('[GRP-01] %s: the model is told why, and nothing is done', async (_what, use, why) => {
    const atlas = script({
      prepare: calls(['create_group', { name: 'Research', members: ['Nova'] }], ['create_group', { name: 'Alone' }]),
      go: calls(use),
    });
    const agents = { Atlas: atlas, Nova: silent, Bolt: silent, Twin: silent, Twin2: silent };
    await using world = await openWorld({ agents, cards: { Twin2: { name: 'Twin' } } });
    await world.tell('Atlas', 'prepare');
    const before = groupsOf(world, 'Atlas');
    await world.tell('Atlas', 'go');
    const [answer] = JSON.parse(world.heard()[1] ?? '');
    expect(answer.ok).toBe(false);
    expect(answer.error).toContain(why);
    expect(groupsOf(world, 'Atlas')).toEqual(before);
  });

  it('[GRP-01] a group has at most ten members', async () => {
    const many = Array.from({ length: 10 }, (_, n) => `Agent${n}`);
    const agents = Object.fromEntries(['Atlas', ...many].map((name) => [name, silent]));
    const atlas = calls(
      ['create_group', { name: 'Crowd', members: many }],
      ['create_group', { name: 'Full', members: many.slice(1) }],
      ['add_member', { group: 'Full', member: 'Agent0' }],
    );
    await using world = await openWorld({ agents: { ...agents, Atlas: atlas } });
    await world.tell('Atlas', 'go');
    expect(groupsOf(world, 'Atlas').map(({ name, members }) => [name, members.length])).toEqual([['Full', 10]]);
    expect(world.heard()[0]).toContain('at most 10');
  });

  it('[GRP-01] only the host changes a group and puts questions to it', async () => {
    const nova = calls(
      ['add_member', { group: 'Research', member: 'Bolt' }],
      ['group_message', { group: 'Research', text: 'Hm?' }],
    );
    await using world = await openWorld({
      agents: { Atlas: calls(['create_group', { name: 'Research', members: ['Nova'] }]), Nova: nova, Bolt: silent },
    });
    await world.tell('Atlas', 'go');
    await world.tell('Nova', 'go');
    expect(world.said.at(-1)?.text.match(/led by Atlas/g)).toHaveLength(2);
    expect(groupsOf(world, 'Bolt')).toEqual([]);

    // Nor does a question that is typed into the group's chat on a number that does not lead it.
    const [group] = groupsOf(world, 'Nova');
    await world.tell('Nova', 'What now?', { peer: { kind: 'group', id: group?.id ?? '' } });
    expect(world.said.at(-1)?.text).toContain('led by Atlas');
  });

  it('[GRP-02] the number decides between two of one name, however it is written', async () => {
    const atlas = calls(
      ['create_group', { name: 'Research' }],
      ['add_member', { group: 'Research', member: 'Nova', phone: '+44 7700 900-999' }],
      ['add_member', { group: 'Research', member: 'Nova' }],
      ['add_member', { group: 'Research', member: 'Nova', phone: '0044 7700 900123' }],
    );
    await using world = await openWorld({
      agents: { Atlas: atlas, Nova: silent, Nova2: silent },
      cards: { Nova: { phone: '+447700900111' }, Nova2: { name: 'Nova', phone: '+44 (7700) 900123' } },
    });
    await world.tell('Atlas', 'go');
    const answers = JSON.parse(world.heard()[0] ?? '');
    expect(answers[1].error).toContain('no agent called Nova at +44 7700 900-999');
    expect(answers[2].error).toContain('More than one agent');
    expect(groupsOf(world, 'Atlas')[0]?.members.map(({ id }) => id)).toEqual(['atlas', 'nova2']);
  });
});

describe('the roster of a group', () => {
  const research: Group = {
    id: groupId('grp_1'),
    name: 'Research',
    purpose: '',
    host: idOf('Atlas'),
    members: [
      { id: idOf('Atlas'), name: 'Atlas' },
      { id: idOf('Nova'), name: 'Nova' },
    ],
    version: 3,
  };
  const without = { ...research, members: research.members.slice(0, 1) };
  const update = (world: World, group: Group, from = 'Atlas'): Promise<unknown> =>
    world.post(from, 'Nova', {
      intent: 'group-update',
      payload: { group },
      group: { groupId: research.id, groupName: 'Research' },
    });

  it('[GRP-02] a newer one counts, an older or repeated one that arrives late does not', async () => {
    await using world = await withAtlas(silent);
    await update(world, research);
    await update(world, { ...research, name: 'Old', version: 2 });
    await update(world, { ...without, version: 3 });
    expect(groupsOf(world, 'Nova')).toEqual([research]);
    await update(world, { ...research, name: 'Newer', version: 4 });
    expect(groupsOf(world, 'Nova')[0]?.name).toBe('Newer');
  });

  it('[GRP-02] who is not in it any more forgets the group', async () => {
    await using world = await withAtlas(silent);
    await update(world, research);
    await update(world, { ...without, version: 4 });
    expect(groupsOf(world, 'Nova')).toEqual([]);
  });

  it.each<[string, Group]>([
    ['in its host’s name', { ...research, version: 4 }],
    ['as its new host', { ...research, host: idOf('Bolt'), version: 4 }],
    ['for another group', { ...research, id: groupId('grp_2'), version: 4 }],
  ])('[GRP-02] a stranger changes nothing %s, and it is audited', async (_how, group) => {
    await using world = await withAtlas(silent);
    await update(world, research);
    await update(world, group, 'Bolt');
    expect(groupsOf(world, 'Nova')).toEqual([research]);
    expect(world.audit.tail(1)).toMatchObject([{ kind: 'envelope.refused', actor: 'agent:bolt' }]);
  });
});

describe('commands in a reply', () => {
  const block = (body: string): string => `Right away.\n\`\`\`json\n${body}\n\`\`\``;

  it('[GRP-01] a fenced block is obeyed and is not shown', async () => {
    const reply = block('{"command":"create-group","name":"Research","members":["Nova"]}');
    await using world = await withAtlas(() => reply);
    await world.tell('Atlas', 'go');
    expect(namesIn(groupsOf(world, 'Nova')[0])).toEqual(['Atlas', 'Nova']);
    expect(world.heard()).toEqual(['Right away.\n\nDone: create-group.']);
  });

  it('[GRP-01] each of several blocks is obeyed, after what the tools of the turn have done', async () => {
    const atlas: Script = async (turn) => {
      await turn.use('create_group', { name: 'Research' });
      return [
        block('{"command":"add-member","group":"Research","member":"Nova"}'),
        block('{"command":"add-member","group":"Research","member":"Bolt"}'),
        block('{"command":"remove-member","group":"Research","member":"Nova"}'),
        block('{"command":"list-groups"}'),
      ].join('\n');
    };
    await using world = await withAtlas(atlas);
    await world.tell('Atlas', 'go');
    expect(namesIn(groupsOf(world, 'Bolt')[0])).toEqual(['Atlas', 'Bolt']);
    expect(world.heard()[0]).toContain('Research (Atlas, Bolt)');
  });

  it('[GRP-01] what a tool and a block ask are two questions', async () => {
    const atlas: Script = async (turn) => {
      if (!turn.tools.includes('create_group')) return 'Summed up.';
      await turn.use('create_group', { name: 'Research', members: ['Nova'] });
      await turn.use('group_message', { group: 'Research', text: 'First?' });
      return block('{"command":"group-message","group":"Research","text":"Second?"}');
    };
    await using world = await withAtlas(atlas);
    await world.tell('Atlas', 'go');
    const asked = world.turns.filter(({ agent }) => agent === 'Nova').map(({ prompt }) => prompt);
    expect(asked.map((prompt) => /Question: (\w+)/.exec(prompt)?.[1]).sort()).toEqual(['First', 'Second']);
  });

  it.each([
    ['not JSON', '{"command":"create-group",'],
    ['an unknown command', '{"command":"drop-group","name":"Research"}'],
    ['a missing field', '{"command":"create-group"}'],
    ['a field of the wrong type', '{"command":"create-group","name":"Research","members":"Nova"}'],
    ['a list of commands', '[{"command":"create-group","name":"Research"}]'],
    ['a command that is no text', '{"command":["create-group"],"name":"Research"}'],
  ])('[GRP-01] %s is never executed, and the person hears of it', async (_what, body) => {
    await using world = await withAtlas(() => block(body));
    await world.tell('Atlas', 'go');
    expect(groupsOf(world, 'Atlas')).toEqual([]);
    expect(world.heard()).toEqual(['Right away.\n\nI wrote a command that is not valid, so nothing was done for it.']);
  });

  it('[GRP-01] a command that cannot be carried out says why', async () => {
    await using world = await withAtlas(() => block('{"command":"create-group","name":"R","members":["Zed"]}'));
    await world.tell('Atlas', 'go');
    expect(groupsOf(world, 'Atlas')).toEqual([]);
    expect(world.heard()[0]).toContain('I know no agent called Zed.');
  });

  it('[GRP-01] JSON that names no command is left in the text', async () => {
    const example = block('{"name":"Research"}');
    await using world = await withAtlas(() => example);
    await world.tell('Atlas', 'go');
    expect(world.heard()).toEqual([example]);
  });
});
