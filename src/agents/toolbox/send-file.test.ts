import { linkSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DOWN, openWorld, type Script, script, type World, type WorldOptions } from '../../../test/support/agents.ts';
import { TestWorkspace } from '../../../test/support/sandbox.ts';
import { ParleyError } from '../../domain/errors.ts';
import type { FileSending } from './send-file.ts';

/** Calls the tool with the JSON that it is asked to, and answers with what it was told. */
const sends: Script = async ({ prompt, use }) =>
  JSON.stringify(await use('send_file', JSON.parse(prompt.slice(prompt.indexOf('{')))));

interface Kept {
  readonly id: string;
  readonly content: string;
}

/** An agent with a workspace that may send what is in it, and what was kept of it. */
async function withFiles(
  options: Partial<WorldOptions> = {},
  changes: Partial<FileSending> = {},
): Promise<{ world: World; workspace: TestWorkspace; kept: Kept[] } & AsyncDisposable> {
  const workspace = await TestWorkspace.open('off');
  const kept: Kept[] = [];
  const sending: FileSending = {
    workspace: workspace.files,
    maxBytes: 100,
    refusal: () => null,
    async keep(id, content) {
      kept.push({ id, content: Buffer.from(content).toString() });
      return `/kept/${id}`;
    },
    ...changes,
  };
  const world = await openWorld({
    agents: { Atlas: sends },
    fileSending: () => sending,
    toolPolicy: { allow: ['fs'] },
    ...options,
  });
  return {
    ...{ world, workspace, kept },
    async [Symbol.asyncDispose]() {
      await world[Symbol.asyncDispose]();
      workspace[Symbol.dispose]();
    },
  };
}

const put = ({ folder }: TestWorkspace, name: string, content = 'the report'): void =>
  writeFileSync(join(folder, name), content);

