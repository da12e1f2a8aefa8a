import { posix } from 'node:path';
import { type SourceFile, withoutComments } from './source-files.ts';

export interface Import {
  /** The path of the file, for a relative import; else the name as it is written. */
  readonly target: string;
  /** Erased when the file runs (`import type`). */
  readonly typeOnly: boolean;
}

/** `import … from 'x'`, `export … from 'x'` and `import 'x'`, each at the start of a line, as the formatter puts them. */
const STATEMENT = /^(?:import|export)\s+(type\s)?(?:[^'";=]*?\sfrom\s+)?'([^']+)'/gm;
const CALL = /\bimport\(\s*'([^']+)'\s*\)/g;

/** What a file imports or re-exports, lazily or not. */
export function importsOf({ path, text }: SourceFile): Import[] {
  const code = withoutComments(text);
  const resolve = (name: string): string =>
    name.startsWith('.') ? posix.join(posix.dirname(path), name) : name.replace(/^node:/, '');
  return [
    ...[...code.matchAll(STATEMENT)].map(([, type, name = '']) => ({
      target: resolve(name),
      typeOnly: type !== undefined,
    })),
    ...[...code.matchAll(CALL)].map(([, name = '']) => ({ target: resolve(name), typeOnly: false })),
  ];
}

/** Every cycle of imports that is there when the code runs, as the files along it. */
export function importCycles(files: readonly SourceFile[]): string[][] {
  const known = new Set(files.map(({ path }) => path));
  const imports = new Map(
    files.map((file) => [
      file.path,
      importsOf(file)
        .filter(({ target, typeOnly }) => !typeOnly && known.has(target))
        .map(({ target }) => target),
    ]),
  );
  const cycles: string[][] = [];
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start >= 0) cycles.push([...trail.slice(start), path]);
    if (start >= 0 || done.has(path)) return;
    for (const target of imports.get(path) ?? []) visit(target, [...trail, path]);
    done.add(path);
  };
  for (const { path } of files) visit(path, []);
  return cycles;
}
