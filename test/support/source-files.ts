import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const PROJECT = fileURLToPath(new URL('../..', import.meta.url));

export interface SourceFile {
  /** From the top of the project, with `/`. */
  readonly path: string;
  readonly text: string;
}

function readSource(path: string): SourceFile {
  return { path, text: readFileSync(join(PROJECT, path), 'utf8') };
}

/** The TypeScript files in a folder of the project, sorted by path. */
export function sourcesIn(folder: string): SourceFile[] {
  return globSync(`${folder}/**/*.ts`, { cwd: PROJECT })
    .map((path) => path.replaceAll('\\', '/'))
    .sort()
    .map(readSource);
}

/** Tests and what only they use: they may import anything, and nothing else may import them. */
export const isTestCode = (path: string): boolean =>
  path.startsWith('test/') || path === 'src/lib/manual-clock.ts' || /(?:\.test|\.fixture|-fixtures)\.ts$/.test(path);

/** A string (kept in group 1) or a comment. Near enough to search in: it takes a quote in a regular expression for a string. */
const STRING_OR_COMMENT = /('(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`)|\/\*[\s\S]*?\*\/|\/\/.*/g;

export function withoutComments(text: string): string {
  return text.replace(STRING_OR_COMMENT, (_all, string?: string) => string ?? '');
}

export function withoutCommentsAndStrings(text: string): string {
  return text.replace(STRING_OR_COMMENT, (_all, string?: string) => (string === undefined ? '' : "''"));
}
