import { randomBytes } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import { lstat, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { errorText } from '../lib/errors.ts';
import { err, ok, type Result } from '../lib/result.ts';
import {
  type Bounded,
  type Entry,
  type Files,
  MAX_ENTRIES,
  MAX_FILE_BYTES,
  MAX_MATCHES,
  type Match,
  type SearchFor,
  tooLarge,
} from './files.ts';
import { isWorkspaceItself, type WorkspacePath } from './workspace-path.ts';

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK } = constants;

/** A search gives up after as many files, and looks into folders as deep: each on the way down is open meanwhile. */
const SEARCHED_FILES = 5_000;
const SEARCHED_DEPTH = 32;

/** A folder that is open. `place`: a path that leads to this one, even if another is put where it was. */
interface OpenFolder {
  readonly place: string;
}

/**
 * Files without a sandbox. Each folder on the way is opened in the one before, and no symbolic link is followed, so that none that is
 * put there in between leads out either. (Where there is no /proc, such as on macOS, that last point depends on nobody else being at
 * work in the workspace; without a sandbox no command is.)
 */
export class ConfinedFiles implements Files {
  readonly #root: string;

  /** `root`: the real path of the workspace. */
  constructor(root: string) {
    this.#root = root;
  }

  read(path: WorkspacePath, maxBytes: number, _signal: AbortSignal): Promise<Result<Buffer, string>> {
    return this.#inFolderOf(path, {}, (folder, name) => readIn(folder, name, maxBytes));
  }

  write(path: WorkspacePath, content: Uint8Array, _signal: AbortSignal): Promise<Result<void, string>> {
    return this.#inFolderOf(path, { make: true }, (folder, name) => writeIn(folder, name, content));
  }

  list(path: WorkspacePath, _signal: AbortSignal): Promise<Result<Bounded<Entry>, string>> {
    return explained(async () => {
      await using folder = await this.#open(namesIn(path));
      const names = await readdir(folder.place);
      const items = await Promise.all(names.slice(0, MAX_ENTRIES).map((name) => entryOf(folder, name)));
      return { items, cut: names.length > MAX_ENTRIES };
    });
  }

  async search(
    path: WorkspacePath,
    { text, regex }: SearchFor,
    signal: AbortSignal,
  ): Promise<Result<Bounded<Match>, string>> {
    if (regex) return err('Regular expressions need a sandbox. Search for a fixed text.');
    const items: Match[] = [];
    let files = 0;
    let cut = false;
    const visit = async (folder: OpenFolder, name: string, known: string, depth: number): Promise<void> => {
      signal.throwIfAborted();
      const { kind } = await entryOf(folder, name);
      if (items.length > MAX_MATCHES || files > SEARCHED_FILES || depth > SEARCHED_DEPTH) cut = true;
      else if (kind === 'folder') {
        await using inner = await openIn(folder.place, name);
        for (const one of await namesOf(inner)) await visit(inner, one, `${known}/${one}`, depth + 1);
      } else if (kind === 'file') {
        files++;
        const content = await readIn(folder, name, MAX_FILE_BYTES).catch(() => null);
        if (content && !content.includes(0)) items.push(...matchesIn(content.toString(), text, known));
      }
    };
    return explained(async () => {
      const names = namesIn(path);
      const name = names.pop();
      await using folder = await this.#open(names);
      if (name !== undefined) await visit(folder, name, path, 0);
      else for (const one of await namesOf(folder)) await visit(folder, one, one, 0);
      return { items: items.slice(0, MAX_MATCHES), cut: cut || items.length > MAX_MATCHES };
    });
  }

  async #inFolderOf<T>(
    path: WorkspacePath,
    { make = false }: { make?: boolean },
    work: (folder: OpenFolder, name: string) => Promise<T>,
  ): Promise<Result<T, string>> {
    const names = namesIn(path);
    const name = names.pop();
    if (name === undefined) return err('That is the workspace itself, not a file.');
    return explained(async () => {
      await using folder = await this.#open(names, make);
      return await work(folder, name);
    });
  }

  async #open(names: readonly string[], make = false): Promise<OpenFolder & AsyncDisposable> {
    let folder = await openFolder(this.#root, this.#root);
    for (const name of names) {
      await using outer = folder;
      if (make) await mkdir(join(outer.place, name)).catch(unlessThere);
      folder = await openIn(outer.place, name);
    }
    return folder;
  }
}

const namesIn = (path: WorkspacePath): string[] => (isWorkspaceItself(path) ? [] : path.split('/'));

const openIn = (place: string, name: string) => openFolder(join(place, name), join(place, name));

/** By the number of its handle a folder stays the same one, whatever is renamed meanwhile; see proc_pid_fd(5). */
async function openFolder(path: string, place: string): Promise<OpenFolder & AsyncDisposable> {
  const handle = await open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  return {
    place: process.platform === 'linux' ? `/proc/self/fd/${handle.fd}` : place,
    [Symbol.asyncDispose]: () => handle.close(),
  };
}

const namesOf = async ({ place }: OpenFolder): Promise<string[]> => (await readdir(place)).sort();

async function readIn({ place }: OpenFolder, name: string, maxBytes: number): Promise<Buffer> {
  await using file = await open(join(place, name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  const stats = await file.stat();
  refuseUnlessOwn(stats);
  if (stats.size > maxBytes) throw new Error(tooLarge(maxBytes));
  return await file.readFile();
}

/** A file that is also somewhere else may be a secret that somebody has linked to. */
function refuseUnlessOwn(stats: Stats): void {
  if (stats.isDirectory()) throw new Error('That is a folder.');
  if (!stats.isFile()) throw new Error('That is no file.');
  if (stats.nlink > 1) throw new Error('That file has several names (hard links), and is not opened.');
}

async function writeIn({ place }: OpenFolder, name: string, content: Uint8Array): Promise<void> {
  const before = await lstat(join(place, name)).catch(() => null);
  if (before?.isDirectory()) throw new Error('That is a folder.');
  const mode = before?.isFile() ? before.mode & 0o777 : 0o600;
  const draft = join(place, `.parley-${randomBytes(8).toString('hex')}`);
  try {
    await using file = await open(draft, 'wx', mode);
    await file.writeFile(content);
    await rename(draft, join(place, name));
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}

async function entryOf({ place }: OpenFolder, name: string): Promise<Entry> {
  const stats = await lstat(join(place, name));
  const kind = stats.isFile() ? 'file' : stats.isDirectory() ? 'folder' : stats.isSymbolicLink() ? 'link' : 'other';
  return { name, kind, size: stats.size };
}

function matchesIn(content: string, text: string, path: string): Match[] {
  return content
    .split('\n')
    .flatMap((line, index) => (line.includes(text) ? [{ path, line: index + 1, text: line }] : []));
}

function unlessThere(error: unknown): void {
  if (codeOf(error) !== 'EEXIST') throw error;
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'There is no such file or folder.',
  ENOTDIR: 'Something on the way is no folder, or a symbolic link, which is not followed.',
  ELOOP: 'That is a symbolic link, which is not followed.',
  EISDIR: 'That is a folder.',
  EACCES: 'There is no permission for that.',
  ENXIO: 'That is no file.',
  ENOSPC: 'The disk is full.',
};

async function explained<T>(work: () => Promise<T>): Promise<Result<T, string>> {
  try {
    return ok(await work());
  } catch (error) {
    // What Node says has paths of this machine in it.
    const code = codeOf(error);
    return err(code === null ? errorText(error) : (REASONS[code] ?? `It did not work (${code}).`));
  }
}

const codeOf = (error: unknown): string | null =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null;
