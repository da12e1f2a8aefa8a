import { Logger, makeWorkerUtils, run } from 'graphile-worker';
import pg from 'pg';
import { IN_FLIGHT, pushScenarios } from '../contender.ts';
import { documents } from '../document.ts';

const TASK = 'task';
const CONNECTIONS = 24;

/** @param {import('pg').PoolConfig} connection @returns {Promise<import('../contender.ts').Opened>} */
export async function openGraphileWorker(connection) {
  const pgPool = new pg.Pool({ ...connection, max: CONNECTIONS });
  const logger = new Logger(() => () => {});
  const utils = await makeWorkerUtils({ pgPool, logger });
  await utils.migrate();
  await pgPool.query('DELETE FROM graphile_worker._private_jobs');
  // What its documentation advises for throughput: a local queue, and completions gathered into one statement.
  const fast = { localQueue: { size: 500 }, completeJobBatchDelay: 0, failJobBatchDelay: 0 };
  const { scenarios, close } = pushScenarios(
    {
      send: (batch) =>
        batch.length === 1
          ? utils.addJob(TASK, batch[0])
          : utils.addJobs(batch.map((payload) => ({ identifier: TASK, payload }))),
      work: async (concurrentJobs, done) => {
        const worker = { concurrentJobs, pollInterval: 2000, maxPoolSize: CONNECTIONS };
        const runner = await run({
          pgPool,
          logger,
          noHandleSignals: true,
          taskList: { [TASK]: async () => {} },
          preset: { worker: concurrentJobs === IN_FLIGHT ? { ...worker, ...fast } : worker },
        });
        runner.events.on('job:complete', done);
        return () => runner.stop();
      },
    },
    documents(),
  );
  return {
    scenarios,
    close: async () => {
      await close();
      await utils.release();
      await pgPool.end();
    },
  };
}