describe('send_file', () => {
  it('[WHA-05] [TOL-01] sends a file in the chat in which the agent answers, before the answer', async () => {
    await using t = await withFiles();
    put(t.workspace, 'report.txt');
    const group = { kind: 'group', id: 'lab' } as const;
    await t.world.tell('Atlas', '{"path":"./report.txt","caption":" Here it is. "}', { peer: group });
    const [file, answer] = t.world.said;
    const path = `/kept/${file?.id}`;
    expect(file).toMatchObject({
      ...{ peer: group, text: 'Here it is.', speaker: { name: 'Atlas' } },
      file: { path, mime: 'text/plain', name: 'report.txt' },
    });
    expect(t.kept).toEqual([{ id: file?.id, content: 'the report' }]);
    expect(answer?.text).toBe('{"ok":true,"sends":"report.txt","bytes":10}');
    expect(answer).not.toHaveProperty('file');
  });

  it('[WHA-05] sends several, each for itself', async () => {
    const both: Script = async ({ use }) => {
      await Promise.all(['a.txt', 'b.txt'].map((path) => use('send_file', { path })));
      return 'NO_REPLY';
    };
    await using t = await withFiles({ agents: { Atlas: both } });
    for (const name of ['a.txt', 'b.txt']) put(t.workspace, name, `this is ${name}`);
    await t.world.tell('Atlas', 'both');
    expect(t.world.said.map(({ text, file }) => [text, file?.name]).sort()).toEqual([
      ['', 'a.txt'],
      ['', 'b.txt'],
    ]);
    expect(new Set(t.kept.map(({ id }) => id))).toEqual(new Set(t.world.said.map(({ id }) => id)));
  });

  it('[WHA-05] sends nothing when the turn fails, and one when it is taken again', async () => {
    let up = false;
    const failing: Script = async (turn) => {
      const told = await sends(turn);
      return up ? told : DOWN;
    };
    await using t = await withFiles({ agents: { Atlas: failing } });
    put(t.workspace, 'report.txt', 'a draft');
    await t.world.tell('Atlas', '{"path":"report.txt"}');
    expect(t.world.said.filter(({ file }) => file)).toEqual([]);
    up = true;
    put(t.workspace, 'report.txt', 'the report');
    await t.world.pass(60_000);
    const files = t.world.said.filter(({ file }) => file);
    expect(files).toHaveLength(1);
    expect(t.kept).toEqual([
      { id: files[0]?.id, content: 'a draft' },
      { id: files[0]?.id, content: 'the report' },
    ]);
  });

  it.each([
    ['what is not there', 'none.txt', /no such file/],
    ['a folder', '.', /workspace itself/],
    ['what is outside', '../secret', /outside/],
    ['what is somewhere on this machine', '/etc/passwd', /outside/],
    ['what a symbolic link leads to', 'link', /symbolic link/],
    ['what a hard link leads to', 'linked', /hard links/],
    ['what is too large', 'large', /larger than 100 bytes/],
    ['what is empty', 'empty', /empty/],
    ['what the chat does not take', 'picture.png', /no pictures of 9 bytes: image\/png/],
  ])('[TOL-02] does not send %s', async (_what, path, error) => {
    const refusal: FileSending['refusal'] = ({ mime, bytes }) =>
      mime.startsWith('image/') ? `no pictures of ${bytes} bytes: ${mime}` : null;
    await using t = await withFiles({}, { refusal });
    const { outside, folder } = t.workspace;
    writeFileSync(join(outside, 'secret'), 'the secret');
    symlinkSync('../secret', join(folder, 'link'));
    linkSync(join(outside, 'secret'), join(folder, 'linked'));
    put(t.workspace, 'large', 'x'.repeat(101));
    put(t.workspace, 'empty', '');
    writeFileSync(join(folder, 'picture.png'), Buffer.from('\x89PNG\r\n\x1a\n.', 'latin1'));
    await t.world.tell('Atlas', JSON.stringify({ path }));
    expect(JSON.parse(t.world.heard()[0] ?? '')).toEqual({ ok: false, error: expect.stringMatching(error) });
    expect([t.kept, t.world.said.length]).toEqual([[], 1]);
  });

  it('[TOL-02] sends nothing that could not be kept', async () => {
    const full = new ParleyError('OUTPUT_FAILED', 'The file could not be kept for sending.');
    const told: Script = (turn) => Promise.resolve(sends(turn)).catch((error: unknown) => String(error));
    await using t = await withFiles({ agents: { Atlas: told } }, { keep: () => Promise.reject(full) });
    put(t.workspace, 'report.txt');
    await t.world.tell('Atlas', '{"path":"report.txt"}');
    expect(t.world.said).toMatchObject([{ text: expect.stringContaining('could not be kept') }]);
  });

  it('[TOL-02] shows a name that says what it is', async () => {
    await using t = await withFiles();
    put(t.workspace, 'bill\u202efdp.exe\n');
    await t.world.tell('Atlas', JSON.stringify({ path: 'x/../bill\u202efdp.exe\n' }));
    expect(t.world.said[0]?.file).toMatchObject({ name: 'bill_fdp.exe_', mime: 'application/octet-stream' });
  });

  it.each<[string, Partial<WorldOptions>, readonly string[]]>([
    ['may read', {}, ['send_file']],
    ['may send, and nothing else', { toolPolicy: { allow: ['send_file'] } }, ['send_file']],
    ['may work with files, but not send them', { toolPolicy: { allow: ['fs'], deny: ['send_file'] } }, []],
    ['may only talk', { toolPolicy: {} }, ['message_agent', 'list_agents']],
    ['has no workspace, or whose chat takes no files', { fileSending: () => null }, []],
  ])('[TOL-01] is a tool of an agent that %s: %#', async (_who, options, tools) => {
    await using t = await withFiles({ agents: { Atlas: () => 'Hello.' }, ...options });
    await t.world.tell('Atlas', 'hello');
    expect(t.world.turns[0]?.tools.filter((name) => !name.includes('group') && !name.includes('member'))).toEqual(
      tools,
    );
  });

  it('[TOL-01] is not there where another agent asks', async () => {
    const atlas = script({
      ask: async ({ use }) => String(await use('message_agent', { agent: 'Nova', text: 'Hm?' })),
    });
    const toolPolicy = { allow: ['fs', 'messaging'] };
    await using t = await withFiles({ agents: { Atlas: atlas, Nova: () => 'Yes.' }, toolPolicy });
    await t.world.tell('Atlas', 'ask');
    const [asked, answering] = t.world.turns;
    expect([asked?.agent, asked?.tools.includes('send_file')]).toEqual(['Atlas', true]);
    expect([answering?.agent, answering?.tools.includes('send_file')]).toEqual(['Nova', false]);
  });

  it('[TOL-03] waits for approval, and then sends the file in the chat where it was asked for, once', async () => {
    const atlas = script({ '[approved': 'It is sent.', path: sends });
    const toolPolicy = { allow: ['fs'], approve: ['send_file'] };
    const statuses: unknown[] = [];
    const keep: FileSending['keep'] = async (id) => {
      statuses.push(t.world.approvals.get(1)?.status);
      return `/kept/${id}`;
    };
    await using t = await withFiles({ agents: { Atlas: atlas }, admins: ['boss'], toolPolicy }, { keep });
    put(t.workspace, 'report.txt');
    await t.world.tell('Atlas', '{"path":"report.txt"}', { sender: 'ann' });
    expect(JSON.parse(t.world.said[0]?.text ?? '')).toMatchObject({ waiting: true });
    expect(t.world.said.filter(({ file }) => file)).toEqual([]);
    await t.world.tell('Atlas', '!approve 1', { sender: 'boss' });
    const toAnn = t.world.said.filter(({ peer }) => peer.id === 'ann');
    expect(toAnn.slice(1).map(({ text, file }) => file?.name ?? text)).toEqual(['report.txt', 'It is sent.']);
    expect(t.world.said.filter(({ file }) => file)).toHaveLength(1);
    // Nothing has been done before it is settled: a call that is cut short is made again, and not given up as unknown.
    expect(statuses).toEqual(['approved']);
  });
});
