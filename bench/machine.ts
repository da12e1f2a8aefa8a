import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus, loadavg, release, tmpdir, totalmem, type } from 'node:os';
import Sqlite from 'better-sqlite3';
import { z } from 'zod';

const packageSchema = z.object({ version: z.string() });

function versionOf(name: string): string {
  const path = createRequire(import.meta.url).resolve(`${name}/package.json`);
  return packageSchema.parse(JSON.parse(readFileSync(path, 'utf8'))).version;
}

function sqliteVersion(): string {
  const sqlite = new Sqlite(':memory:');
  const version = sqlite.prepare<[], string>('SELECT sqlite_version()').pluck().get() ?? 'unknown';
  sqlite.close();
  return version;
}

/** What the figures were measured on. */
export function describeMachine(): Record<string, string> {
  const cores = cpus();
  return {
    processor: `${cores.length} × ${cores[0]?.model.trim() ?? 'unknown'}`,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    system: `${type()} ${release()}, load ${loadavg()[0]?.toFixed(1)}`,
    'files in': tmpdir(),
    versions: `Node ${process.versions.node}, better-sqlite3 ${versionOf('better-sqlite3')}, SQLite ${sqliteVersion()}`,
  };
}
