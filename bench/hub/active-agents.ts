import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { type RawData, WebSocket } from 'ws';
import { documents } from '../document.ts';
import { quantile } from '../statistics.ts';
import { type Done, registration, SECRET, type Work } from './protocol.ts';

const FRAMES_IN_FLIGHT = 64;

interface ActiveAgent {
  readonly socket: WebSocket;
  /** By which tasks for it are given. */
  readonly route: Agent;
  /** To the one after it. */
  readonly frame: string;
  readonly task: string;
}

const nameOf = (number: number): string => `agent-${number}`;

/** Agents that send each other frames, in a ring, and do tasks. They take turns, so that none comes to a limit of the hub. */
export class ActiveAgents {
  readonly #url: string;
  readonly #agents: readonly ActiveAgent[];
  #turn = 0;

  private constructor(url: string, agents: readonly ActiveAgent[]) {
    this.#url = url;
    this.#agents = agents;
  }

  static async join(url: string, count: number, addressOf: (number: number) => string): Promise<ActiveAgents> {
    const source = documents();
    const agents: ActiveAgent[] = [];
    for (let number = 0; number < count; number++) {
      const localAddress = addressOf(number);
      const document = source.next().value;
      agents.push({
        socket: await joinOne(url, nameOf(number), localAddress),
        route: new Agent({ keepAlive: true, localAddress }),
        frame: JSON.stringify({ type: 'agent-message', target: nameOf((number + 1) % count), message: document }),
        task: JSON.stringify({ agent: nameOf(number), message: document.task, sender: 'bench' }),
      });
    }
    return new ActiveAgents(url, agents);
  }

  async work(work: Work, ms: number): Promise<Done> {
    const start = performance.now();
    const end = start + ms;
    const latencies =
      work === 'task' ? await this.#tasks(end) : await this.#frames(work === 'frames' ? FRAMES_IN_FLIGHT : 1, end);
    const perSecond = (latencies.length * 1000) / (performance.now() - start);
    return { perSecond, p50: quantile(latencies, 0.5), p99: quantile(latencies, 0.99) };
  }

  /** How long each frame took, in milliseconds. For each that arrives another is sent. */
  async #frames(inFlight: number, end: number): Promise<number[]> {
    const latencies: number[] = [];
    const sentAt: number[] = [];
    const done = Promise.withResolvers<void>();
    let underWay = 0;
    const send = (): void => {
      const number = this.#turn++ % this.#agents.length;
      underWay++;
      sentAt[number] = performance.now();
      this.#agents[number]?.socket.send(this.#agents[number].frame);
    };
    const receive = (from: number, data: RawData): void => {
      if (!String(data).startsWith('{"type":"agent-message"')) return;
      const now = performance.now();
      latencies.push(now - (sentAt[from] ?? now));
      underWay--;
      if (now < end) send();
      else if (underWay === 0) done.resolve();
    };
    for (const [number, { socket }] of this.#agents.entries()) {
      const from = (number + this.#agents.length - 1) % this.#agents.length;
      socket.on('message', (data) => receive(from, data));
    }
    while (underWay < inFlight) send();
    await done.promise;
    for (const { socket } of this.#agents) socket.removeAllListeners('message');
    return latencies;
  }

  /** How long each task took from the request to its answer, in milliseconds. */
  async #tasks(end: number): Promise<number[]> {
    for (const { socket } of this.#agents) socket.on('message', (data) => answer(socket, String(data)));
    const latencies: number[] = [];
    for (let now = performance.now(); now < end; ) {
      const { route, task } = this.#agents[this.#turn++ % this.#agents.length] ?? {};
      await giveTask(this.#url, route, task ?? '');
      const before = now;
      now = performance.now();
      latencies.push(now - before);
    }
    for (const { socket } of this.#agents) socket.removeAllListeners('message');
    return latencies;
  }
}

async function joinOne(url: string, name: string, localAddress: string): Promise<WebSocket> {
  const socket = new WebSocket(new URL('/ws', url.replace(/^http/, 'ws')), {
    perMessageDeflate: false,
    localAddress,
    // Masking is the work of clients, and not measured here.
    generateMask: (mask) => mask.fill(0),
  });
  await once(socket, 'open');
  socket.send(JSON.stringify(registration(name)));
  await once(socket, 'message');
  return socket;
}

function answer(socket: WebSocket, frame: string): void {
  const { type, requestId } = JSON.parse(frame) as { type: string; requestId: string };
  if (type === 'task') socket.send(JSON.stringify({ type: 'task-response', requestId, response: 'done' }));
}

async function giveTask(url: string, route: Agent | undefined, task: string): Promise<void> {
  const asking = request(new URL('/task', url), {
    method: 'POST',
    ...(route && { agent: route }),
    headers: {
      authorization: `Bearer ${SECRET}`,
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(task),
    },
  });
  asking.end(task);
  const [answered] = await once(asking, 'response');
  const said = await text(answered);
  if (answered.statusCode !== 200) throw new Error(`a task was refused: ${said}`);
}
