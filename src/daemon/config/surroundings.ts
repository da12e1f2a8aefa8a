import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseEnv } from 'node:util';
import json5 from 'json5';
import { z } from 'zod';
import { err, ok, type Result } from '../../lib/result.ts';
import type { Problem } from './problem.ts';

/** Where a process runs and what it was given. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
}

/** The surroundings of this process: the only place in Parley that reads them. */
export const processSurroundings = (): Surroundings => ({ env: process.env, cwd: process.cwd() });

/** What a command line says of the spool, as it was typed. */
export interface SpoolFlags {
  readonly db?: string;
  readonly projectRoot?: string;
  readonly transport?: string;
}

/** The surroundings with what the flags say in the place of the variables that say the same. */
export function withFlags({ env, cwd }: Surroundings, { db, projectRoot, transport }: SpoolFlags): Surroundings {
  const flags = {
    // A path on the command line is meant as the shell completes it: from the working directory.
    ...(db !== undefined && { AGENT_COMM_DB_PATH: resolve(cwd, db) }),
    ...(projectRoot !== undefined && { [PROJECT_ROOT]: projectRoot }),
    ...(transport !== undefined && { AGENT_COMM_TRANSPORT: transport }),
  };
  return { env: { ...env, ...flags }, cwd };
}

/** What `.env` and environment say of one variable. */
export interface Variable {
  readonly value: string;
  /** Its name, and the file it stands in. */
  readonly where: string;
  readonly fromFile: boolean;
}

export interface SettingsFile {
  readonly path: string;
  /** Not yet validated. */
  readonly content: unknown;
}

/** Where the project root is named: `parley.json5` and `data/` are in it. */
export const PROJECT_ROOT = 'AGENT_COMM_PROJECT_ROOT';
export const SETTINGS_FILE = 'parley.json5';

/** The environment wins over `.env`, also with an empty value: that is how a variable of the file is switched off. */
export function mergeVariables(env: Surroundings['env'], dotEnv: string | null): Map<string, Variable> {
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

/** What json5 adds to its errors. Its message is left out: it quotes the file. */
const syntaxErrorPlace = z.object({ lineNumber: z.number(), columnNumber: z.number() });

/** `parley.json5`, when there is one; what keeps it from being read is added to `problems`. */
export function readSettingsFile(path: string, problems: Problem[]): SettingsFile | null {
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
export function readOptional(path: string, problems: Problem[]): string | null {
  const read = readText(path);
  if (read.ok) return read.value;
  if (read.error !== 'ENOENT' && read.error !== 'ENOTDIR') problems.push(unreadable(path, read.error));
  return null;
}

/** The text of a file, or the code of the error. */
export function readText(path: string): Result<string, string> {
  try {
    return ok(readFileSync(path, 'utf8').replace(/^\uFEFF/, ''));
  } catch (error) {
    return err(error instanceof Error && 'code' in error ? String(error.code) : 'unknown error');
  }
}

export const unreadable = (where: string, code: string): Problem =>
  problem(where, `the file cannot be read (${code})`, 'Make it a file that is there and that this user may read.');

export const problem = (where: string, message: string, fix: string): Problem => ({
  severity: 'error',
  where,
  message,
  fix,
});
