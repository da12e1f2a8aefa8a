import { chmodSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { openSandbox } from '../../src/sandbox/open-sandbox.ts';
import { type OpenWorkspace, openWorkspace } from '../../src/sandbox/open-workspace.ts';
import type { NetworkOptions } from '../../src/sandbox/proxy-socket.ts';
import type { RunResult, SandboxLimits } from '../../src/sandbox/sandbox.ts';
import { PROJECT } from './source-files.ts';

export const TEST_LIMITS: SandboxLimits = { seconds: 10, memoryMb: 256, processes: 32, outputKb: 64 };

export const NODE = join(PROJECT, 'node_modules/.bin/node');

/** A signal that never comes. */
export const going = (): AbortSignal => new AbortController().signal;

/** A workspace in a folder of its own, beside which a test can put what must not be reached. */
export class TestWorkspace implements Disposable {
  /** On the host; its parent is `outside`. */
  readonly folder: string;
  readonly outside: string;
  readonly files: OpenWorkspace['workspace'];
  readonly shell: OpenWorkspace['shell'];

  constructor(outside: string, { workspace, shell }: Pick<OpenWorkspace, 'workspace' | 'shell'>) {
    this.outside = outside;
    this.folder = join(outside, 'workspace');
    this.files = workspace;
    this.shell = shell;
  }

  /** The sockets of its network are below `outside`, too. */
  static async open(
    mode: 'off' | 'all',
    limits: Partial<SandboxLimits> = {},
    network?: NetworkOptions,
  ): Promise<TestWorkspace> {
    const outside = makeReachableFolder();
    const folder = join(outside, 'workspace');
    const opened = await openWorkspace({ folder, mode, limits: { ...TEST_LIMITS, ...limits }, clock: systemClock });
    const shell = network ? await opened.shellWith({ socketRoot: outside, ...network }) : opened.shell;
    return new TestWorkspace(outside, { workspace: opened.workspace, shell });
  }

  /** Runs a script of bash in the sandbox. */
  async bash(script: string, { stdin = '', signal = going() } = {}): Promise<Ran> {
    if (!this.shell.ok) throw new Error(this.shell.error);
    const { stdout, stderr, ...rest } = await this.shell.value.run(['bash', '-c', script], {
      stdin: Buffer.from(stdin),
      signal,
    });
    return { ...rest, out: stdout.toString(), errors: stderr.toString() };
  }

  [Symbol.dispose](): void {
    rmSync(this.outside, { recursive: true, force: true });
  }
}

interface Ran extends Pick<RunResult, 'exitCode' | 'stopped'> {
  readonly out: string;
  readonly errors: string;
}

/** A new folder whose subfolders every user can get to, as those of /var/lib. */
export function makeReachableFolder(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'parley-sandbox-')));
  chmodSync(folder, 0o755);
  return folder;
}

/** Where a sandbox has to be there, none is a failure; elsewhere the test is skipped. */
export async function requireSandbox({ skip }: Pick<TestContext, 'skip'>): Promise<void> {
  const reason = await whyNone;
  if (reason === null) return;
  if (process.env['CI'] === 'true') throw new Error(reason);
  skip(reason);
}

const whyNone = (async () => {
  using workspace = await TestWorkspace.open('all');
  return workspace.shell.ok ? null : workspace.shell.error;
})();

/**
 * A program for Node that runs a script in the sandbox of a workspace, and prints its exit code and its output. `network`: its options
 * for the network, as source.
 */
export function programRunning({ folder }: TestWorkspace, script: string, network = 'undefined'): string {
  const source = new URL('../../src/', import.meta.url).href;
  return `
    import { systemClock } from '${source}lib/clock.ts';
    import { openSandbox } from '${source}sandbox/open-sandbox.ts';
    const options = { folder: ${JSON.stringify(folder)}, limits: ${JSON.stringify(TEST_LIMITS)}, clock: systemClock };
    const network = ${network};
    const opened = await openSandbox({ ...options, ...(network && { network }) });
    const { signal } = new AbortController();
    const { stdout, exitCode } = await opened.value.run(['bash', '-c', ${JSON.stringify(script)}], { signal });
    process.stdout.write(exitCode + stdout.toString());
  `;
}

/** Opens a sandbox on a folder that is there. */
export const sandboxOn = (folder: string, limits: Partial<SandboxLimits> = {}) =>
  openSandbox({ folder, limits: { ...TEST_LIMITS, ...limits }, clock: systemClock });

/** The processes that descend from this one and are not dead yet. */
export function descendants(pid = process.pid): number[] {
  return childrenOf(pid).flatMap((child) => [child, ...descendants(child)]);
}

function childrenOf(pid: number): number[] {
  try {
    const tasks = readdirSync(`/proc/${pid}/task`);
    const lists = tasks.map((task) => readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8'));
    return lists.flatMap((list) => list.split(' ').filter(Boolean).map(Number)).filter(isAlive);
  } catch {
    return [];
  }
}

function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
