import { type ToolSet, tool } from 'ai';
import { z } from 'zod';
import type { Result } from '../../lib/result.ts';
import type { RunResult, Sandbox } from '../../sandbox/sandbox.ts';
import type { Workspace } from '../../sandbox/workspace.ts';
import type { ToolAnswer } from '../groups.ts';
import { MAX_MATERIAL, material } from './material.ts';

/** A path is looked at by the workspace, which says what is wrong with it. */
const path = z.string().min(1).describe('Relative to the workspace');
const text = z.string().max(1_000_000);

interface WorkspaceParts {
  readonly workspace: Workspace;
  /** Where commands run, or in words why none can. */
  readonly shell: Result<Sandbox, string>;
}

/** Working with the files of a workspace, and running commands in it. */
export function workspaceTools({ workspace, shell }: WorkspaceParts): ToolSet {
  return { ...fileTools(workspace), ...shellTools(shell) };
}

function fileTools(workspace: Workspace): ToolSet {
  return {
    read: tool({
      description: 'Read a text file of the workspace.',
      inputSchema: z.object({
        path,
        from_line: z.int().min(1).default(1),
        lines: z.int().min(1).max(10_000).default(2_000),
      }),
      execute: async ({ path: place, from_line: from, lines }, { abortSignal }) =>
        answer(await workspace.read(place, alive(abortSignal)), (content) => {
          const all = content.split('\n');
          const shown = all.slice(from - 1, from - 1 + lines);
          return { of_lines: all.length, ...material(shown.join('\n'), { cut: from - 1 + lines < all.length }) };
        }),
    }),
    write: tool({
      description: 'Write a text file of the workspace: a new one, or all of one anew.',
      inputSchema: z.object({ path, content: text }),
      execute: async ({ path: place, content }, { abortSignal }) =>
        answer(await workspace.write(place, content, alive(abortSignal)), () => ({ written: place })),
    }),
    edit: tool({
      description: 'Change one place in a text file. old_text has to be in it exactly once, as it is there.',
      inputSchema: z.object({ path, old_text: text.min(1), new_text: text }),
      execute: async ({ path: place, old_text: old, new_text: replacement }, { abortSignal }) =>
        answer(await workspace.edit(place, old, replacement, alive(abortSignal)), () => ({ edited: place })),
    }),
    list: tool({
      description: 'What is in a folder of the workspace: kind, size in bytes and name, a line each.',
      inputSchema: z.object({ path: path.default('.') }),
      execute: async ({ path: place }, { abortSignal }) =>
        answer(await workspace.list(place, alive(abortSignal)), ({ items, cut }) => {
          const lines = items.map(({ kind, size, name }) => `${kind} ${size} ${inOneLine(name)}`);
          return { entries: items.length, ...material(lines.join('\n'), { cut }) };
        }),
    }),
    search: tool({
      description: 'Find text in the files of the workspace; regex: an extended regular expression, as grep -E has it.',
      inputSchema: z.object({
        text: z.string().min(1).max(1_000),
        path: path.default('.'),
        regex: z.boolean().default(false),
      }),
      execute: async ({ path: place, text: wanted, regex }, { abortSignal }) =>
        answer(await workspace.search(place, { text: wanted, regex }, alive(abortSignal)), ({ items, cut }) => {
          const lines = items.map((match) => `${inOneLine(match.path)}:${match.line}: ${match.text.slice(0, 300)}`);
          return { matches: items.length, ...material(lines.join('\n'), { cut }) };
        }),
    }),
  };
}

function shellTools(shell: Result<Sandbox, string>): ToolSet {
  return {
    bash: tool({
      description: `Run a command with bash in the workspace. ${networkOf(shell)} Nothing keeps running afterwards.`,
      inputSchema: z.object({ command: z.string().min(1).max(20_000) }),
      execute: async ({ command }, { abortSignal }): Promise<ToolAnswer> => {
        if (!shell.ok) return { ok: false, error: `Commands cannot be run here. ${shell.error}` };
        return described(await shell.value.run(['bash', '-c', command], { signal: alive(abortSignal) }));
      },
    }),
  };
}

function networkOf(shell: Result<Sandbox, string>): string {
  const hosts = shell.ok ? shell.value.hosts : [];
  if (hosts.length === 0) return 'There is no network.';
  const reach = hosts.includes('*') ? 'every host of the Internet' : `these hosts and no others: ${hosts.join(', ')}`;
  return `By HTTP and HTTPS it reaches ${reach}. That is by the proxy in HTTP_PROXY and HTTPS_PROXY, which refuses with 403; nothing else of the network is there, not even DNS.`;
}

function described({ exitCode, stdout, stderr, stopped }: RunResult): ToolAnswer {
  const errors = stderr.toString();
  return {
    ok: true,
    ...(stopped ? { stopped: `its limit of ${stopped} was reached` } : { exit_code: exitCode }),
    ...material(stdout.toString()),
    ...(errors === '' ? {} : { errors: material(errors, { max: MAX_MATERIAL / 3 }).material }),
  };
}

function answer<T>(result: Result<T, string>, words: (value: T) => Readonly<Record<string, unknown>>): ToolAnswer {
  return result.ok ? { ok: true, ...words(result.value) } : { ok: false, error: result.error };
}

/** A name of a file may have anything in it, such as what looks like another line. */
const inOneLine = (name: string): string => name.replace(/\p{Cc}/gu, '\uFFFD');

const alive = (signal: AbortSignal | undefined): AbortSignal => signal ?? new AbortController().signal;
