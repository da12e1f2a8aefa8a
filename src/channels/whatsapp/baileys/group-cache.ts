import type { GroupMetadata, WASocket } from 'baileys';
import { type Clock, sleep } from '../../../lib/clock.ts';
import type { Logger } from '../../../lib/logger.ts';

/** Changes are told by events; a group that nothing was heard of is still asked for now and then. */
const FRESH_MS = 30 * 60_000;

/** How long a message waits for what is known of its group before it goes on without. */
const PATIENCE_MS = 5_000;

interface Entry {
  readonly metadata: GroupMetadata;
  readonly at: number;
}

/** Names and members of the groups of one connection: asked for every message, WhatsApp would soon refuse to tell. */
export class GroupCache {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #known = new Map<string, Entry>();
  readonly #asked = new Map<string, Promise<GroupMetadata | null>>();
  #socket: WASocket | null = null;

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock;
    this.#logger = logger;
  }

  attach(socket: WASocket): void {
    this.#socket = socket;
    socket.ev.on('groups.update', (groups) => this.#forget(groups.map(({ id }) => id)));
    socket.ev.on('groups.upsert', (groups) => this.#forget(groups.map(({ id }) => id)));
    socket.ev.on('group-participants.update', ({ id }) => this.#forget([id]));
  }

  /** Undefined when WhatsApp does not say: the library then asks itself. */
  readonly metadata = async (id: string): Promise<GroupMetadata | undefined> => {
    const entry = this.#known.get(id);
    if (entry && this.#clock.now() < entry.at + FRESH_MS) return entry.metadata;
    return (await this.#ask(id)) ?? undefined;
  };

  /** What WhatsApp says of a group; null when that is not known in time. */
  async inTime(id: string): Promise<GroupMetadata | null> {
    const waiting = new AbortController();
    const inTime = sleep(this.#clock, PATIENCE_MS, waiting.signal).then(() => null);
    const metadata = await Promise.race([this.metadata(id), inTime]);
    waiting.abort();
    return metadata ?? null;
  }

  /** Those who ask at the same time get one answer. */
  #ask(id: string): Promise<GroupMetadata | null> {
    const asked = this.#asked.get(id) ?? this.#query(id).finally(() => this.#asked.delete(id));
    this.#asked.set(id, asked);
    return asked;
  }

  async #query(id: string): Promise<GroupMetadata | null> {
    try {
      const metadata = await this.#socket?.groupMetadata(id);
      if (!metadata) return null;
      this.#known.set(id, { metadata, at: this.#clock.now() });
      return metadata;
    } catch {
      this.#logger.debug({ group: id }, 'WhatsApp does not say what the group is');
      return null;
    }
  }

  #forget(ids: readonly (string | undefined)[]): void {
    for (const id of ids) if (id !== undefined) this.#known.delete(id);
  }
}
