import { chmodSync, closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import Sqlite from 'better-sqlite3';
import { ParleyError } from '../../domain/errors.ts';
import type { Tx, Write } from '../../domain/write.ts';
import { type Clock, systemClock } from '../../lib/clock.ts';
import { errorText } from '../../lib/errors.ts';
import { checkOwner, migrate } from './migrations.ts';
import { steadyClock } from './steady-clock.ts';

/** Fixes a race between a checkpoint and a WAL reset that could corrupt a database shared by processes. */
const OLDEST_SQLITE = '3.51.3';

/**
 * The wait before a busy database is tried again, in milliseconds. It halves with every try, so that of several processes the one
 * that has waited longest tries most often; and it is random, so that they do not try together.
 */
const RETRY_MS = { first: 1, least: 0.2 };

/** What a write that has committed survives: a power failure, the death of the process, or (for benchmarks) neither for certain. */
export type Durability = 'power' | 'process' | 'none';

type Synchronous = 'FULL' | 'NORMAL' | 'OFF';

export interface DatabaseOptions {
  /** What the time is. Default: the system's clock. */
  readonly clock?: Clock;
  /** What leases, delays and times to live are measured with. Default: a clock that nobody can set (or `clock`, when that is given). */
  readonly steady?: Clock;
  /** Default `power`. At `process`, nothing waits for the disk: a power failure may take the last commits, never the file. */
  readonly durability?: Durability;
}

/** Opening happens once and may wait, in milliseconds: another process can be in the middle of making the file. */
const OPENING_PATIENCE_MS = 5_000;

interface Job {
  readonly durable: () => boolean;
  readonly run: () => void;
  readonly committed: () => void;
  readonly failed: (error: unknown) => void;
}

/**
 * One SQLite file, shared with other processes. Reads are synchronous and never wait. Writes are gathered: all that come while
 * the event loop turns once are one transaction, one commit, one fsync.
 */
export class Database {
  readonly path: string;
  readonly steady: Clock;
  readonly #sqlite: Sqlite.Database;
  readonly #statements = new Map<string, Sqlite.Statement>();
  readonly #begin: Sqlite.Statement;
  readonly #commit: Sqlite.Statement;
  readonly #rollback: Sqlite.Statement;
  #jobs: Job[] = [];
  #scheduled = false;
  /** How often the database was busy since the last transaction. */
  #tries = 0;
  readonly #durability: Durability;
  #synchronous: Synchronous | null = null;
  #closed = false;
  #idle: (() => void)[] = [];

  /** Opens the file, making it (mode 0600) and its folder when they are not there, and brings its schema up to date. Throws a ParleyError. */
  constructor(path: string, { clock = systemClock, steady, durability = 'power' }: DatabaseOptions = {}) {
    this.path = path;
    this.#durability = durability;
    let opened: Sqlite.Database | null = null;
    try {
      mkdirSync(dirname(path), { recursive: true });
      makePrivateFile(path);
      const sqlite = new Sqlite(path, { timeout: OPENING_PATIENCE_MS });
      opened = sqlite;
      this.#sqlite = sqlite;
      this.steady = whileBusy(() => {
        checkOwner(sqlite);
        this.#configure();
        migrate(sqlite, clock.now());
        return steady ?? (clock === systemClock ? steadyClock(sqlite) : clock);
      });
      // Not before it is known to be ours: another file is left as it is.
      if (process.platform !== 'win32') chmodSync(path, 0o600);
      // From here on a busy database is not waited for inside SQLite, which would hold up the event loop: see #tick.
      this.#sqlite.pragma('busy_timeout = 0');
    } catch (error) {
      opened?.close();
      throw databaseError(error, path);
    }
    this.#begin = this.#sqlite.prepare('BEGIN IMMEDIATE');
    this.#commit = this.#sqlite.prepare('COMMIT');
    this.#rollback = this.#sqlite.prepare('ROLLBACK');
  }

  /**
   * A statement, prepared once. On hot paths a parameter is written `+?`: SQLite looks at the value of a bare `?` when it plans a
   * join, a limit or a search beside partial indices, and then prepares the statement anew each time another value is bound,
   * which takes 8 µs where the statement itself takes less than one.
   */
  prepare<Row = unknown, Params extends unknown[] = unknown[]>(sql: string): Sqlite.Statement<Params, Row> {
    if (!this.#sqlite.open) throw new ParleyError('SPOOL_CLOSED', 'The database was closed.');
    let statement = this.#statements.get(sql);
    if (!statement) {
      statement = this.#sqlite.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement as Sqlite.Statement<Params, Row>;
  }

  /**
   * Runs `work` inside the next transaction and resolves with what it returned, once that has committed. `work` must be safe to
   * run again: when another part of the same transaction throws, each is run once more, alone. `durable` (default true): the
   * commit also survives a power failure, not just the death of the process.
   */
  write<T>(work: (tx: Tx) => T, { durable = true }: { durable?: boolean | (() => boolean) } = {}): Promise<T> {
    if (this.#closed) return Promise.reject(new ParleyError('SPOOL_CLOSED', 'The database was closed.'));
    return new Promise<T>((resolve, reject) => {
      let result: T;
      this.#jobs.push({
        durable: typeof durable === 'function' ? durable : () => durable,
        run: () => {
          result = work(this as unknown as Tx);
        },
        committed: () => resolve(result),
        failed: (error) => reject(databaseError(error, this.path)),
      });
      this.#schedule();
    });
  }

  /** Changes whenever another connection has committed. */
  dataVersion(): number {
    return this.prepare<{ data_version: number }>('PRAGMA data_version').get()?.data_version ?? 0;
  }

  /** What `PRAGMA integrity_check` says, `ok` when all is well. */
  checkIntegrity(): string {
    return this.#sqlite.pragma('integrity_check', { simple: true }) as string;
  }

  /** Commits what is waiting, then closes. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#jobs.length > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
    this.#sqlite.close();
  }

  #configure(): void {
    const version = this.#sqlite.prepare<[], { v: string }>('SELECT sqlite_version() AS v').get()?.v ?? '0';
    if (version.localeCompare(OLDEST_SQLITE, 'en', { numeric: true }) < 0) {
      throw new ParleyError('SQLITE_TOO_OLD', `SQLite ${version} is older than ${OLDEST_SQLITE}.`);
    }
    this.#sqlite.pragma('journal_mode = WAL');
    this.#sqlite.pragma('cache_size = -64000');
    this.#sqlite.pragma('temp_store = MEMORY');
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.#tick());
  }

  #tick(): void {
    this.#scheduled = false;
    const jobs = this.#jobs;
    this.#jobs = [];
    if (jobs.length === 0) return;
    const outcome = this.#transact(jobs);
    if (outcome === 'busy') {
      this.#jobs = [...jobs, ...this.#jobs];
      this.#scheduled = true;
      const wait = Math.max(RETRY_MS.least, RETRY_MS.first / 2 ** this.#tries++);
      after(wait * (0.5 + Math.random()), () => this.#tick());
      return;
    }
    this.#tries = 0;
    if (outcome === 'committed') for (const job of jobs) job.committed();
    else if (jobs.length === 1) jobs[0]?.failed(outcome.error);
    else this.#runAlone(jobs);
    if (this.#jobs.length === 0) for (const done of this.#idle.splice(0)) done();
    else this.#schedule();
  }

  /** Somebody in a shared transaction threw: give each its own, so that only the one at fault fails. */
  #runAlone(jobs: readonly Job[]): void {
    for (const [index, job] of jobs.entries()) {
      const outcome = this.#transact([job]);
      if (outcome === 'busy') {
        this.#jobs = [...jobs.slice(index), ...this.#jobs];
        return;
      }
      if (outcome === 'committed') job.committed();
      else job.failed(outcome.error);
    }
  }

  #transact(jobs: readonly Job[]): 'committed' | 'busy' | { error: unknown } {
    try {
      this.#setSynchronous(this.#synchronousFor(jobs));
      this.#begin.run();
      for (const job of jobs) job.run();
      this.#commit.run();
      return 'committed';
    } catch (error) {
      if (this.#sqlite.inTransaction) this.#rollback.run();
      return isBusy(error) ? 'busy' : { error };
    }
  }

  #synchronousFor(jobs: readonly Job[]): Synchronous {
    if (this.#durability === 'none') return 'OFF';
    return this.#durability === 'power' && jobs.some((job) => job.durable()) ? 'FULL' : 'NORMAL';
  }

  /** The setting counts from when the pragma is prepared, so it is executed afresh and never kept as a statement. */
  #setSynchronous(mode: Synchronous): void {
    if (this.#synchronous === mode) return;
    this.#sqlite.exec(`PRAGMA synchronous = ${mode}`);
    this.#synchronous = mode;
  }
}

/** Runs the writes of others inside this transaction. */
export function applyWrites(tx: Tx, writes: readonly Write[] | undefined): void {
  for (const write of writes ?? []) write(tx);
}

/** The database behind a transaction: for the stores, which alone look inside. */
export function databaseOf(tx: Tx): Database {
  return tx as unknown as Database;
}

/** Node says ENOENT of a folder that it cannot make on a read-only file system. */
const CANNOT_WRITE: readonly string[] = ['SQLITE_CANTOPEN', 'EACCES', 'EPERM', 'EROFS', 'ENOENT', 'ENOTDIR'];

/**
 * Contention is physical: it passes in real time, whatever clock the spool keeps. A timer cannot wait for less than a millisecond,
 * in which others commit three times; for less than that the thread sleeps, no longer than a commit of its own takes.
 */
function after(ms: number, then: () => void): void {
  if (ms >= 1) return void setTimeout(then, ms);
  sleepThread(ms);
  setImmediate(then);
}

function sleepThread(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/**
 * Does what may be done again, until the database is not busy. SQLite's own patience does not reach everywhere: while another process
 * changes the journal mode, or is the last to close the file, it says at once that the file is locked.
 */
function whileBusy<T>(work: () => T): T {
  const deadline = performance.now() + OPENING_PATIENCE_MS;
  for (;;) {
    try {
      return work();
    } catch (error) {
      if (!isBusy(error) || performance.now() > deadline) throw error;
      sleepThread(5 + Math.random() * 15);
    }
  }
}

/** Whether the database itself is in trouble (a full disk, say), and not what was asked of it. */
export const isTrouble = (error: unknown): boolean =>
  error instanceof Sqlite.SqliteError && /^SQLITE_(?:BUSY|FULL|IOERR|NOMEM|CORRUPT|READONLY|CANTOPEN)/.test(error.code);

const isBusy = (error: unknown): boolean => error instanceof Sqlite.SqliteError && error.code.startsWith('SQLITE_BUSY');

/**
 * Makes the file if it is not there: SQLite gives its other files the mode of this one. One that is there is not opened, since
 * closing it would take away the locks that this process has on it.
 */
function makePrivateFile(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600));
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
}

function databaseError(error: unknown, path: string): ParleyError {
  if (error instanceof ParleyError) return error;
  const options = { cause: error };
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === 'SQLITE_FULL' || code === 'ENOSPC')
    return new ParleyError('DISK_FULL', `The disk that holds ${path} is full.`, options);
  if (code.startsWith('SQLITE_READONLY') || CANNOT_WRITE.includes(code)) {
    return new ParleyError('DATABASE_READ_ONLY', `The database ${path} cannot be written.`, options);
  }
  if (code === 'SQLITE_NOTADB' || code.startsWith('SQLITE_CORRUPT')) {
    return new ParleyError('DATABASE_CORRUPT', `${path} is not a sound SQLite database.`, options);
  }
  return new ParleyError('DATABASE_FAILED', `The database ${path} failed: ${errorText(error)}`, options);
}
