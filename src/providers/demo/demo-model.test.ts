import { type ModelMessage, type ToolSet, tool } from 'ai';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ManualClock } from '../../lib/manual-clock.ts';
import { callModel } from '../model-call.ts';
import { DEFAULT_MODEL_LIMITS } from '../patience.ts';
import { demoModel } from './demo-model.ts';

/** Tools as the agents' runtime has them: they write down what they are called with. */
function runtimeTools(calls: unknown[], failure?: { error: string; hint?: string }): ToolSet {
  const record = <Input extends z.ZodType>(
    name: string,
    inputSchema: Input,
    result: (input: z.infer<Input>) => object,
  ) =>
    tool({
      inputSchema,
      execute: (input: z.infer<Input>) => {
        calls.push([name, input]);
        return failure ? { ok: false, ...failure } : { ok: true, ...result(input) };
      },
    });
  const text = z.string();
  return {
    create_group: record(
      'create_group',
      z.strictObject({ name: text, members: z.array(text), purpose: text.optional() }),
      ({ name, members }) => ({ group: { name, members } }),
    ),
    add_member: record(
      'add_member',
      z.strictObject({ group: text, member: text, phone: text.optional() }),
      ({ group }) => ({
        group: { name: group },
      }),
    ),
    remove_member: record('remove_member', z.strictObject({ group: text, member: text }), ({ group }) => ({
      group: { name: group },
    })),
    group_message: record('group_message', z.strictObject({ group: text, text }), ({ group }) => ({
      group: { name: group },
      asked: ['Nova', 'Bolt'],
    })),
    message_agent: record('message_agent', z.strictObject({ agent: text, text }), ({ agent }) => ({ agent })),
    list_groups: record('list_groups', z.strictObject({}), () => ({
      groups: [{ name: 'Research Team', members: ['Atlas', 'Nova'], purpose: 'qubits' }],
    })),
    list_agents: record('list_agents', z.strictObject({}), () => ({
      agents: [{ name: 'Nova', status: 'active', capabilities: ['theory'] }],
    })),
  };
}

async function converse(messages: ModelMessage[], agentName: string, tools: ToolSet): Promise<string> {
  const reply = await callModel(
    demoModel({ agentName }),
    { system: `You are ${agentName}.`, messages, tools, maxSteps: 5 },
    { clock: new ManualClock(), limits: DEFAULT_MODEL_LIMITS, signal: undefined, onRequest: () => {} },
  );
  if (!reply.ok) throw new Error(reply.error.detail);
  return reply.value.text;
}

async function say(text: string, { agentName = 'Atlas', before = '' } = {}) {
  const calls: unknown[] = [];
  const history: ModelMessage[] = before ? [{ role: 'assistant', content: before }] : [];
  const answer = await converse([...history, { role: 'user', content: text }], agentName, runtimeTools(calls));
  return { answer, calls };
}

const QUESTION = 'What are your thoughts on quantum error correction?';
const round = (n: number, of: number, said: string[] = [], question = QUESTION): string =>
  [`[group "Research Team" round ${n} of ${of}]`, `Question: ${question}`, 'Said so far:', ...said].join('\n');

