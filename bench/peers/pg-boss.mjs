import { PgBoss } from 'pg-boss';
import { pullScenarios } from '../contender.ts';
import { documents } from '../document.ts';

const QUEUE = 'bench';

/** @param {import('pg').PoolConfig} connection @returns {Promise<import('../contender.ts').Opened>} */
export async function openPgBoss(connection) {
  const boss = new PgBoss({ ...connection, max: 16, supervise: false, schedule: false });
  boss.on('error', (error) => {
    throw error;
  });
  await boss.start();
  if (await boss.getQueue(QUEUE)) await boss.deleteQueue(QUEUE);
  await boss.createQueue(QUEUE);
  const queue = {
    send: (batch) =>
      batch.length === 1
        ? boss.send(QUEUE, batch[0])
        : boss.insert(
            QUEUE,
            batch.map((data) => ({ data })),
          ),
    claim: (limit) => boss.fetch(QUEUE, { batchSize: limit }),
    read: (job) => job.data,
    ack: (jobs) =>
      boss.complete(
        QUEUE,
        jobs.map((job) => job.id),
      ),
  };
  return { scenarios: pullScenarios(queue, documents()), close: () => boss.stop({ graceful: false }) };
}
