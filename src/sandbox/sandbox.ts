/** Where an agent finds its workspace inside a sandbox. */
export const INSIDE = '/workspace';

export interface SandboxLimits {
  /** From the start of a command until it is stopped, however idle it is. */
  readonly seconds: number;
  /** Of all processes of a command together, and as much again for what it puts into /tmp. In MiB. */
  readonly memoryMb: number;
  /** At a time, threads counted. */
  readonly processes: number;
  /** What a command may write on standard output and standard error together, in KiB. */
  readonly outputKb: number;
}

export interface RunOptions {
  readonly stdin?: Uint8Array;
  /** Aborting kills the command; `run` then rejects with the reason. */
  readonly signal: AbortSignal;
  /** In the place of the limit of output, in bytes. */
  readonly outputBytes?: number;
}

export interface RunResult {
  /** 128 and the number of the signal, where a signal has ended the command. null: it was stopped. */
  readonly exitCode: number | null;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
  /** The limit that it was stopped at, if any. What it had written until then is there. */
  readonly stopped: 'time' | 'memory' | 'output' | null;
}

/** Runs commands that nobody vouches for: they see the workspace, the programs of this machine, and nothing else of it. */
export interface Sandbox {
  /** The limits of each command. */
  readonly limits: SandboxLimits;
  /** Which hosts commands can reach, by HTTP and HTTPS; there is no other network. As in `NetworkPolicy`. */
  readonly hosts: readonly string[];
  /** Runs a program with its arguments; no shell is between. Rejects when none can be started. */
  run(command: readonly string[], options: RunOptions): Promise<RunResult>;
}