describe('scripted demo model: what it is told to do', () => {
  it('[PRV-04] holds the conversation of the guide, with real tool calls', async () => {
    const create = await say('Create a research group with Atlas, Nova and Bolt');
    expect(create.calls).toEqual([['create_group', { name: 'Research Team', members: ['Atlas', 'Nova', 'Bolt'] }]]);
    expect(create.answer).toContain('"Research Team" is ready, with Atlas, Nova and Bolt');
    const ask = await say(`Tell the Research Team: ${QUESTION}`, { before: create.answer });
    expect(ask.calls).toEqual([['group_message', { group: 'Research Team', text: QUESTION }]]);
    expect(ask.answer).toContain('Nova and Bolt');
  });

  it.each<[string, string, object]>([
    [
      'create a research group with atlas, nova, and bolt.',
      'create_group',
      { name: 'Research Team', members: ['atlas', 'nova', 'bolt'] },
    ],
    ['Please make a new team with Nova & Bolt!', 'create_group', { name: 'Team', members: ['Nova', 'Bolt'] }],
    [
      'Hi Atlas, could you please set up a quantum research group with you and Nova?',
      'create_group',
      { name: 'Quantum Research Team', members: ['Atlas', 'Nova'] },
    ],
    [
      'Create a group called "Night Shift" with Nova and Bolt',
      'create_group',
      { name: 'Night Shift', members: ['Nova', 'Bolt'] },
    ],
    [
      'Create a group named Skylab with Nova, Bolt and me to discuss orbits',
      'create_group',
      { name: 'Skylab', members: ['Nova', 'Bolt'], purpose: 'discuss orbits' },
    ],
    [
      'Create a team about databases with Nova and Bolt',
      'create_group',
      { name: 'Team', members: ['Nova', 'Bolt'], purpose: 'databases' },
    ],
    ['Create group Skylab with Nova', 'create_group', { name: 'Skylab', members: ['Nova'] }],
    ['Create a research group: Nova, Bolt', 'create_group', { name: 'Research Team', members: ['Nova', 'Bolt'] }],
    [
      'Ask the Research Team what they think about databases',
      'group_message',
      { group: 'Research Team', text: 'what they think about databases' },
    ],
    ['Ask the Skylab group: ready?', 'group_message', { group: 'Skylab', text: 'ready?' }],
    ['tell the research group: 1: this, 2: that', 'group_message', { group: 'research', text: '1: this, 2: that' }],
    ['Tell Nova: hello there', 'message_agent', { agent: 'Nova', text: 'hello there' }],
    ['Ask @Nova what she knows', 'message_agent', { agent: 'Nova', text: 'what she knows' }],
    [
      'Add the agent at +44 7700 900123 with name Nova to the Research Team group',
      'add_member',
      { group: 'Research Team', member: 'Nova', phone: '+447700900123' },
    ],
    ['Add Bolt to the Research Team.', 'add_member', { group: 'Research Team', member: 'Bolt' }],
    ['Remove Bolt from the Research Team', 'remove_member', { group: 'Research Team', member: 'Bolt' }],
    ['list groups', 'list_groups', {}],
    ['Which groups are there?', 'list_groups', {}],
    ["Who's there?", 'list_agents', {}],
    ['Which agents are online?', 'list_agents', {}],
  ])('[PRV-04] %s', async (text, name, input) => {
    expect((await say(text)).calls).toEqual([[name, input]]);
  });

  it.each([
    ['Tell Skylab: hello', 'Skylab'],
    ['Ask the team: ready?', 'Skylab'],
    ['Ask the group whether it is ready', 'Skylab'],
  ])('[PRV-04] knows the groups that were spoken of: %s', async (text, group) => {
    const { calls } = await say(text, { before: 'Done: the group "Skylab" is ready, with Nova.' });
    expect(calls).toEqual([['group_message', expect.objectContaining({ group })]]);
  });

  it('[PRV-04] finds a team by its name without "Team"', async () => {
    const { calls } = await say('Ask the research group: ready?', { before: 'The group "Research Team" is ready.' });
    expect(calls).toEqual([['group_message', { group: 'Research Team', text: 'ready?' }]]);
  });

  it.each([
    ['list groups', 'Research Team: Atlas and Nova (qubits)'],
    ['who is there', 'Nova: active, knows about theory'],
    ['tell Nova: hi', 'passed that on to Nova'],
    ['Remove Bolt from the Research Team', '"Research Team" has one member less'],
    ['Add Bolt to the Research Team', '"Research Team" has a new member'],
  ])('[PRV-04] puts the result into words: %s', async (text, words) => {
    expect((await say(text)).answer).toContain(words);
  });

  it('[PRV-04] says what did not work, and what mends it', async () => {
    const tools = runtimeTools([], { error: 'There is no agent Zed', hint: 'Look at !agents.' });
    const answer = await converse([{ role: 'user', content: 'tell Zed: hi' }], 'Atlas', tools);
    expect(answer).toBe('That did not work: There is no agent Zed. Look at !agents.');
  });

  it.each([
    ['[approved: message_agent]\n{"ok":true,"agent":"Nova"}', 'I have passed that on to Nova.'],
    ['[approved: bash]\n{"ok":false,"error":"No server"}', 'That did not work: No server.'],
    ['[rejected: bash] Not today.', 'I may not do that (bash). Not today.'],
    ['[rejected: bash]', 'I may not do that (bash).'],
  ])('[PRV-04] [TOL-03] knows what was decided: %s', async (text, words) => {
    expect((await say(text)).answer).toContain(words);
  });

  it('[PRV-04] [TOL-03] says that a call waits for approval', async () => {
    const waits = tool({ inputSchema: z.object({}), execute: () => ({ ok: false, waiting: true, approval: 7 }) });
    const answer = await converse([{ role: 'user', content: 'list groups' }], 'Atlas', { list_groups: waits });
    expect(answer).toBe('Somebody has to approve that first. It waits as number 7.');
  });

  it('[PRV-04] calls no tool that it was not given', async () => {
    expect(await converse([{ role: 'user', content: 'list groups' }], 'Atlas', {})).toContain(
      'not been given the tool',
    );
  });

  it.each(['hello', 'help', 'Who are you?', 'What is the weather in Oslo?', 'asdf', '', 'create a group', '🙂'])(
    '[PRV-04] says that it is scripted: "%s"',
    async (text) => {
      const { answer, calls } = await say(text || ' ');
      expect(calls).toEqual([]);
      expect(answer).toMatch(/scripted demo model|I understand sentences like these/);
    },
  );

  it('[PRV-04] says that it did not understand, what it does understand, and how to get a real model', async () => {
    const { answer } = await say('Compute the 40th Fibonacci number');
    expect(answer).toContain('did not understand');
    expect(answer).toContain('Create a research group with Atlas, Nova and Bolt');
    expect(answer).toContain('OPENAI_API_KEY');
  });
});

