import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { Database } from '../../src/spool/sqlite/database.ts';
import { FAULT_SCALE, FAULT_SEED } from '../support/fault-scale.ts';
import { seededRandom, wholeNumber } from '../support/random.ts';
import { temporaryFolder } from '../support/spool.ts';

const NODE = fileURLToPath(new URL('../../node_modules/.bin/node', import.meta.url));
const LOAD = fileURLToPath(new URL('../support/spool-load.ts', import.meta.url));

/** One place among the workers of a spool; its process may be killed and replaced. */
class Worker {
  readonly log: string;
  readonly #arguments: readonly string[];
  #process: ChildProcessWithoutNullStreams;
  #ready: Promise<unknown> = Promise.resolve();
  #generation = 0;
  errors = '';

  constructor(role: 'producer' | 'consumer' | 'writer', database: string, name: string, folder: string) {
    this.log = join(folder, `${name}.log`);
    this.#arguments = [role, database, name, this.log];
    this.#process = this.#start();
  }

  async kill(): Promise<void> {
    this.#process.kill('SIGKILL');
    await once(this.#process, 'exit');
    this.#process = this.#start();
  }

  /** Resolves with its exit code once it has finished what it had in hand. */
  async stop(): Promise<number | null> {
    await this.#ready;
    const exit = once(this.#process, 'exit');
    this.#process.kill('SIGTERM');
    await exit;
    return this.#process.exitCode;
  }

  #start(): ChildProcessWithoutNullStreams {
    const [role = '', database = '', name = '', log = ''] = this.#arguments;
    const child = spawn(NODE, [LOAD, role, database, `${name}-${this.#generation++}`, log], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.errors += text;
    });
    this.#ready = once(child.stdout, 'data');
    return child;
  }
}

const lines = (path: string): string[] => readFileSync(path, 'utf8').split('\n').filter(Boolean);
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe('a spool with many processes', () => {
  it(
    `[SPL-06] [SPL-03] loses nothing and does nothing twice over ${FAULT_SCALE.spoolKills} × kill -9, with 4 producers and 4 consumers`,
    async () => {
      const folder = temporaryFolder();
      const path = join(folder.path, 'coordination.db');
      const random = seededRandom(FAULT_SEED);
      const db = new Database(path);
      await db.write(() => db.prepare('CREATE TABLE effect (message TEXT NOT NULL) STRICT').run());
      const producers = [1, 2, 3, 4].map((n) => new Worker('producer', path, `producer-${n}`, folder.path));
      const consumers = [1, 2, 3, 4].map((n) => new Worker('consumer', path, `consumer-${n}`, folder.path));
      const everybody = [...producers, ...consumers];
      for (let kills = 0; kills < FAULT_SCALE.spoolKills; kills++) {
        await pause(wholeNumber(random, 20, 250));
        await everybody[wholeNumber(random, 0, everybody.length - 1)]?.kill();
      }
      for (const producer of producers) expect(await producer.stop()).toBe(0);
      const open = db.prepare<{ n: number }>(
        "SELECT count(*) AS n FROM delivery WHERE recipient = 'agent:work' AND state NOT IN (5)",
      );
      const deadline = Date.now() + 60_000;
      while ((open.get()?.n ?? 0) > 0 && Date.now() < deadline) await pause(50);
      for (const consumer of consumers) expect(await consumer.stop()).toBe(0);
      for (const worker of everybody) expect(worker.errors).toBe('');

      const accepted = producers.flatMap(({ log }) => lines(log));
      const effects = db
        .prepare<{ message: string }>('SELECT message FROM effect')
        .all()
        .map((row) => row.message);
      expect(accepted.length).toBeGreaterThan(FAULT_SCALE.spoolKills);
      expect(open.get()?.n, `not acked; seed ${FAULT_SEED}`).toBe(0);
      const happened = new Set(effects);
      expect(
        accepted.filter((id) => !happened.has(id)),
        'accepted, and lost',
      ).toEqual([]);
      expect(effects.length - happened.size, 'effects that happened twice').toBe(0);
      const outputs = db
        .prepare<{ n: number }>("SELECT count(*) AS n FROM delivery WHERE recipient = 'agent:done'")
        .get()?.n;
      expect(outputs).toBe(effects.length);
      expect(db.checkIntegrity()).toBe('ok');
      console.log(
        `${FAULT_SCALE.spoolKills} kills, ${accepted.length} accepted, ${effects.length} effects, none lost, none twice`,
      );
      await db.close();
      folder.remove();
    },
    30 * 60_000,
  );

  it(
    `[SPL-03] [SPL-06] serves 8 writers for ${FAULT_SCALE.writersSeconds} s without an error`,
    async () => {
      const folder = temporaryFolder();
      const path = join(folder.path, 'coordination.db');
      const db = new Database(path);
      const writers = Array.from({ length: 8 }, (_, n) => new Worker('writer', path, `writer-${n}`, folder.path));
      await pause(FAULT_SCALE.writersSeconds * 1000);
      for (const writer of writers) expect(await writer.stop()).toBe(0);
      for (const writer of writers) expect(writer.errors).toBe('');
      const reports = writers.map(
        ({ log }) => JSON.parse(lines(log)[0] ?? '{}') as { cycles: number; slowestMs: number },
      );
      for (const { cycles } of reports) expect(cycles).toBeGreaterThan(0);
      console.log(
        '8 writers: cycles',
        reports.map(({ cycles }) => cycles).join(' '),
        '; slowest call, ms',
        Math.max(...reports.map(({ slowestMs }) => slowestMs)),
      );
      expect(db.prepare<{ n: number }>('SELECT count(*) AS n FROM delivery WHERE state <> 5').get()?.n).toBe(0);
      expect(db.checkIntegrity()).toBe('ok');
      await db.close();
      folder.remove();
    },
    10 * 60_000,
  );
});
