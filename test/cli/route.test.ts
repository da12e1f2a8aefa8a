import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CommandLine } from './parley.ts';

const FILE = `{
  provider: 'demo',
  agents: { alfred: { name: 'Alfred' }, baerbel: { name: 'Bärbel' }, clara: {} },
  broadcast: {
    Team: { agents: [{ id: 'clara', priority: 1 }, 'alfred', 'baerbel'], activation: 'always' },
    Jury: { agents: ['alfred', 'baerbel', 'clara'], shared: { rounds: 3 }, judge: { quorum: 2 } },
    Desk: { agents: ['alfred', 'baerbel'], select: { by: 'clara' } },
    Quiet: { agents: ['alfred'], select: { rules: [], otherwise: [] } },
  },
}`;

const WITH_PATTERNS = `{
  provider: 'demo',
  platforms: ['whatsapp'],
  agents: { alfred: { name: 'Alfred', mentionPatterns: ['dinner|\\\\bbutler\\\\b'] }, clara: {} },
  broadcast: { Team: ['alfred', 'clara'] },
}`;

function configured(): CommandLine {
  const line = new CommandLine();
  writeFileSync(join(line.folder, 'parley.json5'), FILE);
  return line;
}

describe('parley route', () => {
  it.each([
    [
      ['+15550100'],
      'In the chat with +15550100 on local, account alfred:',
      '  Answered by: Alfred (alfred)',
      '  Because:     it has the account alfred',
    ],
    [
      ['Team'],
      'In the group Team on local, account alfred:',
      '  Answered by: clara (clara), then Alfred (alfred) and Bärbel (baerbel)',
      '  Because:     they are on the panel for Team',
      '  Strategy:    parallel',
      '  Activation:  always',
    ],
    [
      ['Jury'],
      'In the group Jury on local, account alfred:',
      '  Answered by: Alfred (alfred) and Bärbel (baerbel) and clara (clara)',
      '  Because:     they are on the panel for Jury',
      '  Together:    in at most 3 round(s), led by alfred',
      '  Judge:       quorum of 2',
    ],
    [
      ['Desk'],
      'In the group Desk on local, account alfred:',
      '  Answered by: Alfred (alfred) and Bärbel (baerbel)',
      '  Because:     they are on the panel for Desk',
      '  Chosen by:   the model of clara, for each message',
      '  Strategy:    parallel',
    ],
  ])('[CLI-02] [BRD-04] %j', async (args, ...lines) => {
    using line = configured();
    expect((await line.parley('route', 'local', ...args)).trimEnd().split('\n')).toEqual(lines);
  });

  it.each([
    ['Is there dinner?', 'Alfred (alfred)', 'alfred by the mention pattern dinner|\\bbutler\\b'],
    ['@clara, hello', 'clara (clara)', 'by name'],
    [
      'Hello',
      'Alfred (alfred) and clara (clara)',
      'only by a mention of the account or a reply to it: no mention pattern fits',
    ],
  ])('[CLI-02] [BRD-05] in a group on WhatsApp it tells what wakes them: %s', async (text, who, woken) => {
    using line = new CommandLine();
    writeFileSync(join(line.folder, 'parley.json5'), WITH_PATTERNS);
    const output = await line.parley('route', 'whatsapp', 'Team', '--text', text);
    expect(output).toContain(`Answered by: ${who}\n`);
    expect(output).toContain(`Woken:       ${woken}\n`);
  });

  it('[CLI-02] [BRD-04] for programs', async () => {
    using line = configured();
    expect(await line.json('route', 'local', 'Team', '--text', '@clara Hello')).toEqual({
      channel: 'local',
      account: 'alfred',
      peer: { kind: 'group', id: 'Team' },
      agents: [{ id: 'clara', name: 'clara', rank: 0 }],
      reason: 'they are on the panel for Team, of which they are named',
      panel: { peer: 'Team', strategy: 'parallel', activation: 'always', selector: null, shared: null },
      wake: null,
    });
  });

  it('[CLI-02] ends with 1 when nobody answers', async () => {
    using line = configured();
    const { code, stdout } = await line.run(['route', 'local', 'Quiet', '--group']);
    expect(stdout.trimEnd().split('\n').slice(1, 3)).toEqual([
      '  Answered by: nobody',
      '  Because:     for the panel for Quiet no rule fits, and `otherwise` names nobody',
    ]);
    expect(code).toBe(1);
    const [group, stranger] = await Promise.all([
      line.run(['route', 'whatsapp', 'Friends'], { env: { PLATFORM: 'whatsapp' } }),
      line.run(['route', 'local', '+15550109'], { env: { SECURITY_ALLOWLIST: '+15550100' } }),
    ]);
    expect(group).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/nobody\n {2}Because: +the group is not in /),
    });
    expect(stranger).toMatchObject({ code: 1, stdout: expect.stringMatching(/nobody\n {2}Because: .* not on it\n$/) });
  });

  it.each([
    [['route', 'telegram', 'Team'], 64, /Allowed choices are local, whatsapp/],
    [['route', 'local', 'Team', '--group', '--dm'], 64, /cannot be used with/],
    [['route', 'local', 'Team', '--account', 'alfed'], 65, /Hint: {2}Did you mean 'alfred'\?/],
    [['route', 'whatsapp', 'Team'], 78, /Hint: {2}Set PLATFORM=local,whatsapp/],
  ])('[CLI-02] %j ends with %s', async (args, expected, message) => {
    using line = configured();
    const { code, stderr } = await line.run(args);
    expect(stderr).toMatch(message);
    expect(code).toBe(expected);
  });
});
