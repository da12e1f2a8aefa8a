import { readdir, readFile } from 'node:fs/promises';
import type { Clock } from '../lib/clock.ts';

const MEASURE_EVERY_MS = 50;

/**
 * Calls `exceeded` once when a process and all that descend from it hold more than `maxBytes`. The returned function ends the watch.
 * Control groups would be exact, but only some users of some machines may make one.
 */
export function watchMemory(pid: number, maxBytes: number, clock: Clock, exceeded: () => void): () => void {
  let over = false;
  let cancel = (): void => {};
  const measureLater = (): void => {
    if (over) return;
    cancel = clock.timer(clock.now() + MEASURE_EVERY_MS, () => void measure());
  };
  const measure = async (): Promise<void> => {
    if ((await memoryOfTree(pid)) <= maxBytes) return measureLater();
    if (!over) exceeded();
  };
  measureLater();
  return () => {
    over = true;
    cancel();
  };
}

/** In bytes, what a process and its descendants hold beside what is in files. A process that has just ended holds nothing. */
export async function memoryOfTree(pid: number): Promise<number> {
  const [own, children] = await Promise.all([memoryOf(pid), childrenOf(pid)]);
  const theirs = await Promise.all(children.map(memoryOfTree));
  return theirs.reduce((sum, bytes) => sum + bytes, own);
}

/** See proc_pid_status(5): the sizes are in KiB. */
async function memoryOf(pid: number): Promise<number> {
  const status = await readOrNothing(`/proc/${pid}/status`);
  const sizes = [...status.matchAll(/^Rss(?:Anon|Shmem):\s+(\d+) kB$/gm)];
  return sizes.reduce((sum, [, kib]) => sum + Number(kib) * 1024, 0);
}

/** A process that a thread has started is listed with that thread. */
async function childrenOf(pid: number): Promise<number[]> {
  const threads = await readdir(`/proc/${pid}/task`).catch(() => []);
  const lists = await Promise.all(threads.map((thread) => readOrNothing(`/proc/${pid}/task/${thread}/children`)));
  return lists.flatMap((list) => list.split(' ').filter(Boolean).map(Number));
}

const readOrNothing = (path: string): Promise<string> => readFile(path, 'utf8').catch(() => '');
