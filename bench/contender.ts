import type { Document } from './document.ts';

/** What an acknowledged send survives. */
export type Durability = 'power failure' | 'process crash' | 'one second at most is lost' | 'nothing';

/**
 * One shape of work. All of them send documents, claim them, look at them and acknowledge them, until `ended()`; what was sent
 * is then finished. The result is the number of whole cycles.
 */
export type Scenario = (ended: () => boolean) => Promise<number>;

export const COLUMNS = {
  single: 'one at a time',
  waiting: 'with a waiting consumer',
  inFlight: '64 in flight',
  batches: 'batches of 100',
} as const;
export type Column = keyof typeof COLUMNS;
export const COLUMN_NAMES: readonly Column[] = ['single', 'waiting', 'inFlight', 'batches'];

export const IN_FLIGHT = 64;
export const BATCH = 100;

/** A queue that is open, and what it can do. */
export interface Opened {
  readonly scenarios: Partial<Record<Column, Scenario>>;
  close(): Promise<void>;
}

export interface Contender {
  readonly name: string;
  readonly durability: Durability;
  /** How it was set up, in a few words. */
  readonly settings: string;
  /** Opens it, empty, with its files (if it has any) in `folder`. */
  open(folder: string): Promise<Opened>;
}

/** A queue whose consumer asks for what it wants. */
export interface PullQueue<Held> {
  send(documents: readonly Document[]): Promise<unknown>;
  claim(limit: number): Promise<readonly Held[]>;
  /** Waits until there is something. */
  claimWaiting?(): Promise<readonly Held[]>;
  read(held: Held): Document;
  ack(held: readonly Held[]): Promise<unknown>;
}

/** A queue that hands out work by itself. */
export interface PushQueue {
  send(documents: readonly Document[]): Promise<unknown>;
  /** Starts a worker that reads and acknowledges, and says when it has done each. The result stops it. */
  work(concurrency: number, done: () => void): Promise<() => Promise<void>>;
}

const take = (documents: Iterator<Document, never>, count: number): Document[] =>
  Array.from({ length: count }, () => documents.next().value);

/** The columns for a queue that is asked. */
export function pullScenarios<Held>(queue: PullQueue<Held>, documents: Iterator<Document, never>): Opened['scenarios'] {
  const finish = async (held: readonly Held[]): Promise<number> => {
    for (const one of held) queue.read(one);
    if (held.length > 0) await queue.ack(held);
    return held.length;
  };
  const loop = async (size: number, ended: () => boolean): Promise<number> => {
    let cycles = 0;
    while (!ended()) {
      await queue.send(take(documents, size));
      cycles += await finish(await queue.claim(size));
    }
    return cycles;
  };
  const drain = async (): Promise<number> => {
    let cycles = 0;
    for (;;) {
      const finished = await finish(await queue.claim(BATCH));
      if (finished === 0) return cycles;
      cycles += finished;
    }
  };
  const { claimWaiting } = queue;
  return {
    single: (ended) => loop(1, ended),
    inFlight: async (ended) => {
      const counts = await Promise.all(Array.from({ length: IN_FLIGHT }, () => loop(1, ended)));
      return counts.reduce((sum, count) => sum + count, await drain());
    },
    batches: (ended) => loop(BATCH, ended),
    ...(claimWaiting && {
      waiting: async (ended) => {
        let cycles = 0;
        let waiting = claimWaiting();
        for (let last = false; !last; ) {
          last = ended();
          await queue.send(take(documents, 1));
          const acked = finish(await waiting);
          // The consumer waits again as soon as it has acknowledged, not when that is confirmed.
          if (!last) waiting = claimWaiting();
          cycles += await acked;
        }
        return cycles;
      },
    }),
  };
}

/** The columns for a queue that hands out: all but the first, which needs a consumer that asks. */
export function pushScenarios(queue: PushQueue, documents: Iterator<Document, never>): Opened {
  let worker: { readonly concurrency: number; readonly stop: () => Promise<void> } | null = null;
  let done = 0;
  let awaited: { readonly count: number; resolve(): void } | null = null;
  const onDone = (): void => {
    done++;
    if (awaited && done >= awaited.count) awaited.resolve();
  };
  const allDone = (count: number): Promise<void> =>
    new Promise((resolve) => {
      if (done >= count) resolve();
      else awaited = { count, resolve };
    });
  // Kept from the warming up to the measurement: starting a worker is not what we measure.
  const workWith = async (concurrency: number): Promise<void> => {
    done = 0;
    if (worker?.concurrency === concurrency) return;
    await worker?.stop();
    worker = { concurrency, stop: await queue.work(concurrency, onDone) };
  };
  const oneAfterTheOther = async (size: number, ended: () => boolean): Promise<number> => {
    let sent = 0;
    while (!ended()) {
      await queue.send(take(documents, size));
      sent += size;
      await allDone(sent);
    }
    return sent;
  };
  return {
    scenarios: {
      waiting: async (ended) => {
        await workWith(1);
        return oneAfterTheOther(1, ended);
      },
      inFlight: async (ended) => {
        await workWith(IN_FLIGHT);
        let sent = 0;
        const produce = async (): Promise<void> => {
          for (; !ended(); sent++) await queue.send(take(documents, 1));
        };
        await Promise.all(Array.from({ length: IN_FLIGHT }, produce));
        await allDone(sent);
        return sent;
      },
      batches: async (ended) => {
        await workWith(IN_FLIGHT);
        return oneAfterTheOther(BATCH, ended);
      },
    },
    close: async () => worker?.stop(),
  };
}
