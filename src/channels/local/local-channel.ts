import { isForeignId } from '../../domain/addresses.ts';
import type { Peer } from '../../domain/chat.ts';
import { ParleyError } from '../../domain/errors.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Channel, ChatDeparture, Receive, SendOutcome } from '../channel.ts';
import type { ChatEntry, ChatLog } from './chat-log.ts';
import { LiveFeed } from './live-feed.ts';
import type { Bubble, Contact, FlowEvent, LiveEvent, Person, PhoneState, Receipt, Waiting } from './wire.ts';

export const LOCAL = 'local';

/** Who holds the phone. Numbers from 555-0100 to 555-0199 belong to nobody. */
export const PERSON: Person = { id: '+15550100', name: 'You', phone: '+1 555 0100' };

/** The longest message that the phone takes, in UTF-16 code units, as the gate counts them. */
export const MAX_TEXT = 10_000;

/** How many bubbles a page shows when it opens. */
const HISTORY = 500;

interface LocalChannelOptions {
  readonly log: ChatLog;
  readonly clock: Clock;
  /** The agents that the phone knows, one account each. */
  contacts(): readonly Contact[];
  /** How far a message of the person has come. */
  receiptOf(id: string): Receipt;
  /** What waits for the person's approval. */
  waiting(): readonly Waiting[];
}

/** What the person writes. */
interface Utterance {
  readonly id: string;
  readonly account: string;
  /** Default: the chat with the account's agent alone. */
  readonly peer?: Peer | undefined;
  readonly text: string;
}

/**
 * A phone that is only simulated, as a channel like any other: what the person says goes through `receive` and becomes a bubble
 * once it is durable; what the agents say arrives through `send`.
 */
export class LocalChannel implements Channel {
  readonly name = LOCAL;
  readonly capabilities = { groups: true, longestText: MAX_TEXT };
  readonly #options: LocalChannelOptions;
  readonly #feed = new LiveFeed();
  readonly #underWay = new Set<Promise<unknown>>();
  #receive: Receive | null = null;

  constructor(options: LocalChannelOptions) {
    this.#options = options;
  }

  async start(receive: Receive): Promise<void> {
    this.#receive = receive;
  }

  async stop(): Promise<void> {
    this.#receive = null;
    await Promise.allSettled(this.#underWay);
  }

  /** Rejects with CHANNEL_SEND_FAILED while the channel is not running, and as the log does. */
  async send({ id, account, chat }: ChatDeparture): Promise<SendOutcome> {
    this.#running();
    const { peer, speaker: author, text, choices } = chat;
    const entry = { id, account, peer, author, mine: false, text, ...(choices && { choices }), at: this.#now() };
    await this.#whileRunning(this.#show(entry));
    return { kind: 'sent' };
  }

  /**
   * Resolves once the message is durable, or refused. Rejects with MESSAGE_INVALID, with CHANNEL_SEND_FAILED while the channel is
   * not running, and as `receive` and the log do; after that, the same id may be said again.
   */
  async say(utterance: Utterance): Promise<'accepted' | 'duplicate' | 'refused'> {
    const receive = this.#running();
    const entry = this.#entryOf(utterance);
    return await this.#whileRunning(this.#take(entry, receive));
  }

  /** What became of a message of the person. */
  receipt(id: string, receipt: Receipt): void {
    this.#feed.publish({ kind: 'receipt', id, receipt });
  }

  /** The account's agent begins or ceases to write in a chat. */
  typing(account: string, peer: Peer, on: boolean): void {
    this.#feed.publish({ kind: 'typing', typing: { account, peer }, on });
  }

  /** An envelope moved. */
  flow(event: FlowEvent): void {
    this.#feed.publish({ kind: 'flow', event });
  }

  /** What waits for the person's approval may have changed. */
  waitingChanged(): void {
    this.#feed.publish({ kind: 'waiting', waiting: this.#options.waiting() });
  }

  /** Tells the person something that nobody in a chat says; null takes it back. */
  notice(text: string | null): void {
    this.#feed.publish({ kind: 'notice', text });
  }

  /** The returned function ends the subscription. */
  subscribe(listener: (event: LiveEvent) => void): () => void {
    return this.#feed.subscribe(listener);
  }

  /** What a page that opens now shows; every change after `seq` is told to the subscribers. */
  state(): Omit<PhoneState, 'offers' | 'suggestions'> {
    return {
      ...this.#feed.now(),
      person: PERSON,
      contacts: this.#options.contacts(),
      waiting: this.#options.waiting(),
      messages: this.#options.log.list(HISTORY).map((entry) => this.#bubble(entry)),
    };
  }

  #entryOf({ id, account, peer = { kind: 'dm', id: PERSON.id }, text }: Utterance): ChatEntry {
    if (!isForeignId(id)) throw invalid('The id of a message is 1 to 200 printable characters without white space.');
    if (!isForeignId(peer.id)) throw invalid('The id of a chat is 1 to 200 printable characters without white space.');
    if (peer.kind === 'dm' && peer.id !== PERSON.id) throw invalid('This phone belongs to somebody else.');
    if (!this.#options.contacts().some((contact) => contact.account === account)) {
      throw invalid(`There is no contact ${JSON.stringify(account)} on this phone.`);
    }
    if (text.length === 0 || text.length > MAX_TEXT) throw invalid(`A message has 1 to ${MAX_TEXT} characters.`);
    // Half a surrogate pair has no UTF-8 form: it could not be kept as it is.
    if (!text.isWellFormed()) throw invalid('The text is not well-formed Unicode.');
    return { id, account, peer, author: { id: PERSON.id, name: PERSON.name }, mine: true, text, at: this.#now() };
  }

  async #take(entry: ChatEntry, receive: Receive): Promise<'accepted' | 'duplicate' | 'refused'> {
    const { id, account, peer, author: sender, text } = entry;
    const { log } = this.#options;
    // The bubble commits with the message. Were it added only afterwards, a crash between the two would leave an answer without its
    // question, or above it.
    const also = [log.addition(entry)];
    const outcome = await receive({ id, chat: { channel: this.name, account, peer, sender, text }, also });
    if (outcome === 'refused') return outcome;
    const added = await log.add(entry);
    if (added || outcome === 'accepted') this.#feed.publish({ kind: 'bubble', bubble: this.#bubble(entry) });
    return outcome;
  }

  async #show(entry: ChatEntry): Promise<void> {
    if (!(await this.#options.log.add(entry))) return;
    this.#feed.publish({ kind: 'bubble', bubble: this.#bubble(entry) });
  }

  #bubble(entry: ChatEntry): Bubble {
    return { ...entry, receipt: entry.mine ? this.#options.receiptOf(entry.id) : null };
  }

  #running(): Receive {
    if (this.#receive) return this.#receive;
    throw new ParleyError('CHANNEL_SEND_FAILED', 'The local chat is not running.');
  }

  async #whileRunning<T>(work: Promise<T>): Promise<T> {
    this.#underWay.add(work);
    try {
      return await work;
    } finally {
      this.#underWay.delete(work);
    }
  }

  #now(): number {
    return this.#options.clock.now();
  }
}

const invalid = (message: string): ParleyError => new ParleyError('MESSAGE_INVALID', message);