describe('scripted demo model: in a discussion', () => {
  it('[PRV-04] each says something of its own about the question', async () => {
    const answers = await Promise.all(['Atlas', 'Nova', 'Bolt'].map((agentName) => say(round(1, 2), { agentName })));
    expect(new Set(answers.map(({ answer }) => answer)).size).toBe(3);
    for (const { answer } of answers) expect(answer).toMatch(/qubit|code/);
  });

  it('[PRV-04] takes up what another said in the second round, and not what it said itself', async () => {
    const said = [
      'Bolt: Hardware sets the pace: a decoder has a microsecond.',
      'Nova: The surface code is the benchmark.',
    ];
    const { answer } = await say(round(2, 2, said), { agentName: 'Nova' });
    expect(answer).toContain('Bolt said “Hardware sets the pace: a decoder');
    expect((await say(round(2, 2, said), { agentName: 'Atlas' })).answer).toMatch(/Nova said .*My conclusion:/);
  });

  it('[PRV-04] quotes what the other said, not what the other quoted', async () => {
    const said = ['Atlas: Bolt said “Hardware sets …”. So choose both together.'];
    const { answer } = await say(round(2, 2, said), { agentName: 'Nova' });
    expect(answer).toContain('Atlas said “So choose both together.”');
  });

  it('[PRV-04] has nothing to add after two rounds', async () => {
    expect((await say(round(3, 4, ['Bolt: x']), { agentName: 'Nova' })).answer).toBe('NO_REPLY');
  });

  it('[PRV-04] speaks about a subject that the script does not know', async () => {
    const question = 'What do you think about urban beekeeping?';
    expect((await say(round(1, 2, [], question), { agentName: 'Nova' })).answer).toContain('about urban beekeeping ');
    expect((await say(round(1, 2, [], 'Should we move to Oslo?'), { agentName: 'Nova' })).answer).toContain(
      'about the question "Should we move to Oslo?"',
    );
  });

  it('[PRV-04] sums up for the person: everybody by name, with what each said', async () => {
    const said = ['Nova: The surface code', 'is the benchmark.', 'Bolt: Hardware sets the pace.', 'Nova: I agree.'];
    const { answer } = await say(
      ['[close the discussion in "Research Team"]', `Question: ${QUESTION}`, 'Said so far:', ...said].join('\n'),
    );
    expect(answer.split('\n')).toEqual([
      'Nova and Bolt discussed quantum error correction in "Research Team" (scripted demo):',
      '- Nova: The surface code is the benchmark.',
      '- Bolt: Hardware sets the pace.',
      expect.stringMatching(/^In short: the surface code/),
    ]);
    const silent = await say(`[close the discussion in "Research Team"]\nQuestion: ${QUESTION}\nSaid so far:`);
    expect(silent.answer).toContain('Nobody in "Research Team"');
  });

  it('[PRV-04] answers another agent, and passes an answer on to the person', async () => {
    expect((await say('[message from Atlas]\nWhat about databases?', { agentName: 'Bolt' })).answer).toContain(
      'SQLite',
    );
    expect((await say('[reply from Nova]\nSeven.')).answer).toBe('Nova says: Seven.');
  });
});

describe('scripted demo model: whatever it is told', () => {
  const openings = [
    '',
    'create a group ',
    'tell ',
    'tell the team: ',
    'add ',
    '[message from Zed]',
    '[reply from Zed]',
    '[group "G" round 2 of 2]\n',
  ];
  const anything = fc
    .tuple(fc.constantFrom(...openings), fc.string({ unit: 'grapheme', maxLength: 300 }))
    .map((parts) => parts.join(''));
  const ask = (text: string) => ({ prompt: [{ role: 'user' as const, content: [{ type: 'text' as const, text }] }] });

  it('[PRV-04] gives a non-empty answer, the same every time', async () => {
    const model = demoModel({ agentName: 'Atlas' });
    await fc.assert(
      fc.asyncProperty(anything, async (text) => {
        const first = await model.doGenerate(ask(text));
        expect(first.content[0]).toMatchObject({ type: 'text', text: expect.stringMatching(/\S/) });
        expect(await model.doGenerate(ask(text))).toEqual(first);
      }),
    );
  });

  it('[PRV-04] what it streams is what it generates', async () => {
    const model = demoModel({ agentName: 'Atlas' });
    await fc.assert(
      fc.asyncProperty(anything, async (text) => {
        let streamed = '';
        for await (const part of (await model.doStream(ask(text))).stream) {
          if (part.type === 'text-delta') streamed += part.delta;
        }
        expect((await model.doGenerate(ask(text))).content[0]).toMatchObject({ text: streamed });
      }),
      { numRuns: 30 },
    );
  });

  it('[PRV-04] [SEC-02] no long text makes it slow', async () => {
    const model = demoModel({ agentName: 'Atlas' });
    for (const piece of [
      'a ',
      ' ',
      'tell ',
      'add a to ',
      'create a group with ',
      'who ',
      'list ',
      '"',
      'group "',
      '\n: ',
    ]) {
      const { content } = await model.doGenerate(ask(piece.repeat(200_000 / piece.length)));
      expect(content).toHaveLength(1);
    }
  }, 5000);
});
