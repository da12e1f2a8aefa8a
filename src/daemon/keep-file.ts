import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Keeps a file for this user alone, whole or not at all: a crash in the middle leaves no half of it, but a draft. */
export async function keepFile(path: string, content: Uint8Array, draft = `${path}.part`): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await writeFile(draft, content, { mode: 0o600, flush: true });
  await rename(draft, path);
}
