import { z } from 'zod';
import type { Clock } from '../../../src/lib/clock.ts';
import { Conversations } from './conversations.ts';
import { GraphError } from './errors.ts';
import { MediaStore } from './media-store.ts';
import type { MessageRequest, ReadRequest } from './message-schemas.ts';

/** A number of a business. */
export interface BusinessNumber {
  readonly phoneNumberId: string;
  readonly accessToken: string;
  /** Digits. */
  readonly displayNumber: string;
}

/** Somebody with WhatsApp; who hides their number has only a user id. */
export interface Person {
  readonly name: string;
  /** Digits. */
  readonly phone: string | null;
  /** Business-scoped, such as US.13491208655302741918. */
  readonly userId: string | null;
}

export interface Group {
  readonly group: string;
}

/** A message that was taken, and is on the phones of those who are in the chat. */
export interface Taken {
  readonly id: string;
  readonly from: BusinessNumber;
  readonly to: Person | Group;
  readonly request: MessageRequest;
}

export interface BusinessOptions {
  readonly clock: Clock;
  /** How a message after the 24 hours is refused: by the answer, or, as Meta mostly does, later by a webhook. */
  readonly refusesBy?: 'answer' | 'webhook';
  /** The names of templates that were approved. */
  readonly templates?: readonly string[];
}

/** A business on WhatsApp: its numbers, the people it can reach, and what it has sent. */
export class Business {
  readonly media = new MediaStore();
  /** In the order in which they were taken. */
  readonly taken: Taken[] = [];
  readonly read: ReadRequest[] = [];
  /** How many requests to send a message came, whatever became of them. */
  asked = 0;
  readonly #options: BusinessOptions;
  readonly #conversations: Conversations;
  readonly #numbers: BusinessNumber[] = [];
  readonly #people: Person[] = [];
  readonly #groups: Group[] = [];
  #ids = 0;

  constructor(options: BusinessOptions) {
    this.#options = options;
    this.#conversations = new Conversations(options.clock);
  }

  addNumber(displayNumber: string, accessToken = `token-of-${displayNumber}`): BusinessNumber {
    const number = { phoneNumberId: `10${displayNumber}`, accessToken, displayNumber };
    this.#numbers.push(number);
    return number;
  }

  addPerson(person: Partial<Person>): Person {
    const added = { name: 'Somebody', phone: null, userId: null, ...person };
    this.#people.push(added);
    return added;
  }

  addGroup(id: string): Group {
    const added = { group: id };
    this.#groups.push(added);
    return added;
  }

  /** The number that is meant when none is named. */
  get number(): BusinessNumber {
    const [number] = this.#numbers;
    if (!number) throw new Error('Add a number first.');
    return number;
  }

  holderOf(accessToken: string): BusinessNumber | null {
    return this.#numbers.find((number) => number.accessToken === accessToken) ?? null;
  }

  /** As if somebody there had just written. */
  openWindow(chat: Person | Group, number = this.number): void {
    this.#conversations.openWindow(chatId(number, chat));
  }

  /** Takes a message, if WhatsApp would. Throws a GraphError. */
  take(from: BusinessNumber, request: MessageRequest): Taken {
    const to = this.#recipientOf(request);
    const chat = chatId(from, to);
    if (request.type === 'template') this.#requireTemplate(request);
    else if (!this.#conversations.isOpen(chat) && this.#options.refusesBy !== 'webhook') throw new GraphError(131047);
    this.#conversations.spend(chat);
    this.#requireMedia(request);
    const taken = { id: this.newMessageId(), from, to, request };
    this.taken.push(taken);
    return taken;
  }

  newMessageId(): string {
    this.#ids += 1;
    return `wamid.${Buffer.from(`message ${this.#ids}`).toString('base64')}`;
  }

  #recipientOf({ recipient_type, to, recipient }: MessageRequest): Person | Group {
    const digits = to?.replace('+', '');
    const isMeant = ({ phone, userId }: Person): boolean =>
      digits === undefined ? userId === recipient : phone === digits;
    const found =
      recipient_type === 'group' ? this.#groups.find(({ group }) => group === to) : this.#people.find(isMeant);
    if (!found) throw new GraphError(131026, 'Nobody here has that number, or that id.');
    return found;
  }

  #requireTemplate(request: MessageRequest): void {
    const { template } = z.object({ template: z.object({ name: z.string() }) }).parse(request);
    if (!this.#options.templates?.includes(template.name)) {
      throw new GraphError(132001, `There is no template ${template.name}.`);
    }
  }

  #requireMedia(request: MessageRequest): void {
    const content = Object.entries(request).find(([name]) => name === request.type)?.[1];
    const media = z.object({ id: z.string() }).safeParse(content);
    if (media.success) this.media.find(media.data.id);
  }
}

const chatId = ({ phoneNumberId }: BusinessNumber, chat: Person | Group): string =>
  JSON.stringify([phoneNumberId, 'group' in chat ? chat.group : [chat.phone, chat.userId]]);
