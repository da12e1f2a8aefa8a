import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { freePort } from '../support/daemon-process.ts';
import { FAULT_SCALE, FAULT_SEED } from '../support/fault-scale.ts';
import { askHub, HUB_TEST_SECRET, HubClient } from '../support/hub.ts';
import { HubProcess } from '../support/hub-process.ts';
import { seededRandom, wholeNumber } from '../support/random.ts';
import { temporaryFolder } from '../support/spool.ts';

const PRODUCERS = 4;
const AGENTS = ['atlas', 'nova', 'bolt'];

/** Each request comes from somewhere else, as a proxy that is trusted says: no limit gets in the way. */
let requests = 0;
const elsewhere = () => ({ 'x-forwarded-for': `10.${++requests >> 16}.${(requests >> 8) & 255}.${requests & 255}` });

/** An agent that comes back whenever it is thrown out, and answers what it is given. */
async function serve(url: string, name: string, stop: AbortSignal): Promise<void> {
  while (!stop.aborted) {
    try {
      using agent = await HubClient.join(url, name);
      const leave = (): void => agent.socket.terminate();
      stop.addEventListener('abort', leave);
      agent.answerAll();
      await agent.closed;
      stop.removeEventListener('abort', leave);
    } catch {
      await pause(20);
    }
  }
}

/** Puts tasks into the mailboxes; the ids of those that the hub has accepted. */
async function produce(url: string, producer: number, stop: AbortSignal): Promise<string[]> {
  const accepted: string[] = [];
  for (let n = 0; !stop.aborted; n++) {
    const id = `task-${producer}-${n}`;
    const body = { agent: AGENTS[n % AGENTS.length], message: id, sender: 'test', queue: true, id };
    const reply = await askHub(url, '/task', { body, headers: elsewhere() }).catch(() => null);
    if (reply?.status === 202) accepted.push(id);
    await pause(reply ? 5 : 50);
  }
  return accepted;
}

describe('a hub that is killed', () => {
  it(`[HUB-06] [HUB-07] loses no task that it has accepted, over ${FAULT_SCALE.hubKills} × kill -9`, {
    timeout: 20 * 60_000,
  }, async () => {
    const folder = temporaryFolder();
    const random = seededRandom(FAULT_SEED);
    const env = { HUB_SECRET: HUB_TEST_SECRET, HUB_TRUSTED_PROXIES: '127.0.0.1', HUB_LOG_LEVEL: 'error' };
    const flags = ['--db', join(folder.path, 'hub.db')];
    const options = { folder: folder.path, env, flags, port: await freePort() };
    let hub = await HubProcess.start(options);
    const { url } = hub;
    const stop = new AbortController();
    const stopAgents = new AbortController();
    const agents = AGENTS.map((name) => serve(url, name, stopAgents.signal));
    const producers = Array.from({ length: PRODUCERS }, (_, n) => produce(url, n, stop.signal));

    for (let kills = 0; kills < FAULT_SCALE.hubKills; kills++) {
      await pause(wholeNumber(random, 20, 400));
      await hub.kill();
      hub = await HubProcess.start(options);
    }
    stop.abort();
    const accepted = (await Promise.all(producers)).flat();
    expect(accepted.length).toBeGreaterThan(FAULT_SCALE.hubKills);

    const outcomes = new Map<unknown, number>();
    for (const id of accepted) {
      const look = async () => (await askHub(url, `/tasks/${id}`, { headers: elsewhere() })).body;
      await expect.poll(look, { timeout: 60_000 }).toMatchObject({ status: 'done', response: `done: ${id}` });
      const { attempts } = await look();
      outcomes.set(attempts, (outcomes.get(attempts) ?? 0) + 1);
    }
    console.log(`${FAULT_SCALE.hubKills} kills, ${accepted.length} accepted, none lost; by attempts:`, outcomes);
    stopAgents.abort();
    await Promise.all(agents);
    expect(await hub.stop()).toBe(0);
    folder.remove();
  });
});
