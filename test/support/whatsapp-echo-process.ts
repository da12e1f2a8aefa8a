import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { WhatsAppServer } from './whatsapp-server/server.ts';

const NODE = fileURLToPath(new URL('../../node_modules/.bin/node', import.meta.url));
const PROGRAM = fileURLToPath(new URL('whatsapp-echo.ts', import.meta.url));

export interface EchoOptions {
  readonly database: string;
  readonly webUrl: string;
  readonly rootKey: string;
  /** Kills itself at the next message: when it is decrypted, or when it is stored and no receipt has left. */
  readonly dieAt: 'before-commit' | 'after-commit' | 'never';
}

export type EchoNews = { readonly kind: 'qr'; readonly qr: string } | { readonly kind: 'open' };

/** A number that answers what it is told with the same words, served by a process of its own. Disposing of it kills it. */
export class EchoProcess implements AsyncDisposable {
  /** Resolves when it is connected; rejects when it has ended before. */
  readonly opened: Promise<void>;
  readonly ended: Promise<unknown>;
  readonly #child: ChildProcess;

  constructor(server: WhatsAppServer, number: string, options: Pick<EchoOptions, 'database' | 'dieAt'>) {
    const { url: webUrl, rootKey } = server;
    const child = fork(PROGRAM, [JSON.stringify({ webUrl, rootKey, ...options } satisfies EchoOptions)], {
      execPath: NODE,
    });
    this.#child = child;
    this.ended = once(child, 'exit');
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.opened = promise;
    promise.catch(() => undefined);
    child.on('message', (news: EchoNews) => {
      if (news.kind === 'qr') void server.scan(news.qr, number, 'Echo');
      else resolve();
    });
    child.once('exit', (code, signal) => reject(new Error(`the echo has ended: ${code ?? signal}`)));
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill('SIGKILL');
    await this.ended;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill();
  }
}
