import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { directoryWith, refused, type Start, started } from './config-fixtures.ts';

const agent = (text: string): Start => ({ files: { 'parley.json5': `{provider: "demo", agents: {a: {${text}}}}` } });
const of = (how: Start) => started(how).config.agents[0];

describe('the place where an agent works', () => {
  it.each([
    ['work', 'project/work'],
    ['./work/../a', 'project/a'],
    ['/srv/a', '/srv/a'],
    ['~', 'home'],
    ['~/a', 'home/a'],
    ['~a', 'project/~a'],
    ['a/~', 'project/a/~'],
  ])('[BRD-01] the workspace %s is %s', (workspace, folder) => {
    const cwd = directoryWith({});
    mkdirSync(join(cwd, 'project'));
    const place = `workspace: '${workspace}', sandbox: {workspaceRoot: '${workspace}'}`;
    writeFileSync(join(cwd, 'project', 'parley.json5'), `{provider: 'demo', agents: {a: {${place}}}}`);
    const expected = folder.startsWith('/') ? folder : join(cwd, folder);
    expect(of({ cwd, env: { HOME: join(cwd, 'home'), AGENT_COMM_PROJECT_ROOT: 'project' } })).toMatchObject({
      workspace: expected,
      sandbox: { workspaceRoot: expected },
    });
  });

  it('[BRD-01] [TOL-01] [TOL-02] every setting of sandbox and tools reaches the agent', () => {
    const sandbox = {
      mode: 'all',
      scope: 'shared',
      workspaceRoot: '/srv',
      network: ['api.example.org', '*.example.org', '*'],
      limits: { seconds: 1, memoryMb: 16, processes: 2, outputKb: 3 },
    };
    const tools = { allow: ['fs', 'bash'], deny: ['write'], approve: ['bash'], approvalMinutes: 7 * 24 * 60 };
    const text = `sandbox: ${JSON.stringify(sandbox)}, tools: ${JSON.stringify(tools)}, concurrency: 2`;
    expect(of(agent(text))).toMatchObject({ sandbox, tools, concurrency: 2 });
    expect(of(agent('tools: {allow: []}'))?.tools.allow).toEqual([]);
  });

  it('[BRD-02] how many turns there are at the same time can be set', () => {
    expect(started({ files: { 'parley.json5': '{maxConcurrentTurns: 2}' } }).config.maxConcurrentTurns).toBe(2);
  });

  it.each([
    ['an unknown mode', 'sandbox: {mode: "on"}', /sandbox\.mode: is not a known mode.* Known: off, all/],
    ['an unknown scope', 'sandbox: {scope: "session"}', /sandbox\.scope: is not a known scope/],
    ['an address for a host', 'sandbox: {network: ["https://x.example"]}', /network\.0: must be the name of a host/],
    ['no time at all', 'sandbox: {limits: {seconds: 0}}', /limits\.seconds: must be a whole number of seconds/],
    [
      'a misspelt limit',
      'sandbox: {limits: {memory: 1}}',
      /agents\.a\.sandbox\.limits\.memory: there is no such setting/,
    ],
    [
      'a misspelt tool',
      'tools: {allow: ["raed"]}',
      /parley\.json5: agents\.a\.tools\.allow\.0: is not a known tool: "raed"; did you mean "read"\?/,
    ],
    [
      'an unheard-of tool',
      'tools: {deny: ["hush"]}',
      /tools\.deny\.0: is not a .* The groups of tools are fs, runtime,/,
    ],
    ['a misspelt tool to approve', 'tools: {approve: ["read", "bsah"]}', /tools\.approve\.1: .* "bash"\?/],
    ['no time to approve', 'tools: {approvalMinutes: 0}', /tools\.approvalMinutes: .* minutes from 1 to 10080/],
    [
      'more than a week to approve',
      'tools: {approvalMinutes: 10081}',
      /tools\.approvalMinutes: must be a whole number/,
    ],
    ['half a minute to approve', 'tools: {approvalMinutes: 0.5}', /tools\.approvalMinutes: must be a whole number/],
    [
      'words for minutes',
      'tools: {approvalMinutes: "1h"}',
      /tools\.approvalMinutes: must be a whole number of minutes/,
    ],
    ['nobody to talk to', 'concurrency: 0', /agents\.a\.concurrency: must be a whole number of conversations/],
  ])('[SEC-04] what is refused: %s', (_what, text, expected) => {
    const { message } = refused(agent(text));
    expect(message).toMatch(expected);
    expect(message).toMatch(/^The configuration has a problem:\n- [^\n]+$/);
    expect(message).not.toMatch(/hush/);
  });
});

