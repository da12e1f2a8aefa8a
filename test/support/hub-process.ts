import { type Exit, ParleyProcess } from './process.ts';

const RUNNING = /^The hub is running: (https?:\S+)\n/m;

interface HubProcessOptions {
  readonly folder: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Beside `--port`. */
  readonly flags?: readonly string[];
  /** Default: any free one. */
  readonly port?: number;
}

/** A hub in a process of its own, as `parley hub` runs it. Disposing of it kills it. */
export class HubProcess implements AsyncDisposable {
  readonly process: ParleyProcess;
  readonly url: string;

  private constructor(process: ParleyProcess, url: string) {
    this.process = process;
    this.url = url;
  }

  /** Resolves when it listens; rejects with what it wrote on standard error when it ends before. */
  static async start({ folder, env = {}, flags = [], port = 0 }: HubProcessOptions): Promise<HubProcess> {
    const process = new ParleyProcess(['hub', '--port', String(port), ...flags], { folder, env });
    const [, url = ''] = await process.printed(RUNNING);
    // It may be given out as `localhost`, which is two addresses; the hub listens on one.
    return new HubProcess(process, url.replace('localhost', '127.0.0.1'));
  }

  kill(): Promise<Exit> {
    return this.process.kill();
  }

  /** Asks it to stop; resolves with its exit code. */
  async stop(): Promise<number | null> {
    this.process.signal('SIGTERM');
    return (await this.process.ended).code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}
