import { readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseEnv } from 'node:util';
import json5 from 'json5';
import { z } from 'zod';
import { err, ok, type Result } from '../../lib/result.ts';
import type { Problem } from './problem.ts';
import { PROJECT_ROOT, SECRETS, type Variable } from './variables.ts';

/** Where a process runs and what it was given. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
}

/** The surroundings of this process: the only place in Parley that reads them. */
export const processSurroundings = (): Surroundings => ({ env: process.env, cwd: process.cwd() });

/** Everything that a configuration is made of, read but not yet understood. */
export interface Sources {
  /** `.env` and environment, without what is empty. */
  readonly variables: ReadonlyMap<string, Variable>;
  /** By the name of the variable, whether its value came from there or from the file that `<NAME>_FILE` names. */
  readonly secrets: ReadonlyMap<string, string>;
  readonly projectRoot: string;
  /** `parley.json5`, when there is one. */
  readonly file: { readonly path: string; readonly content: unknown } | null;
  /** Files with secrets in them. */
  readonly privateFiles: readonly string[];
  readonly problems: readonly Problem[];
}

/** Reads `.env` in the working directory, `parley.json5` in the project root, and the files that secrets are in. */
export function readSources({ env, cwd }: Surroundings): Sources {
  const problems: Problem[] = [];
  const dotEnvPath = join(cwd, '.env');
  const dotEnv = readOptional(dotEnvPath, problems);
  const variables = mergeVariables(env, dotEnv);
  const projectRoot = resolve(cwd, variables.get(PROJECT_ROOT)?.value ?? '.');
  const file = readSettingsFile(join(projectRoot, 'parley.json5'), problems);
  const { secrets, files } = readSecrets(variables, cwd, problems);
  const privateFiles = dotEnv === null ? files : [dotEnvPath, ...files];
  return { variables, secrets, projectRoot, file, privateFiles, problems };
}

/** Which of these files everybody on the machine may read. */
export function worldReadable(paths: readonly string[]): string[] {
  if (process.platform === 'win32') return []; // Its modes say nothing about who may read.
  return paths.filter((path) => {
    try {
      return (statSync(path).mode & 0o004) !== 0;
    } catch {
      return false; // It is not there: the database before the first start.
    }
  });
}

/** The environment wins over `.env`, also with an empty value: that is how a variable of the file is switched off. */
function mergeVariables(env: Surroundings['env'], dotEnv: string | null): Map<string, Variable> {
  const variables = new Map<string, Variable>();
  for (const [name, value] of Object.entries(parseEnv(dotEnv ?? ''))) {
    if (value !== undefined) variables.set(name, { value, where: `${name} (.env)`, fromFile: true });
  }
  for (const [name, value] of Object.entries(env)) {
    if (value !== undefined) variables.set(name, { value, where: name, fromFile: false });
  }
  for (const [name, { value }] of variables) {
    if (value.trim() === '') variables.delete(name);
  }
  return variables;
}

function readSecrets(variables: ReadonlyMap<string, Variable>, cwd: string, problems: Problem[]) {
  const secrets = new Map<string, string>();
  const files: string[] = [];
  for (const name of SECRETS) {
    const direct = variables.get(name);
    const named = variables.get(`${name}_FILE`);
    if (direct) secrets.set(name, direct.value.trim());
    if (!named) continue;
    if (direct) {
      problems.push(problem(named.where, `${name} is set too`, 'Keep one of the two.'));
      continue;
    }
    const path = resolve(cwd, named.value);
    const secret = readSecretFile(path, named.where);
    if (secret.ok) {
      secrets.set(name, secret.value);
      files.push(path);
    } else {
      problems.push(secret.error);
    }
  }
  return { secrets, files };
}

function readSecretFile(path: string, where: string): Result<string, Problem> {
  const read = readText(path);
  if (!read.ok) return err(unreadable(where, read.error));
  const secret = read.value.trim();
  return secret === '' ? err(problem(where, 'the file is empty', 'Write the secret into it.')) : ok(secret);
}

/** What json5 adds to its errors. Its message is left out: it quotes the file. */
const syntaxErrorPlace = z.object({ lineNumber: z.number(), columnNumber: z.number() });

function readSettingsFile(path: string, problems: Problem[]): Sources['file'] {
  const content = readOptional(path, problems);
  if (content === null) return null;
  try {
    return { path, content: json5.parse(content) };
  } catch (error) {
    const place = syntaxErrorPlace.safeParse(error).data;
    const at = place ? ` (line ${place.lineNumber}, column ${place.columnNumber})` : '';
    problems.push(problem(path, `is not valid JSON5${at}`, 'Correct the syntax there.'));
    return null;
  }
}

/** The text of a file that need not exist; null when it does not. What else stands in the way is a problem. */
function readOptional(path: string, problems: Problem[]): string | null {
  const read = readText(path);
  if (read.ok) return read.value;
  if (read.error !== 'ENOENT' && read.error !== 'ENOTDIR') problems.push(unreadable(path, read.error));
  return null;
}

/** The text of a file, or the code of the error. */
function readText(path: string): Result<string, string> {
  try {
    return ok(readFileSync(path, 'utf8').replace(/^\uFEFF/, ''));
  } catch (error) {
    return err(error instanceof Error && 'code' in error ? String(error.code) : 'unknown error');
  }
}

const unreadable = (where: string, code: string): Problem =>
  problem(where, `the file cannot be read (${code})`, 'Make it a file that is there and that this user may read.');

const problem = (where: string, message: string, fix: string): Problem => ({ severity: 'error', where, message, fix });
