import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmdirSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PIECES = [64 * 1024, 4096, 1];

/** A file system of a few megabytes, in memory. Only root on Linux can make one. */
export class SmallDisk implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'parley-disk-'));

  constructor(megabytes: number) {
    try {
      mount('-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', this.path);
    } catch (error) {
      rmdirSync(this.path);
      throw error;
    }
  }

  /** Leaves no byte free. */
  fill(): void {
    const file = openSync(this.#filler, 'a');
    for (const bytes of PIECES) while (hasRoomFor(file, bytes));
    closeSync(file);
  }

  free(): void {
    rmSync(this.#filler);
  }

  makeReadOnly(): void {
    mount('-o', 'remount,ro', this.path);
  }

  [Symbol.dispose](): void {
    execFileSync('umount', ['--lazy', this.path]);
    rmdirSync(this.path);
  }

  get #filler(): string {
    return join(this.path, 'filler');
  }
}

/** Why there can be no small disks here; null when there can. */
export function noSmallDisks(): string | null {
  try {
    using _disk = new SmallDisk(1);
    return null;
  } catch {
    return 'needs the right to mount a file system';
  }
}

function mount(...words: readonly string[]): void {
  execFileSync('mount', words, { stdio: 'pipe' });
}

function hasRoomFor(file: number, bytes: number): boolean {
  try {
    return writeSync(file, Buffer.alloc(bytes)) === bytes;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOSPC') return false;
    throw error;
  }
}
