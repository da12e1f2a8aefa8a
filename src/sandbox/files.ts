import type { Result } from '../lib/result.ts';
import type { WorkspacePath } from './workspace-path.ts';

/** The largest text that the tools for files read or write, in bytes. */
export const MAX_FILE_BYTES = 1024 * 1024;
/** The longest list of files. */
export const MAX_ENTRIES = 1_000;
/** Lines that a search finds at most. */
export const MAX_MATCHES = 200;

export interface Entry {
  readonly name: string;
  readonly kind: 'file' | 'folder' | 'link' | 'other';
  /** In bytes. */
  readonly size: number;
}

export interface Match {
  readonly path: string;
  readonly line: number;
  readonly text: string;
}

/** Something that may be longer than what there is of it here. */
export interface Bounded<T> {
  readonly items: readonly T[];
  readonly cut: boolean;
}

export interface SearchFor {
  readonly text: string;
  /** `text` is an extended regular expression, not a fixed text. */
  readonly regex: boolean;
}

/** The files of one workspace. Nothing here leads out of it, whatever is in it. What does not work is told in words. */
export interface Files {
  /** A whole file of up to `maxBytes`. */
  read(path: WorkspacePath, maxBytes: number, signal: AbortSignal): Promise<Result<Buffer, string>>;
  /** Makes the file, and the folders that it is in, or puts it in the place of what was there: all of it or none. */
  write(path: WorkspacePath, content: Uint8Array, signal: AbortSignal): Promise<Result<void, string>>;
  /** What is in a folder, in no order. */
  list(path: WorkspacePath, signal: AbortSignal): Promise<Result<Bounded<Entry>, string>>;
  /** The lines of text files at or below `path` that have it. */
  search(path: WorkspacePath, wanted: SearchFor, signal: AbortSignal): Promise<Result<Bounded<Match>, string>>;
}

export const tooLarge = (maxBytes: number): string => `The file is larger than ${maxBytes} bytes.`;
