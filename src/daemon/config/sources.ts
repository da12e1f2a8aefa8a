import { statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { err, ok, type Result } from '../../lib/result.ts';
import type { Problem } from './problem.ts';
import {
  mergeVariables,
  PROJECT_ROOT,
  problem,
  readOptional,
  readSettingsFile,
  readText,
  SETTINGS_FILE,
  type SettingsFile,
  type Surroundings,
  unreadable,
  type Variable,
} from './surroundings.ts';
import { SECRETS } from './variables.ts';

/** Everything that a configuration is made of, read but not yet understood. */
export interface Sources {
  /** `.env` and environment, without what is empty. */
  readonly variables: ReadonlyMap<string, Variable>;
  /** By the name of the variable, whether its value came from there or from the file that `<NAME>_FILE` names. */
  readonly secrets: ReadonlyMap<string, string>;
  readonly projectRoot: string;
  /** `parley.json5`, when there is one. */
  readonly file: SettingsFile | null;
  /** Where `.env` and `parley.json5` are looked for, whether they are there or not. */
  readonly settingsFiles: readonly string[];
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
  const filePath = join(projectRoot, SETTINGS_FILE);
  const file = readSettingsFile(filePath, problems);
  const { secrets, files } = readSecrets(variables, cwd, problems);
  const privateFiles = dotEnv === null ? files : [dotEnvPath, ...files];
  const settingsFiles = [dotEnvPath, filePath];
  return { variables, secrets, projectRoot, file, settingsFiles, privateFiles, problems };
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
