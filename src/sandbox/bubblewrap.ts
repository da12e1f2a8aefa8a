import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import type { Clock } from '../lib/clock.ts';
import { BUBBLEWRAP_ENVIRONMENT, bubblewrapArguments, type ProxyAccess, USER_FILES } from './bubblewrap-arguments.ts';
import { CappedOutput } from './capped-output.ts';
import { watchMemory } from './process-tree.ts';
import { type NetworkOptions, openProxySocket } from './proxy-socket.ts';
import type { RunOptions, RunResult, Sandbox, SandboxLimits } from './sandbox.ts';

/** A user and a group of the host. */
export interface HostUser {
  readonly uid: number;
  readonly gid: number;
}

interface BubblewrapOptions {
  /** Shown inside as the workspace. */
  readonly folder: string;
  /** Whom the commands are on the host; null: whoever this process is. Never root, who may write to /proc/sys from any sandbox. */
  readonly runAs: HostUser | null;
  readonly limits: SandboxLimits;
  /** Whether this bubblewrap can forbid user namespaces inside (from 0.8). */
  readonly canDisableUserns: boolean;
  /** Where commands may connect to; null: nowhere. */
  readonly network: NetworkOptions | null;
  readonly clock: Clock;
}

/** One bubblewrap for each command: when it ends, everything that the command has started ends with it. */
export class Bubblewrap implements Sandbox {
  readonly limits: SandboxLimits;
  readonly hosts: readonly string[];
  readonly #options: BubblewrapOptions;
  readonly #clock: Clock;

  constructor(options: BubblewrapOptions) {
    this.limits = options.limits;
    this.hosts = options.network?.hosts ?? [];
    this.#options = options;
    this.#clock = options.clock;
  }

  async run(command: readonly string[], options: RunOptions): Promise<RunResult> {
    const { stdin, signal, outputBytes = this.limits.outputKb * 1024 } = options;
    const { network, runAs } = this.#options;
    signal.throwIfAborted();
    await using proxy = network && (await openProxySocket(network, runAs, this.#clock));
    signal.throwIfAborted();
    const child = this.#start(command, proxy);
    const run: { stopped: RunResult['stopped'] } = { stopped: null };
    const stop = (limit: NonNullable<RunResult['stopped']>): void => {
      run.stopped ??= limit;
      child.kill('SIGKILL');
    };
    const output = new CappedOutput(outputBytes, () => stop('output'));
    const [out, errors] = [output.of(child.stdout), output.of(child.stderr)];
    feed(child.stdin, stdin);
    for (const [index, text] of USER_FILES.entries()) feed(child.stdio.at(3 + index), text);
    const end = this.#watch(child, stop, signal);
    try {
      // When all that write have ended; the kernel is then about to end the others.
      const [code]: (number | null)[] = await once(child, 'close');
      signal.throwIfAborted();
      return { exitCode: run.stopped ? null : (code ?? null), stdout: out(), stderr: errors(), stopped: run.stopped };
    } finally {
      end();
    }
  }

  #start(command: readonly string[], proxy: ProxyAccess | null): ChildProcess {
    return spawn('bwrap', [...bubblewrapArguments(this.#options, proxy), ...command], {
      ...this.#options.runAs,
      cwd: '/',
      env: BUBBLEWRAP_ENVIRONMENT,
      stdio: ['pipe', 'pipe', 'pipe', ...USER_FILES.map(() => 'pipe' as const)],
    });
  }

  #watch(child: ChildProcess, stop: (limit: 'time' | 'memory') => void, signal: AbortSignal): () => void {
    const { seconds, memoryMb } = this.limits;
    const kill = (): void => void child.kill('SIGKILL');
    const endTime = this.#clock.timer(this.#clock.now() + seconds * 1000, () => stop('time'));
    const endMemory =
      child.pid === undefined
        ? null
        : watchMemory(child.pid, memoryMb * 1024 * 1024, this.#clock, () => stop('memory'));
    signal.addEventListener('abort', kill, { once: true });
    return () => {
      endTime();
      endMemory?.();
      signal.removeEventListener('abort', kill);
    };
  }
}

/** A command need not read what it is given. */
function feed(stream: Readable | Writable | null | undefined, content: string | Uint8Array = ''): void {
  if (!stream || !('end' in stream)) return;
  stream.on('error', () => {});
  stream.end(content);
}
