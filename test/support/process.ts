import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

// Node itself, without a shell or a launcher between: a signal hits the process that it is meant for.
const NODE = fileURLToPath(new URL('../../node_modules/.bin/node', import.meta.url));
const PARLEY = fileURLToPath(new URL('../../bin/parley', import.meta.url));

export interface ProcessOptions {
  /** Its working directory. */
  readonly folder: string;
  /** Its whole environment: nothing of ours, above all no key, gets through. */
  readonly env?: Readonly<Record<string, string>>;
}

/** How a process ended: by itself with a code, or by a signal. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A `parley` command in a process of its own. Disposing of it kills it. */
export class ParleyProcess implements AsyncDisposable {
  readonly #child: ChildProcessWithoutNullStreams;
  #output = '';
  #errors = '';
  #exit: Exit | null = null;
  /** Resolves when it has ended and all that it wrote has been read. */
  readonly ended: Promise<Exit>;

  constructor(command: readonly string[], { folder, env = {} }: ProcessOptions) {
    this.#child = spawn(NODE, [PARLEY, ...command], { cwd: folder, env: { ...env } });
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.#output += text;
    });
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#errors += text;
    });
    // Whoever writes to it while it dies learns of its death by `ended`.
    this.#child.stdin.on('error', () => undefined);
    this.ended = new Promise((resolve) => {
      this.#child.once('close', (code, signal) => {
        this.#exit = { code, signal };
        resolve(this.#exit);
      });
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** All that it has written on standard error. */
  get errors(): string {
    return this.#errors;
  }

  get isRunning(): boolean {
    return this.#exit === null;
  }

  /** The first place where its standard output matches; rejects, with its errors, when it ends before. */
  async printed(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.#output);
      if (match) return match;
      if (!this.isRunning) throw new Error(`Parley ended: ${this.#errors}`);
      const over = new AbortController();
      await Promise.race([once(this.#child.stdout, 'data', { signal: over.signal }), this.ended]);
      over.abort();
    }
  }

  write(bytes: Uint8Array): void {
    this.#child.stdin.write(bytes);
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Ends it as the system ends what it has no memory for; resolves when it is gone. */
  async kill(): Promise<Exit> {
    this.signal('SIGKILL');
    return await this.ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}
