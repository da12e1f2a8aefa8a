import { err, ok, type Result } from '../lib/result.ts';
import {
  type Bounded,
  type Entry,
  type Files,
  MAX_ENTRIES,
  MAX_MATCHES,
  type Match,
  type SearchFor,
  tooLarge,
} from './files.ts';
import { INSIDE, type RunResult, type Sandbox } from './sandbox.ts';
import type { WorkspacePath } from './workspace-path.ts';

/** Enough for the longest lists. */
const LIST_BYTES = 512 * 1024;

/** $1: the file. It keeps its permissions; a symbolic link is replaced, not followed. */
const WRITE = `
folder=\${1%/*}
mkdir -p -- "$folder" && new=$(mktemp -p "$folder" .parley-XXXXXXXX) || exit
trap 'rm -f -- "$new"' EXIT
cat > "$new" && { [ ! -f "$1" ] || chmod --reference="$1" -- "$new"; } && mv -fT -- "$new" "$1"`;

/** Files by means of small commands in the sandbox: a link that leads out of the workspace leads to nothing of the host there. */
export class SandboxedFiles implements Files {
  readonly #sandbox: Sandbox;

  constructor(sandbox: Sandbox) {
    this.#sandbox = sandbox;
  }

  async read(path: WorkspacePath, maxBytes: number, signal: AbortSignal): Promise<Result<Buffer, string>> {
    const bytes = maxBytes + 1;
    const run = await this.#sandbox.run(['head', '-c', `${bytes}`, '--', within(path)], {
      signal,
      outputBytes: 2 * bytes,
    });
    if (run.exitCode !== 0) return err(problemOf(run));
    return run.stdout.length < bytes ? ok(run.stdout) : err(tooLarge(maxBytes));
  }

  async write(path: WorkspacePath, content: Uint8Array, signal: AbortSignal): Promise<Result<void, string>> {
    const run = await this.#sandbox.run(['bash', '-c', WRITE, 'write', within(path)], { signal, stdin: content });
    return run.exitCode === 0 ? ok(undefined) : err(problemOf(run));
  }

  async list(path: WorkspacePath, signal: AbortSignal): Promise<Result<Bounded<Entry>, string>> {
    const depth = ['-mindepth', '1', '-maxdepth', '1'];
    const command = ['find', `${within(path)}/`, ...depth, '-printf', '%y %s %f\\0'];
    const run = await this.#sandbox.run(command, { signal, outputBytes: LIST_BYTES });
    if (run.exitCode !== 0 && run.stopped !== 'output') return err(problemOf(run));
    const records = run.stdout.toString().split('\0').slice(0, -1);
    const items = records.slice(0, MAX_ENTRIES).flatMap(readEntry);
    return ok({ items, cut: run.stopped === 'output' || records.length > MAX_ENTRIES });
  }

  async search(
    path: WorkspacePath,
    { text, regex }: SearchFor,
    signal: AbortSignal,
  ): Promise<Result<Bounded<Match>, string>> {
    const options = ['-rnIHZ', '--devices=skip', `--max-count=${MAX_MATCHES}`, regex ? '-E' : '-F'];
    const command = ['grep', ...options, '-e', text, '--', `./${path}`];
    const run = await this.#sandbox.run(command, { signal, outputBytes: LIST_BYTES });
    const found = readMatches(run.stdout.toString());
    // 1: nothing found; 2: something could not be read, which need not be all.
    const failed = run.exitCode !== 0 && run.exitCode !== 1 && run.stopped !== 'output';
    if (failed && found.length === 0) return err(problemOf(run));
    return ok({ items: found.slice(0, MAX_MATCHES), cut: run.stopped === 'output' || found.length > MAX_MATCHES });
  }
}

const within = (path: WorkspacePath): string => `${INSIDE}/${path}`;

const KINDS: Readonly<Record<string, Entry['kind']>> = { f: 'file', d: 'folder', l: 'link' };

function readEntry(record: string): Entry[] {
  const [, type = '', size, name] = /^(.) (\d+) (.+)$/s.exec(record) ?? [];
  return name === undefined ? [] : [{ name, kind: KINDS[type] ?? 'other', size: Number(size) }];
}

/** A name may have a line break in it, a text that was found has none; neither has NUL. */
function readMatches(output: string): Match[] {
  const records = output.matchAll(/(?:\.\/)?([^\0]+)\0(\d+):([^\n\0]*)\n/g);
  return [...records].map(([, path = '', line, text = '']) => ({ path, line: Number(line), text }));
}

/** What a command said last, without its own name. */
function problemOf({ stderr, stopped }: RunResult): string {
  if (stopped) return `It was stopped: its limit of ${stopped} was reached.`;
  const said = stderr.toString().trim().split('\n').at(-1) ?? '';
  return said.replace(/^(?:[\w-]+: )+(?:line \d+: )?/, '').slice(0, 500) || 'It did not work.';
}
