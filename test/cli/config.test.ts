import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CommandLine } from './parley.ts';

const AGENTS = `
  provider: 'ollama',
  agents: { ann: { name: 'Ann', model: 'of-ann', fallbacks: ['demo'] }, bob: {}, clara: { provider: 'demo' } },`;
const ROUTED = `{${AGENTS}
  routing: {
    defaultAgentId: 'bob',
    broadcast: {
      Team: { agents: [{ id: 'clara', priority: 1 }, 'ann'], activation: 'always' },
      Jury: { agents: ['ann', 'bob'], shared: { rounds: 3 }, judge: { quorum: 2 } },
      Desk: { agents: ['ann', 'bob'], strategy: 'sequential', select: { by: 'clara' } },
      Bugs: {
        agents: ['ann', 'bob'],
        select: { rules: [{ words: ['crash', 'hang'], agents: ['ann'] }, { words: ['slow'], agents: ['bob'] }], otherwise: [] },
      },
      'Two\\nlines': ['ann'],
    },
    bindings: [
      { agentId: 'ann', match: { channel: 'local', peer: { kind: 'dm', id: '+15550123' } } },
      { agentId: 'clara', match: { accountId: 'bob', group: 'Incidents' } },
      { agentId: 'bob', match: { peer: { id: '*' } } },
      { agentId: 'bob' },
    ],
  },
}`;

function configured(file: string): CommandLine {
  const line = new CommandLine();
  writeFileSync(join(line.folder, 'parley.json5'), file);
  return line;
}

describe('parley config validate', () => {
  it('[CLI-02] [CLI-03] [BRD-01] says which agents there are, with their models, and who answers whom', async () => {
    using line = configured(ROUTED);
    const [valid, database, ...rest] = (await line.parley('config', 'validate')).trimEnd().split('\n');
    expect([valid, database]).toEqual(['The configuration is valid.', expect.stringMatching(/^Database: \/.*\.db$/)]);
    expect(rest.filter((text) => !text.startsWith('Warning: '))).toEqual([
      'Agent ann: Ann, ollama (of-ann), then demo (scripted-demo)',
      'Agent bob: bob, ollama (llama3.2)',
      'Agent clara: clara, demo (scripted-demo)',
      'Panel for Team: clara (priority 1), ann; parallel; activation always',
      'Panel for Jury: ann, bob; together in at most 3 round(s); judge quorum of 2',
      'Panel for Desk: ann, bob; sequential; chosen by the model of clara',
      'Panel for Bugs: ann, bob; parallel; chosen ann for "crash", "hang", bob for "slow", otherwise nobody',
      'Panel for Two lines: ann; parallel',
      'Binding for channel local, dm +15550123: ann',
      'Binding for account bob, group Incidents: clara',
      'Binding for peer *: bob',
      'Binding for everything: bob',
      'Otherwise: bob',
    ]);
  });

  it('[CLI-02] [CLI-03] says whose account counts where there is no default, and nothing without routing', async () => {
    using line = configured(`{${AGENTS} broadcast: { Team: ['bob'] }}`);
    expect(await line.parley('config', 'validate')).toContain('\nOtherwise: whose account it is, ann\n');
    using single = configured(`{${AGENTS}}`);
    expect(await single.parley('config', 'validate')).not.toMatch(/Otherwise|Panel|Binding/);
  });

  it('[CLI-02] [CLI-03] for programs', async () => {
    using line = configured(ROUTED);
    const demo = { provider: 'demo', model: 'scripted-demo' };
    expect(await line.json('config', 'validate')).toMatchObject({
      mode: 'agents',
      database: expect.stringMatching(/\.db$/),
      agents: [
        {
          id: 'ann',
          name: 'Ann',
          providers: ['ollama', 'demo'],
          chain: [{ provider: 'ollama', model: 'of-ann' }, demo],
        },
        { id: 'bob', name: 'bob', providers: ['ollama'], chain: [{ provider: 'ollama', model: 'llama3.2' }] },
        { id: 'clara', name: 'clara', providers: ['demo'], chain: [demo] },
      ],
      panels: [
        { peer: 'Team', strategy: 'parallel', activation: 'always', selection: null, shared: null },
        { peer: 'Jury', shared: { rounds: 3, judgement: { mode: 'quorum', of: 2 } } },
        { peer: 'Desk', strategy: 'sequential', selection: { selector: 'clara' } },
        { peer: 'Bugs', selection: { rules: [{ words: ['crash', 'hang'] }, {}], otherwise: [], selector: null } },
        { agents: [{ id: 'ann', priority: 0 }] },
      ],
      bindings: [
        { agent: 'ann', match: { channel: 'local', peer: { kind: 'dm', id: '+15550123' } } },
        { agent: 'clara', match: { account: 'bob', group: 'Incidents' } },
        { agent: 'bob', match: { peer: { id: '*' } } },
        { agent: 'bob', match: {} },
      ],
      defaultAgent: 'bob',
      accounts: ['bob'],
      warnings: expect.any(Array),
    });
  });

  it('[CLI-02] [SEC-04] shows what is doubtful of tools', async () => {
    using line = configured("{ agents: { a: { provider: 'demo', tools: { allow: ['bash'], approve: ['read'] } } } }");
    const output = await line.parley('config', 'validate');
    expect(output).toMatch(/^Warning: agent a: tools\.allow: commands are refused, since sandbox\.mode is off\./m);
    expect(output).toMatch(/^Warning: agent a: tools\.approve: names read, which the agent may not call\./m);
  });
});
