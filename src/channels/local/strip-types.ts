/* The thread of page-assets.ts: takes TypeScript sources, answers with JavaScript. */
import { stripTypeScriptTypes } from 'node:module';
import { parentPort, workerData } from 'node:worker_threads';
import { z } from 'zod';

const sources = z.array(z.string()).parse(workerData);
parentPort?.postMessage(sources.map((source) => stripTypeScriptTypes(source)));
