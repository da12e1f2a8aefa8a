import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT } from '../support/source-files.ts';
import { temporaryFolder } from '../support/spool.ts';

const NODE = join(PROJECT, 'node_modules/.bin/node');
const PARLEY = join(PROJECT, 'bin/parley');

interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** What it reads on standard input; nothing by default. */
  readonly input?: string | Uint8Array;
}

/** A folder with a spool in it, and the command line to work on it: each call is a process of its own. */
export class CommandLine implements Disposable {
  readonly #folder = temporaryFolder();

  get folder(): string {
    return this.#folder.path;
  }

  /** Runs `parley …`, whatever comes of it. Its environment is what `env` says and nothing else. */
  run(args: readonly string[], options: RunOptions = {}): Promise<Run> {
    return this.start(args, options).ended;
  }

  /** The same, for one that is not expected to end soon. */
  start(args: readonly string[], options: RunOptions = {}): LongRun {
    return new LongRun(NODE, [PARLEY, ...args], this.folder, options);
  }

  /** Runs lines of shell with `parley` on the path, whatever comes of it. */
  shell(script: string): Promise<Run> {
    const bin = join(this.folder, '.bin');
    mkdirSync(bin, { recursive: true });
    writeFileSync(join(bin, 'parley'), `#!/bin/sh\nexec '${NODE}' '${PARLEY}' "$@"\n`, { mode: 0o755 });
    const env = { PATH: `${bin}:${process.env['PATH']}`, HOME: this.folder };
    return new LongRun('bash', ['--norc', '-eu', '-o', 'pipefail', '-c', script], this.folder, { env }).ended;
  }

  /** Runs `parley …`, which has to succeed; what it wrote on standard output. */
  async parley(...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.run(args);
    if (code !== 0) throw new Error(`parley ${args.join(' ')} ended with ${code}: ${stderr}`);
    return stdout;
  }

  /** The same with `--json`; the document that it wrote. */
  async json(...args: readonly string[]): Promise<unknown> {
    return JSON.parse(await this.parley(...args, '--json'));
  }

  /** Registers agents that can do `send` and `receive`. */
  async register(...names: readonly string[]): Promise<void> {
    await Promise.all(names.map((name) => this.parley('register', name, '-c', 'send,receive', '-d', 'local')));
  }

  [Symbol.dispose](): void {
    this.#folder.remove();
  }
}

/** A program in a process of its own, until it has ended. */
export class LongRun {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #output = { stdout: '', stderr: '' };
  readonly ended: Promise<Run>;

  constructor(program: string, args: readonly string[], folder: string, { env = {}, input = '' }: RunOptions) {
    const child = spawn(program, args, { cwd: folder, env: { ...env } });
    for (const stream of ['stdout', 'stderr'] as const) {
      child[stream].setEncoding('utf8').on('data', (text: string) => {
        this.#output[stream] += text;
      });
    }
    // It may refuse its input, and end before it has read all of it.
    child.stdin.on('error', () => undefined).end(input);
    this.#child = child;
    this.ended = new Promise((resolve, reject) => {
      child.once('error', reject).once('close', (code) => resolve({ code, ...this.#output }));
    });
  }

  /** The first match in what it writes, as soon as it is there; rejects when it ends before. */
  async until(stream: 'stdout' | 'stderr', pattern: RegExp): Promise<RegExpExecArray> {
    for (let over = false; ; ) {
      const match = pattern.exec(this.#output[stream]);
      if (match) return match;
      if (over) throw new Error(`it ended: ${this.#output.stderr}`);
      const abandoned = new AbortController();
      const more = once(this.#child[stream], 'data', { signal: abandoned.signal });
      over = await Promise.race([this.ended.then(() => true), more.then(() => false)]);
      abandoned.abort();
      // When the other one has won, this one rejects, and nobody waits for it.
      more.catch(() => undefined);
    }
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }
}
