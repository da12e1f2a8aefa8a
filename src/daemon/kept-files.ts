import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Keeps a file for this user alone, whole or not at all: a crash in the middle leaves no half of it, but a draft. */
export async function keepFile(path: string, content: Uint8Array, draft = `${path}.part`): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await writeFile(draft, content, { mode: 0o600, flush: true });
  await rename(draft, path);
}

/** Removes what has been kept in a folder since before `olderThan` (epoch milliseconds), drafts included. */
export async function removeOlder(folder: string, olderThan: number): Promise<void> {
  for (const name of await namesIn(folder)) {
    const path = join(folder, name);
    const found = await stat(path).catch(() => null);
    if (found?.isFile() && found.mtimeMs < olderThan) await rm(path, { force: true });
  }
}

/** The names of the files that are kept in a folder, which may not be there yet. */
export async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    // Nothing has been kept yet.
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}
