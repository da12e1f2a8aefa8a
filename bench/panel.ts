/*
 * How long a panel takes to answer: npm run bench:panel, or node bench/panel.ts with
 *
 *     --agents 3,10,100   on one peer; a size of a panel each
 *     --runs 5            of each; the median counts
 *     --latency 200       the least time in which a model answers, in milliseconds; the most is twice as much
 *     --json              for programs
 *
 * A whole daemon with models that answer over HTTP. What a panel takes is set beside the slowest of its models, measured in the same run.
 */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { loadConfig } from '../src/daemon/config/load.ts';
import { startDaemon } from '../src/daemon/daemon.ts';
import { silentLogger } from '../src/lib/logger.ts';
import { inFolder } from './folder.ts';
import { describeMachine } from './machine.ts';
import { formatReport, formatSettings, type Report, type Table } from './report.ts';
import { median } from './statistics.ts';

/** Who writes on the local chat: see src/channels/local/local-channel.ts. */
const PERSON = '+15550100';

interface Effort {
  readonly runs: number;
  readonly latencyMs: number;
}

/** A server that speaks OpenAI's chat completions, as a stream of one piece, and takes its time. */
async function openModels(latencyMs: number) {
  const taken: number[] = [];
  const server = createServer((request, response) => {
    void (async () => {
      await text(request);
      const ms = latencyMs * (1 + Math.random());
      const begun = performance.now();
      await pause(ms);
      const chunk = (delta: object, finish: string | null): string =>
        `data: ${JSON.stringify({ id: 'x', object: 'chat.completion.chunk', created: 0, model: 'm', choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end(`${chunk({ role: 'assistant', content: 'Yes.' }, null)}${chunk({}, 'stop')}data: [DONE]\n\n`);
      taken.push(performance.now() - begun);
    })();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}/v1`,
    /** How long the slowest took since this was last asked, in milliseconds. */
    slowestMs: (): number => Math.max(...taken.splice(0)),
    close: async (): Promise<void> => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

interface Measured {
  readonly panelMs: number;
  readonly slowestMs: number;
}

async function openPanel(folder: string, agents: number, modelUrl: string) {
  const ids = Array.from({ length: agents }, (_, n) => `agent-${n}`);
  const settings = {
    agents: { list: ids.map((id) => ({ id })) },
    broadcast: { [PERSON]: { agents: ids, maxAgents: agents } },
    maxConcurrentTurns: agents,
    security: { rateLimit: { enabled: false } },
  };
  writeFileSync(join(folder, 'parley.json5'), JSON.stringify(settings));
  const env = {
    AI_PROVIDER: 'openai',
    OPENAI_API_KEY: 'none',
    OPENAI_BASE_URL: modelUrl,
    OPENAI_MODEL: 'm',
    HEALTH_PORT: '0',
  };
  const loaded = loadConfig({ env, cwd: folder, flags: {} });
  if (!loaded.ok) throw loaded.error;
  return startDaemon(loaded.value.config, { logger: silentLogger });
}

/** The median of some questions to a panel of this size, and what the process holds after them. */
async function measurePanel(
  agents: number,
  { runs, latencyMs }: Effort,
): Promise<Measured & { readonly rssMiB: number }> {
  const models = await openModels(latencyMs);
  try {
    return await inFolder(async (folder) => {
      const daemon = await openPanel(folder, agents, models.url);
      const { channel } = daemon;
      if (!channel) throw new Error('there is no local chat');
      const measured: Measured[] = [];
      // The first is for warming up.
      for (let run = 0; run <= runs; run++) {
        const answered = new Promise<void>((resolve) => {
          let left = agents;
          const off = channel.subscribe((event) => {
            if (event.kind !== 'bubble' || event.bubble.mine || --left > 0) return;
            off();
            resolve();
          });
        });
        const begun = performance.now();
        await channel.say({ id: `question-${run}`, account: 'agent-0', text: 'Is it so?' });
        await answered;
        measured.push({ panelMs: performance.now() - begun, slowestMs: models.slowestMs() });
      }
      const rssMiB = process.memoryUsage.rss() / 2 ** 20;
      await daemon.stop();
      const counted = measured.slice(1);
      return {
        panelMs: median(counted.map(({ panelMs }) => panelMs)),
        slowestMs: median(counted.map(({ slowestMs }) => slowestMs)),
        rssMiB,
      };
    });
  } finally {
    await models.close();
  }
}

async function measureAll(sizes: readonly number[], effort: Effort): Promise<Report> {
  const rows: Table['rows'][number][] = [];
  for (const agents of sizes) {
    const { panelMs, slowestMs, rssMiB } = await measurePanel(agents, effort);
    const ratio = `${(panelMs / slowestMs).toFixed(2)}×`;
    rows.push({ name: `${agents} agents`, cells: [slowestMs, panelMs, ratio, rssMiB] });
  }
  return {
    title: 'A panel, all of whose agents answer in parallel',
    settings: {
      models: `each takes ${effort.latencyMs} to ${effort.latencyMs * 2} ms, over HTTP`,
      measured: `medians of ${effort.runs} questions, after one to warm up; RSS is that of the whole process, models included`,
    },
    table: { columns: ['slowest model ms', 'panel ms', 'ratio', 'RSS MiB'], rows },
    verdicts: [],
  };
}

const { values } = parseArgs({
  options: {
    agents: { type: 'string', default: '3,10,100' },
    runs: { type: 'string', default: '5' },
    latency: { type: 'string', default: '200' },
    json: { type: 'boolean', default: false },
  },
});
const machine = describeMachine();
const sizes = values.agents.split(',').map(Number);
const report = await measureAll(sizes, { runs: Number(values.runs), latencyMs: Number(values.latency) });
if (values.json) console.log(JSON.stringify({ machine, reports: [report] }, null, 2));
else console.log([...formatSettings(machine), '', formatReport(report)].join('\n'));
