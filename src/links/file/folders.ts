import { randomUUID } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { type AgentId, agentId, isAgentId } from '../../domain/addresses.ts';
import { ParleyError } from '../../domain/errors.ts';
import { errorText } from '../../lib/errors.ts';
import { isFileName, requireFileName } from './names.ts';

/** The folders of a mailbox. What is queued is in the mailbox itself. */
export const STATES = ['queued', 'claimed', 'done', 'failed', 'expired'] as const;
export type FileState = (typeof STATES)[number];

/** What is in a mailbox and is not a message, whatever it is. */
const OWN_NAMES: readonly string[] = ['claimed', 'done', 'failed', 'expired', 'incoming', 'quarantine', 'reasons'];

/** The longest file that is read, in bytes: a body of 1 MiB may be six times as long in JSON, and has company. */
const MAX_FILE_BYTES = 8 * 1024 * 1024;

/** The folders below a root, `inbox/<agent>/…`. Nothing outside is touched: names are checked, and symbolic links are not followed. */
export class MailboxFolders {
  readonly #inbox: string;

  constructor(root: string) {
    mkdirSync(root, { recursive: true });
    this.#inbox = join(root, 'inbox');
  }

  /** Everybody who has a mailbox. */
  agents(): AgentId[] {
    return entriesOf(this.#inbox)
      .filter((entry) => entry.isDirectory() && isAgentId(entry.name) && isFileName(entry.name))
      .map((entry) => agentId(entry.name))
      .sort();
  }

  /** The folder, made when it is not there. Throws when it, or one above it, is not a folder of its own. */
  open(agent: AgentId, name: FileState | 'incoming' | 'quarantine' | 'reasons'): string {
    requireFileName(agent);
    ownFolder(this.#inbox);
    const mailbox = ownFolder(join(this.#inbox, agent));
    return name === 'queued' ? mailbox : ownFolder(join(mailbox, name));
  }

  /** The names in a folder, without folders and hidden files; none when it is not there. */
  names(agent: AgentId, state: FileState): string[] {
    return entriesOf(this.open(agent, state))
      .filter((entry) => !entry.isDirectory() && !entry.name.startsWith('.') && !OWN_NAMES.includes(entry.name))
      .map((entry) => entry.name)
      .sort();
  }

  /** Nobody ever sees a part of it, and a power failure does not take it. */
  write(agent: AgentId, state: FileState | 'quarantine' | 'reasons', name: string, text: string): void {
    const temporary = join(this.open(agent, 'incoming'), randomUUID());
    const target = join(this.open(agent, state), name);
    try {
      writeFileSync(temporary, text, { mode: 0o600, flag: 'wx', flush: true });
      renameSync(temporary, target);
      syncFolder(dirname(target));
    } catch (error) {
      rmSync(temporary, { force: true });
      throw fileError(error, target);
    }
  }

  /** False when the file is not there any more: somebody else was faster. */
  move(agent: AgentId, from: Place, to: Place): boolean {
    const source = join(this.open(agent, from.state), from.name);
    const target = join(this.open(agent, to.state), to.name);
    try {
      renameSync(source, target);
    } catch (error) {
      if (isMissing(error)) return false;
      throw fileError(error, target);
    }
    syncFolder(dirname(target));
    return true;
  }

  /** null when it is not there any more. Throws a RangeError with the reason when it is no file that can be read. */
  read(agent: AgentId, { state, name }: Place): { readonly text: string; readonly modified: bigint } | null {
    let file: number;
    try {
      file = openSync(join(this.open(agent, state), name), READ);
    } catch (error) {
      if (isMissing(error)) return null;
      throw new RangeError(`it cannot be opened: ${errorText(error)}`, { cause: error });
    }
    try {
      const { size, mtimeNs } = fstatSync(file, { bigint: true });
      if (!fstatSync(file).isFile()) throw new RangeError('it is not a file');
      if (size > MAX_FILE_BYTES) throw new RangeError(`it has more than ${MAX_FILE_BYTES} bytes`);
      return { text: readFileSync(file, 'utf8'), modified: mtimeNs };
    } finally {
      closeSync(file);
    }
  }

  reason(agent: AgentId, id: string): string | null {
    try {
      return readFileSync(join(this.open(agent, 'reasons'), `${id}.txt`), 'utf8');
    } catch {
      return null;
    }
  }

  remove(agent: AgentId, { state, name }: Place): void {
    rmSync(join(this.open(agent, state), name), { force: true });
  }
}

export interface Place {
  readonly state: FileState | 'quarantine' | 'reasons';
  readonly name: string;
}

/** A symbolic link is not followed, and a pipe is not waited for. Windows knows neither flag. */
const READ = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

function entriesOf(folder: string) {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    if (isMissing(error)) return [];
    throw fileError(error, folder);
  }
}

function ownFolder(path: string): string {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw fileError(error, path);
  }
  if (lstatSync(path).isDirectory()) return path;
  throw new ParleyError('CONFIG_INVALID', `${path} is a symbolic link or a file, where a mailbox should be a folder.`, {
    hint: 'Move it away, or choose another project root; the file transport follows no links.',
  });
}

/** A rename is only certain once its folder is on disk. Windows cannot do this, and does not need it. */
function syncFolder(path: string): void {
  if (process.platform === 'win32') return;
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

const isMissing = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'ENOENT';

function fileError(error: unknown, path: string): unknown {
  if (error instanceof ParleyError) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === 'ENOSPC') return new ParleyError('DISK_FULL', `The disk that holds ${path} is full.`, { cause: error });
  return new ParleyError('DATABASE_FAILED', `The mailbox file ${path} cannot be written: ${errorText(error)}`, {
    hint: 'Give this user write permission on the folder.',
    cause: error,
  });
}
