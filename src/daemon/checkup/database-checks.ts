import { accessSync, constants, existsSync, statfsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { Database } from '../../spool/sqlite/database.ts';
import { type Check, good, problem, warning } from './check.ts';

const MB = 1024 * 1024;
/** Below the first, a busy day may fill the disk; below the second, the next write-ahead log may. */
const FREE_BYTES = { comfortable: 1024 * MB, least: 100 * MB };
/** SQLite starts the log over at about 4 MB; one that is much longer has a reader that never lets go. */
const LONG_LOG_BYTES = 256 * MB;

/** How the file and its disk are. Says nothing of a database that has not been made yet. */
export function checkDatabaseFile(path: string): Check[] {
  if (!existsSync(path)) return [good('database', `${path} is not there yet; the first message makes it`)];
  return [checkAccess(path), checkMode(path), checkDisk(path), checkLog(path)];
}

/** Whether SQLite finds the file sound. Throws the ParleyError of a database that cannot be opened. */
export async function checkDatabaseContent(path: string): Promise<Check[]> {
  if (!existsSync(path)) return [];
  const db = new Database(path);
  try {
    const found = db
      .prepare<{ sqlite: string; schema: number }>(
        'SELECT sqlite_version() AS sqlite, max(version) AS schema FROM schema_migration',
      )
      .get();
    const sound = db.prepare<{ quick_check: string }>('PRAGMA quick_check(1)').get()?.quick_check;
    return [
      good('sqlite', `SQLite ${found?.sqlite}, schema version ${found?.schema}`),
      sound === 'ok'
        ? good('integrity', 'the quick check found nothing')
        : problem('integrity', `${sound}`, 'Restore the database from a backup; parley stats --verify looks deeper.'),
    ];
  } finally {
    await db.close();
  }
}

function checkAccess(path: string): Check {
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    accessSync(dirname(path), constants.W_OK);
    return good('database', path);
  } catch {
    return problem('database', `${path} cannot be written`, 'Give this user write permission on it and its folder.');
  }
}

function checkMode(path: string): Check {
  const name = 'permissions';
  if (process.platform === 'win32') return good(name, 'as the folder has them');
  const mode = statSync(path).mode & 0o777;
  const shown = mode.toString(8).padStart(3, '0');
  if ((mode & 0o077) === 0) return good(name, `${shown}: only its owner`);
  return warning(name, `${shown}: others can get at the messages`, `Run: chmod 600 ${JSON.stringify(path)}`);
}

function checkDisk(path: string): Check {
  const { bavail, bsize } = statfsSync(dirname(path));
  const free = bavail * bsize;
  const detail = `${inMegabytes(free)} free`;
  if (free < FREE_BYTES.least) return problem('disk', detail, 'Free some space, or move the database.');
  if (free < FREE_BYTES.comfortable) return warning('disk', detail, 'Free some space before it runs out.');
  return good('disk', detail);
}

function checkLog(path: string): Check {
  const bytes = statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0;
  const detail = `the write-ahead log has ${inMegabytes(bytes)}`;
  if (bytes <= LONG_LOG_BYTES) return good('log', detail);
  return warning(
    'log',
    detail,
    'End the program that has the database open without reading on, such as an sqlite3 shell.',
  );
}

const inMegabytes = (bytes: number): string => `${Math.round(bytes / MB).toLocaleString('en')} MB`;
