import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { pullScenarios, pushScenarios } from '../contender.ts';
import { documents } from '../document.ts';

const JOB = 'task';
const OPTIONS = { removeOnComplete: true };

/** @param {number} port of Redis @returns {Promise<import('../contender.ts').Opened>} */
export async function openBullMq(port) {
  const connections = [];
  const connect = () => {
    const connection = new Redis({ host: '127.0.0.1', port, maxRetriesPerRequest: null });
    connections.push(connection);
    return connection;
  };
  const queue = new Queue('bench', { connection: connect() });
  await queue.obliterate({ force: true });
  const asking = new Worker('bench', null, { connection: connect(), autorun: false });
  await asking.waitUntilReady();
  let tokens = 0;
  const send = (batch) =>
    batch.length === 1
      ? queue.add(JOB, batch[0], OPTIONS)
      : queue.addBulk(batch.map((data) => ({ name: JOB, data, opts: OPTIONS })));
  const pull = {
    send,
    claim: async (limit) => {
      const claimOne = async () => {
        const token = `bench-${++tokens}`;
        const job = await asking.getNextJob(token, { block: false });
        return job ? [{ job, token }] : [];
      };
      return (await Promise.all(Array.from({ length: limit }, claimOne))).flat();
    },
    read: ({ job }) => job.data,
    ack: (held) => Promise.all(held.map(({ job, token }) => job.moveToCompleted(null, token, false))),
  };
  const push = pushScenarios(
    {
      send,
      work: async (concurrency, done) => {
        const worker = new Worker('bench', async (job) => void job.data, { connection: connect(), concurrency });
        worker.on('completed', done);
        await worker.waitUntilReady();
        return () => worker.close();
      },
    },
    documents(),
  );
  return {
    scenarios: { ...push.scenarios, single: pullScenarios(pull, documents()).single },
    close: async () => {
      await push.close();
      await asking.close();
      await queue.close();
      // BullMQ closes only the connections that it made itself.
      for (const connection of connections) connection.disconnect();
    },
  };
}
