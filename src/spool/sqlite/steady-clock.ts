import { readFileSync } from 'node:fs';
import { uptime } from 'node:os';
import type { Database } from 'better-sqlite3';
import { type Clock, systemClock } from '../../lib/clock.ts';

/** Names this start of the machine; Linux alone has it. */
const BOOT_ID = '/proc/sys/kernel/random/boot_id';

/**
 * The clock for leases, delays and times to live. It runs on however somebody sets the machine's clock: it is the time since the
 * machine started (which goes on while it sleeps) on top of what the clock said when Parley first looked after that start. That
 * is kept in the database, so that all processes on it agree. Where one start of the machine cannot be told from another, it is
 * the system's clock.
 */
export function steadyClock(sqlite: Database): Clock {
  const boot = bootId();
  if (boot === null) return systemClock;
  const keep = sqlite.transaction(() => {
    sqlite.prepare<[string]>('DELETE FROM machine_start WHERE boot <> ?').run(boot);
    const at = Math.round(systemClock.now() - uptime() * 1000);
    sqlite
      .prepare<[string, number]>('INSERT INTO machine_start (boot, at) VALUES (?, ?) ON CONFLICT DO NOTHING')
      .run(boot, at);
    return sqlite.prepare<[string], { at: number }>('SELECT at FROM machine_start WHERE boot = ?').get(boot)?.at ?? at;
  });
  const startedAt = keep.immediate();
  const now = (): number => startedAt + Math.round(uptime() * 1000);
  return { now, timer: (at, fire) => systemClock.timer(systemClock.now() + at - now(), fire) };
}

function bootId(): string | null {
  try {
    return readFileSync(BOOT_ID, 'utf8').trim() || null;
  } catch {
    return null;
  }
}