describe('a workspace with files of Parley in it', () => {
  /** A project in a folder of its own, with a key in a file, and links to things in it. */
  function project(place: string): Start {
    const cwd = directoryWith({ '.env': 'OPENAI_API_KEY_FILE=keys/openai' });
    const root = join(cwd, 'project');
    for (const folder of [root, join(cwd, 'keys'), join(root, 'data'), join(root, 'real')]) mkdirSync(folder);
    writeFileSync(join(cwd, 'keys', 'openai'), 'sk-1');
    writeFileSync(join(root, 'parley.json5'), `{provider: 'demo', agents: {a: {${place}}}}`);
    symlinkSync('.', join(root, 'link'));
    symlinkSync('real', join(root, 'link-to-real'));
    symlinkSync('data', join(root, 'link-to-data'));
    symlinkSync('../keys/openai', join(root, 'real', 'link-to-key'));
    return { cwd, env: { HOME: cwd, AGENT_COMM_PROJECT_ROOT: 'project' } };
  }
  const OWN = 'that folder: its settings, secrets or database. Give it a folder of its own, such as ./workspaces/ann.';
  const TAKEN =
    'the folder of the database. Give it a folder of its own elsewhere, or one in the folder workspaces there.';

  it.each([
    ['.', OWN],
    ['./', OWN],
    ['..', OWN],
    ['../..', OWN],
    ['/', OWN],
    ['~', OWN],
    ['~/project', OWN],
    ['../keys', OWN],
    ['link', OWN],
    ['link/link', OWN],
    ['data', OWN],
    ['link/data', OWN],
    ['link-to-data', OWN],
    ['data/media', TAKEN],
    ['data/workspaces', TAKEN],
    ['data/workspaces-of-mine', TAKEN],
    ['link-to-data/media/not/there', TAKEN],
  ])('[TOL-02] is refused: %s', (workspace, expected) => {
    const { code, message } = refused(project(`workspace: '${workspace}'`));
    expect(code).toBe('CONFIG_INVALID');
    expect(message).toMatch(/^The configuration has a problem:\n- agent a: workspace: [^\n]+$/);
    expect(message).toContain(expected);
  });

  it('[TOL-02] is refused where sandbox.workspaceRoot makes it one', () => {
    const place =
      /^The configuration has a problem:\n- agent a: sandbox\.workspaceRoot: that folder is in the folder of/;
    for (const root of ['data', 'link-to-data']) {
      expect(refused(project(`sandbox: {workspaceRoot: '${root}'}`)).message).toMatch(place);
      expect(refused(project(`sandbox: {workspaceRoot: '${root}', scope: 'shared'}`)).message).toMatch(place);
    }
    const aliased = project("sandbox: {workspaceRoot: 'real', scope: 'shared'}");
    symlinkSync('..', join(aliased.cwd ?? '', 'project', 'real', 'shared'));
    expect(refused(aliased).message).toContain(OWN);
  });

  it('[TOL-02] is refused where .env would be read, though there is none', () => {
    const cwd = directoryWith({ 'parley.json5': '' });
    const root = directoryWith({ 'parley.json5': `{provider: 'demo', agents: {a: {workspace: '${cwd}'}}}` });
    expect(refused({ cwd, env: { AGENT_COMM_PROJECT_ROOT: root } }).message).toContain(OWN);
  });

  it('[TOL-02] is refused for each agent, beside what else is wrong', () => {
    const { message } = refused(project("workspace: '.', persona: 'x', prompt: 'y'}, b: {workspace: 'data'"));
    expect(message.match(/^- agent [ab]: /gm)).toEqual(['- agent a: ', '- agent a: ', '- agent b: ']);
  });

  it.each([
    '',
    "workspace: 'workspaces/ann'",
    "workspace: './real'",
    "workspace: 'link-to-real'",
    "workspace: '../project-of-ann'",
    "workspace: '..ann'",
    "workspace: 'data-of-ann'",
    "workspace: 'data/workspaces/ann'",
    "workspace: 'link-to-data/workspaces/agents/ann'",
    "sandbox: {scope: 'shared'}",
    "sandbox: {workspaceRoot: 'data/workspaces'}",
    "sandbox: {workspaceRoot: '.'}",
  ])('[TOL-01] any other is not: %s', (place) => {
    expect(started(project(place)).config.agents).toHaveLength(1);
  });

  it('[TOL-01] a folder of the project is none of the database, though that is beside it', () => {
    const beside = (place: string): Start => {
      const start = project(place);
      return { ...start, env: { ...start.env, AGENT_COMM_DB_PATH: './agents.db' } };
    };
    expect(started(beside("workspace: './real'")).config.agents).toHaveLength(1);
    expect(refused(beside("workspace: '.'")).message).toContain(OWN);
  });
});

