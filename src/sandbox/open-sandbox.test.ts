import { chmodSync, mkdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  makeReachableFolder,
  requireSandbox,
  sandboxOn,
  TEST_LIMITS,
  TestWorkspace,
} from '../../test/support/sandbox.ts';
import { agentId } from '../domain/addresses.ts';
import { systemClock } from '../lib/clock.ts';
import { openWorkspace } from './open-workspace.ts';
import { workspaceFolder } from './workspace-folder.ts';

const isRoot = process.getuid?.() === 0;

describe('a sandbox', () => {
  beforeEach(requireSandbox);

  it('[TOL-02] runs commands as they are, without a shell', async () => {
    using workspace = await TestWorkspace.open('all');
    if (!workspace.shell.ok) throw new Error(workspace.shell.error);
    const { signal } = new AbortController();
    const run = await workspace.shell.value.run(['printf', '%s|', '$HOME', '*', "a'b", ''], { signal });
    expect(run).toMatchObject({ exitCode: 0, stopped: null });
    expect(run.stdout.toString()).toBe("$HOME|*|a'b||");
  });

  it('[TOL-02] tells how a command ended, with what it wrote', async () => {
    using workspace = await TestWorkspace.open('all');
    expect(await workspace.bash('cat; echo problem >&2; exit 7', { stdin: 'given' })).toEqual({
      exitCode: 7,
      stopped: null,
      out: 'given',
      errors: 'problem\n',
    });
    expect(await workspace.bash('kill -SEGV $$')).toMatchObject({ exitCode: 128 + 11 });
    expect(await workspace.bash('exec no-such-program')).toMatchObject({ exitCode: 127 });
    // Nobody reads what it is given.
    expect(await workspace.bash('true', { stdin: 'x'.repeat(1_000_000) })).toMatchObject({ exitCode: 0 });
  });

  it('[TOL-02] is not there with limits that leave no room for it, and it is said so', async () => {
    const folder = makeReachableFolder();
    const { workspace, shell } = await openWorkspace({
      folder: join(folder, 'workspace'),
      mode: 'all',
      limits: { ...TEST_LIMITS, processes: 1 },
      clock: systemClock,
    });
    const { signal } = new AbortController();
    expect(shell).toMatchObject({ ok: false, error: expect.stringContaining('sandbox.limits.processes') });
    // The files do not need it.
    expect(await workspace.write('f', 'x', signal)).toMatchObject({ ok: true });
    rmSync(folder, { recursive: true });
  });

  it.runIf(isRoot)('[TOL-02] is not there where its user may not go, and it is said so', async () => {
    const folder = makeReachableFolder();
    chmodSync(folder, 0o700);
    const { shell } = await openWorkspace({
      folder: join(folder, 'w'),
      mode: 'all',
      limits: TEST_LIMITS,
      clock: systemClock,
    });
    expect(shell).toMatchObject({ ok: false, error: expect.stringContaining('sandbox.workspaceRoot') });
    rmSync(folder, { recursive: true });
  });

  it.runIf(isRoot)('[TOL-02] is never that of root, and is that of whoever the workspace belongs to', async () => {
    const folder = makeReachableFolder();
    expect(await sandboxOn(folder)).toMatchObject({ ok: false, error: expect.stringContaining('belongs to root') });
    using workspace = await TestWorkspace.open('all');
    await workspace.bash('echo x > f');
    const { uid } = statSync(workspace.folder);
    expect(uid).not.toBe(0);
    expect(statSync(join(workspace.folder, 'f')).uid).toBe(uid);
    rmSync(folder, { recursive: true });
  });
});

describe('the folder of a workspace', () => {
  it('[TOL-02] is one for each agent, or one for all, which no agent can have for itself', () => {
    const folderOf = (scope: 'agent' | 'shared', id: string): string => workspaceFolder('/data', scope, agentId(id));
    expect(folderOf('agent', 'atlas')).not.toBe(folderOf('agent', 'nova'));
    expect(folderOf('shared', 'atlas')).toBe(folderOf('shared', 'nova'));
    expect(folderOf('agent', 'shared')).not.toBe(folderOf('shared', 'atlas'));
  });

  it('[TOL-02] keeps what is in it, and its rights', async () => {
    const top = makeReachableFolder();
    const folder = join(top, 'mine');
    mkdirSync(folder, { mode: 0o750 });
    chmodSync(folder, 0o750);
    await openWorkspace({ folder, mode: 'off', limits: TEST_LIMITS, clock: systemClock });
    expect(statSync(folder).mode & 0o777).toBe(0o750);
    rmSync(top, { recursive: true });
  });
});
