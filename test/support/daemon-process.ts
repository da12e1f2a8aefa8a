import { createServer } from 'node:net';
import { type Exit, ParleyProcess, type ProcessOptions } from './process.ts';

const RUNNING = /^Parley is running: (http:\S+)\n/m;

interface StartOptions extends ProcessOptions {
  /** Default: any free one. */
  readonly port?: number;
}

/** A Parley that has only just been started: it may not get far enough to take messages. */
export function launchDaemon({ port = 0, ...options }: StartOptions): ParleyProcess {
  return new ParleyProcess(['start', '--port', String(port)], options);
}

/** The address of its page, once it takes messages; rejects with what it wrote on standard error when it ends before. */
export async function addressOf(daemon: ParleyProcess): Promise<string> {
  const [, url = ''] = await daemon.printed(RUNNING);
  return url;
}

/** A Parley in a process of its own, as `parley start` runs it, that takes messages. */
export class DaemonProcess implements AsyncDisposable {
  readonly process: ParleyProcess;
  /** Of the page, as it was printed. */
  readonly url: string;

  private constructor(process: ParleyProcess, url: string) {
    this.process = process;
    this.url = url;
  }

  /** Resolves when it takes messages; rejects with what it wrote on standard error when it ends before. */
  static async start(options: StartOptions): Promise<DaemonProcess> {
    const process = launchDaemon(options);
    return new DaemonProcess(process, await addressOf(process));
  }

  get port(): number {
    return Number(new URL(this.url).port);
  }

  /** Ends it as the system ends what it has no memory for; resolves when it is gone. */
  async kill(): Promise<Exit> {
    return await this.process.kill();
  }

  /** Asks it to stop; resolves with its exit code. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    this.process.signal(signal);
    const { code } = await this.process.ended;
    return code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}

/** Below the ports that systems give to outgoing connections, so that none of those sits on it when a daemon comes back to it. */
const PORTS = { first: 20_000, count: 10_000 };

/** A port that nothing listens on, for a daemon that is started on it again and again. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = PORTS.first + Math.floor(Math.random() * PORTS.count);
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1' }, () => server.close(() => resolve(true)));
  });
}