describe('the persona files of a workspace', () => {
  const inWorkspace = (prepare: (workspace: string) => void, persona = 'persona: "You are calm.", '): Start => {
    const cwd = directoryWith({ 'parley.json5': `{provider: "demo", agents: {a: {${persona}workspace: "w"}}}` });
    mkdirSync(join(cwd, 'w'));
    prepare(join(cwd, 'w'));
    return { cwd };
  };
  const told = (how: Start): [string | undefined, string[]] => {
    const { config, warnings } = started(how);
    return [config.agents[0]?.persona, warnings.map(({ message }) => message)];
  };
  const withSoul = (soul: string | Uint8Array): Start =>
    inWorkspace((workspace) => writeFileSync(join(workspace, 'SOUL.md'), soul));

  it('[BRD-02] are told after the persona, IDENTITY.md first', () => {
    const both = (workspace: string): void => {
      writeFileSync(join(workspace, 'SOUL.md'), '\uFEFFYou like puns.\n');
      writeFileSync(join(workspace, 'IDENTITY.md'), '# Bärbel\n\nYou check facts.\n');
    };
    const files = '# Bärbel\n\nYou check facts.\n\nYou like puns.';
    expect(told(inWorkspace(both))).toEqual([`You are calm.\n\n${files}`, []]);
    expect(told(inWorkspace(both, ''))).toEqual([files, []]);
  });

  it('[BRD-02] need not be there, nor need the workspace', () => {
    expect(told(inWorkspace(() => undefined))).toEqual(['You are calm.', []]);
    expect(told(agent('persona: "You are calm.", workspace: "not/there"'))).toEqual(['You are calm.', []]);
    expect(told(withSoul(' \n'))).toEqual(['You are calm.', []]);
  });

  it('[BRD-02] have at most 20,000 characters each', () => {
    expect(told(withSoul('é'.repeat(20_000)))).toEqual([`You are calm.\n\n${'é'.repeat(20_000)}`, []]);
    const [, tooLong] = told(withSoul('é'.repeat(20_001)));
    expect(tooLong).toEqual([expect.stringMatching(/more than 20000 characters/)]);
  });

  it.each<[string, (path: string) => void, RegExp]>([
    [
      'a file of a terabyte',
      (path) => {
        writeFileSync(path, '');
        truncateSync(path, 2 ** 40);
      },
      /more than 20000 characters/,
    ],
    ['no UTF-8', (path) => writeFileSync(path, Uint8Array.of(0x66, 0xff)), /not UTF-8/],
    ['a folder', (path) => mkdirSync(path), /not a file/],
    ['a pipe that nobody writes to', (path) => execFileSync('mkfifo', [path]), /not a file/],
    // An agent that can write in its workspace could have it read to its model.
    ['a link to a secret', (path) => symlinkSync('../parley.json5', path), /it is a link/],
  ])('[BRD-02] [TOL-02] are left out with a warning: %s', (_what, make, expected) => {
    const [persona, warnings] = told(inWorkspace((workspace) => make(join(workspace, 'SOUL.md'))));
    expect(persona).toBe('You are calm.');
    expect(warnings).toEqual([expect.stringMatching(expected)]);
  });

  it.skipIf(process.getuid?.() === 0)('[BRD-02] are left out with a warning when they may not be read', () => {
    const forbid = (workspace: string): void => {
      writeFileSync(join(workspace, 'SOUL.md'), 'x');
      chmodSync(join(workspace, 'SOUL.md'), 0);
    };
    expect(told(inWorkspace(forbid))).toEqual(['You are calm.', [expect.stringMatching(/EACCES/)]]);
  });
});
