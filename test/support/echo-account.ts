import { BaileysChannel } from '../../src/channels/whatsapp/baileys/channel.ts';
import type { LinkEvent } from '../../src/channels/whatsapp/baileys/link.ts';
import { agentAddress, agentId, messageId } from '../../src/domain/addresses.ts';
import { CHAT_IN, chatArrivalSchema } from '../../src/domain/chat.ts';
import type { Clock } from '../../src/lib/clock.ts';
import { deriveId } from '../../src/lib/ids.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { SqliteWhatsAppSessions } from '../../src/store/whatsapp-session.ts';
import { draft, openSpoolAt } from './spool.ts';

const ECHO = agentId('echo');

/** How long an answer waits before it is sent again, milliseconds. */
const AGAIN_MS = 50;

export interface EchoAccountOptions {
  readonly database: string;
  readonly webUrl: string;
  readonly rootKey: string;
  readonly clock: Clock;
  readonly ackTimeoutMs: number;
  /** How long nobody else answers what this one is about to answer, milliseconds. */
  readonly leaseMs: number;
  readonly link: (event: LinkEvent) => void;
  /** A message has been decrypted; then it has been stored, and no receipt has left. */
  readonly reached?: (moment: 'before-commit' | 'after-commit') => void;
}

/** A WhatsApp account that answers every message with the same words, above a spool: what it took in is not lost, and answered once. */
export class EchoAccount {
  /** How many messages were taken in that were new. */
  accepted = 0;
  readonly db: ReturnType<typeof openSpoolAt>['db'];
  readonly #spool: ReturnType<typeof openSpoolAt>['spool'];
  readonly #options: EchoAccountOptions;
  readonly #stopping = new AbortController();
  #channel: BaileysChannel;
  #answering: Promise<void> = Promise.resolve();

  constructor(options: EchoAccountOptions) {
    this.#options = options;
    ({ db: this.db, spool: this.#spool } = openSpoolAt(options.database, options.clock));
    this.#channel = this.#newChannel();
  }

  async start(): Promise<void> {
    await this.#open();
    this.#answering = this.#answerAll();
  }

  /** The channel alone, as after a change of its settings. */
  async restart(): Promise<void> {
    await this.#channel.stop();
    this.#channel = this.#newChannel();
    await this.#open();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#answering;
    await this.#channel.stop();
    await this.#spool.close();
    await this.db.close();
  }

  #newChannel(): BaileysChannel {
    const { clock, webUrl, rootKey, ackTimeoutMs, link } = this.#options;
    return new BaileysChannel({
      accounts: [{ id: ECHO, phone: null }],
      sessions: new SqliteWhatsAppSessions(this.db, { clock }),
      link,
      clock,
      logger: silentLogger,
      webUrl,
      rootKey,
      pace: { accountGapMs: 0, chatGapMs: 0 },
      ackTimeoutMs,
    });
  }

  async #open(): Promise<void> {
    const { reached } = this.#options;
    await this.#channel.start(async ({ id, chat, also }) => {
      const message = draft(ECHO, {
        id: messageId(deriveId('msg', chat.channel, id)),
        payload: { type: CHAT_IN, data: { id, ...chat } },
      });
      reached?.('before-commit');
      const [receipt] = await this.#spool.send([message], also);
      reached?.('after-commit');
      if (receipt?.duplicate) return 'duplicate';
      this.accepted += 1;
      return 'accepted';
    });
  }

  async #answerAll(): Promise<void> {
    const { leaseMs } = this.#options;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const [delivery] = await this.#spool.claim(agentAddress(ECHO), { leaseMs, wait: true }, signal);
      if (!delivery) continue;
      const { peer, text } = chatArrivalSchema.parse(delivery.message.payload.data);
      const chat = { peer, speaker: { id: ECHO, name: 'Echo' }, text: `echo ${text}` };
      const outcome = await this.#channel
        .send({ id: deriveId('out', delivery.message.id), account: ECHO, chat })
        .catch(() => ({ kind: 'later' }) as const);
      await this.#spool.settle(
        delivery.lease,
        outcome.kind === 'sent'
          ? { kind: 'ack' }
          : { kind: 'nack', reason: outcome.kind, delayMs: AGAIN_MS, countsAsAttempt: false },
      );
    }
  }
}
