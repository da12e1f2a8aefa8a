import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { better, defineQueue } from 'plainjob';
import { pullScenarios } from '../contender.ts';
import { documents } from '../document.ts';

const TYPE = 'task';
const logger = { error() {}, warn() {}, info() {}, debug() {} };

/** @param {string} folder @returns {Promise<import('../contender.ts').Opened>} */
export async function openPlainjob(folder) {
  const jobs = defineQueue({ connection: better(new Sqlite(join(folder, 'plainjob.db'))), logger });
  const claimOne = () => {
    const marked = jobs.getAndMarkJobAsProcessing(TYPE);
    return marked ? jobs.getJobById(marked.id) : undefined;
  };
  const queue = {
    send: async (batch) => (batch.length === 1 ? jobs.add(TYPE, batch[0]) : jobs.addMany(TYPE, batch)),
    claim: async (limit) => {
      const claimed = [];
      for (let job = claimOne(); job; job = claimed.length < limit ? claimOne() : undefined) claimed.push(job);
      return claimed;
    },
    read: (job) => JSON.parse(job.data),
    ack: async (claimed) => {
      for (const job of claimed) jobs.markJobAsDone(job.id);
    },
  };
  return { scenarios: pullScenarios(queue, documents()), close: async () => jobs.close() };
}
