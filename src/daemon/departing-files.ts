import { createHash, randomUUID } from 'node:crypto';
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type MessageId, messageId } from '../domain/addresses.ts';
import { ParleyError } from '../domain/errors.ts';
import type { Clock } from '../lib/clock.ts';
import type { Spool } from '../spool/spool.ts';
import { keepFile, namesIn } from './kept-files.ts';

interface DepartingFilesOptions {
  /** Where the files are kept; made when the first comes. */
  readonly folder: string;
  readonly spool: Pick<Spool, 'status'>;
  readonly clock: Clock;
}

/** How long a file waits for its message to be committed: longer than any turn takes. In milliseconds. */
const UNCLAIMED_MS = 24 * 3_600_000;

/** The files that agents send, as they were at that moment, until their messages are settled. */
export class DepartingFiles {
  readonly #options: DepartingFilesOptions;

  constructor(options: DepartingFilesOptions) {
    this.#options = options;
  }

  /** Keeps a file for a message that is not there yet; its path. Rejects with OUTPUT_FAILED. */
  async keep(id: MessageId, content: Uint8Array): Promise<string> {
    // By its content, too: a turn that has lost its lease and goes on changes nothing of what another has committed.
    const digest = createHash('sha256').update(content).digest('hex').slice(0, 32);
    const path = join(this.#options.folder, `${id}.${digest}`);
    try {
      await keepFile(path, content, `${path}.${randomUUID()}`);
    } catch (cause) {
      throw new ParleyError('OUTPUT_FAILED', 'The file could not be kept for sending.', { cause });
    }
    return path;
  }

  /** Removes what is needed no more. What belongs to a dead letter stays with it. */
  async sweep(): Promise<void> {
    const { folder } = this.#options;
    for (const name of await namesIn(folder)) {
      if (await this.#isOver(name)) await rm(join(folder, name), { force: true });
    }
  }

  async #isOver(name: string): Promise<boolean> {
    const { folder, spool, clock } = this.#options;
    const [id = ''] = name.split('.');
    const reports = spool.status(messageId(id));
    if (reports.length > 0) return reports.every(({ status }) => status === 'acked' || status === 'expired');
    const found = await stat(join(folder, name)).catch(() => null);
    return found !== null && found.mtimeMs < clock.now() - UNCLAIMED_MS;
  }
}
