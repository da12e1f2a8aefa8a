import type { WAMessageKey } from 'baileys';
import type { Peer } from '../../../domain/chat.ts';
import { errorText } from '../../../lib/errors.ts';
import type { Logger } from '../../../lib/logger.ts';
import { jidOf } from './identity.ts';
import type { Line } from './sender.ts';
import type { ReceivedMessage } from './sessions.ts';

/** How many messages of a chat are marked as read together. */
const MOST_UNREAD = 100;

/** What people see of an account besides its messages: that it has read theirs, and that it is writing. */
export class Presence {
  readonly #account: string;
  readonly #line: () => Line | null;
  readonly #logger: Logger;
  readonly #unread = new Map<string, WAMessageKey[]>();
  readonly #writing = new Set<string>();

  constructor(account: string, line: () => Line | null, logger: Logger) {
    this.#account = account;
    this.#line = line;
    this.#logger = logger;
  }

  received(peer: Peer, { jid, participant, stanza }: ReceivedMessage): void {
    const keys = this.#unread.get(peer.id) ?? [];
    keys.push({ remoteJid: jid, id: stanza, fromMe: false, ...(participant ? { participant } : {}) });
    this.#unread.set(peer.id, keys.slice(-MOST_UNREAD));
  }

  /** The account begins to write in a chat, and so has read what was said there; or it ceases to. */
  typing(peer: Peer, on: boolean): void {
    const line = this.#line();
    const jid = jidOf(peer.id);
    if (!line || jid === null) return;
    this.#show(line, peer, jid, on).catch((error: unknown) => {
      this.#logger.debug({ account: this.#account, error: errorText(error) }, 'WhatsApp was not told who is writing');
    });
  }

  /** Between its turns the account is away: while a linked device is there, the phone of its owner keeps silent. */
  async #show({ socket }: Line, peer: Peer, jid: string, on: boolean): Promise<void> {
    if (!on) {
      this.#writing.delete(peer.id);
      await socket.sendPresenceUpdate('paused', jid);
      if (this.#writing.size === 0) await socket.sendPresenceUpdate('unavailable');
      return;
    }
    this.#writing.add(peer.id);
    const keys = this.#unread.get(peer.id) ?? [];
    this.#unread.delete(peer.id);
    await socket.sendPresenceUpdate('available');
    await socket.sendPresenceUpdate('composing', jid);
    if (keys.length > 0) await socket.readMessages(keys);
  }
}
