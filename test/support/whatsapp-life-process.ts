import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { WhatsAppServer } from './whatsapp-server/server.ts';

const NODE = fileURLToPath(new URL('../../node_modules/.bin/node', import.meta.url));
const PROGRAM = fileURLToPath(new URL('whatsapp-life.ts', import.meta.url));

/** How long the account waits for WhatsApp to answer a message, milliseconds of its own time. */
export const ACK_TIMEOUT_MS = 20_000;

export interface LifeOptions {
  readonly database: string;
  readonly webUrl: string;
  readonly rootKey: string;
}

export const lifeOrderSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('leap'), ms: z.number() }),
  z.object({ kind: z.literal('restart') }),
  z.object({ kind: z.literal('lose-conversations') }),
  z.object({ kind: z.literal('measure') }),
  z.object({ kind: z.literal('stop') }),
]);

type LifeOrder = z.infer<typeof lifeOrderSchema>;

/** What has become of the process, after its garbage was collected; memory in bytes. */
export interface Figures {
  readonly rss: number;
  readonly heapUsed: number;
  readonly external: number;
  /** Messages that were taken in, each once. */
  readonly accepted: number;
  /** In the folder of the database. */
  readonly files: readonly string[];
  /** By table, and in the table of keys by their type. */
  readonly rows: Readonly<Record<string, number>>;
  /** Objects in memory. */
  readonly alive: Readonly<Record<'connections' | 'sockets' | 'emitters' | 'timers', number>>;
  /** Timers of the clock. */
  readonly armed: number;
}

export type LifeNews =
  | { readonly kind: 'qr'; readonly qr: string }
  | { readonly kind: 'open' }
  | { readonly kind: 'measured'; readonly figures: Figures }
  | { readonly kind: 'stopped'; readonly leftovers: readonly string[] };

/** A number that answers with the same words, in a process whose time its parent moves. Disposing of it kills it. */
export class LifeProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #ended: Promise<never>;
  #opens = 0;
  #opened = Promise.withResolvers<void>();

  constructor(server: WhatsAppServer, number: string, database: string) {
    const { url: webUrl, rootKey } = server;
    this.#child = fork(PROGRAM, [JSON.stringify({ database, webUrl, rootKey } satisfies LifeOptions)], {
      execPath: NODE,
      execArgv: ['--expose-gc', '--disable-warning=ExperimentalWarning'],
    });
    this.#ended = once(this.#child, 'exit').then(([code, signal]) => {
      throw new Error(`the account's process has ended: ${code ?? signal}`);
    });
    this.#ended.catch(() => undefined);
    this.#child.on('message', (news: LifeNews) => {
      if (news.kind === 'qr') void server.scan(news.qr, number, 'Echo');
      if (news.kind === 'open') this.#noteOpen();
    });
  }

  /** How often it has connected. */
  get opens(): number {
    return this.#opens;
  }

  /** Resolves when it has connected that often. */
  async opened(times: number): Promise<void> {
    while (this.#opens < times) await Promise.race([this.#opened.promise, this.#ended]);
  }

  order(order: Exclude<LifeOrder, { kind: 'measure' | 'stop' }>): void {
    this.#child.send(order);
  }

  async measure(): Promise<Figures> {
    const { figures } = await this.#ask('measure', 'measured');
    return figures;
  }

  /** Closes everything; resolves with what is still there then. */
  async stop(): Promise<readonly string[]> {
    const { leftovers } = await this.#ask('stop', 'stopped');
    return leftovers;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill('SIGKILL');
    await this.#ended.catch(() => undefined);
  }

  #noteOpen(): void {
    this.#opens += 1;
    this.#opened.resolve();
    this.#opened = Promise.withResolvers();
  }

  async #ask<Kind extends 'measured' | 'stopped'>(
    kind: 'measure' | 'stop',
    answer: Kind,
  ): Promise<Extract<LifeNews, { kind: Kind }>> {
    const { promise, resolve } = Promise.withResolvers<Extract<LifeNews, { kind: Kind }>>();
    const listen = (news: LifeNews): void => {
      if (isOf(news, answer)) resolve(news);
    };
    this.#child.on('message', listen);
    this.#child.send({ kind } satisfies LifeOrder);
    try {
      return await Promise.race([promise, this.#ended]);
    } finally {
      this.#child.off('message', listen);
    }
  }
}

const isOf = <Kind extends LifeNews['kind']>(news: LifeNews, kind: Kind): news is Extract<LifeNews, { kind: Kind }> =>
  news.kind === kind;
