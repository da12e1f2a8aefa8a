import type { Bubble, Contact, LiveEvent, PhoneState, Receipt, Typing, Waiting } from '../wire.ts';

/** One line of the phone's list of chats. */
export interface Chat {
  readonly key: string;
  /** The account of a contact, or the id of a group. */
  readonly id: string;
  /** Where what the person writes in it goes. */
  readonly account: string;
  readonly peer: Bubble['peer'];
  readonly title: string;
  /** The agent of a chat between two; null for a group. */
  readonly contact: Contact | null;
  /** Oldest first. */
  readonly bubbles: readonly Bubble[];
  /** Everybody but the person who has spoken in it. */
  readonly members: readonly Bubble['author'][];
  readonly typing: readonly string[];
}

const keyOf = ({ account, peer }: Typing): string => (peer.kind === 'group' ? `group ${peer.id}` : `dm ${account}`);

/** The person's chats: what the server said when the page opened, and every change since. */
export class Chats {
  readonly #state: PhoneState;
  readonly #bubbles = new Map<string, Bubble>();
  readonly #typing = new Map<string, Typing>();
  #waiting: readonly Waiting[];

  constructor(state: PhoneState) {
    this.#state = state;
    this.#waiting = state.waiting;
    for (const bubble of state.messages) this.#bubbles.set(bubble.id, bubble);
    for (const typing of state.typing) this.#typing.set(`${typing.account} ${keyOf(typing)}`, typing);
  }

  apply(event: LiveEvent): void {
    switch (event.kind) {
      case 'bubble':
        this.#bubbles.set(event.bubble.id, event.bubble);
        // The agent may have begun to write before the person's own bubble came.
        if (!event.bubble.mine) this.#typing.delete(`${event.bubble.account} ${keyOf(event.bubble)}`);
        break;
      case 'receipt':
        this.#setReceipt(event.id, event.receipt);
        break;
      case 'typing': {
        const key = `${event.typing.account} ${keyOf(event.typing)}`;
        if (event.on) this.#typing.set(key, event.typing);
        else this.#typing.delete(key);
        break;
      }
      case 'waiting':
        this.#waiting = event.waiting;
        break;
      default:
    }
  }

  /** What waits for approval, oldest first. */
  get waiting(): readonly Waiting[] {
    return this.#waiting;
  }

  /** The ids of all that can be chosen now. */
  get open(): ReadonlySet<string> {
    return new Set(this.#waiting.flatMap(({ choices }) => choices.map(({ id }) => id)));
  }

  /** Where to say something about a request: the chat with the agent that asks, or, if it has none, with another. */
  keyFor({ agent }: Waiting): string | null {
    const { contacts } = this.#state;
    const contact = contacts.find(({ account }) => account === agent) ?? contacts[0];
    return contact ? `dm ${contact.account}` : null;
  }

  /** The last one in which something was said comes first; the contacts with whom nothing was, last. */
  list(): readonly Chat[] {
    const bubbles = [...this.#bubbles.values()].sort((a, b) => a.at - b.at);
    const said = Map.groupBy(bubbles, keyOf);
    const typing = Map.groupBy(this.#typing.values(), keyOf);
    const chats = [
      ...this.#state.contacts.map((contact) => this.#direct(contact, said, typing)),
      ...[...said].filter(([key]) => key.startsWith('group ')).flatMap(([key, of]) => this.#group(key, of, typing)),
    ];
    return chats.sort((a, b) => lastAt(b) - lastAt(a));
  }

  #direct(contact: Contact, said: Map<string, Bubble[]>, typing: Map<string, Typing[]>): Chat {
    const { account, agent } = contact;
    const key = `dm ${account}`;
    const { id } = this.#state.person;
    return {
      ...{ key, id: account, account, contact, title: agent.name, peer: { kind: 'dm', id } },
      ...{ bubbles: said.get(key) ?? [], members: [agent], typing: typing.has(key) ? [agent.name] : [] },
    };
  }

  #group(key: string, bubbles: readonly Bubble[], typing: Map<string, Typing[]>): readonly Chat[] {
    const [first] = bubbles;
    if (first === undefined) return [];
    const named = bubbles.findLast(({ peer }) => peer.name !== undefined) ?? first;
    const members = new Map(bubbles.filter(({ mine }) => !mine).map(({ author }) => [author.id, author]));
    return [
      {
        ...{ key, id: first.peer.id, account: first.account, contact: null, peer: named.peer },
        ...{ title: named.peer.name ?? first.peer.id, bubbles, members: [...members.values()] },
        typing: (typing.get(key) ?? []).map(({ account }) => this.#nameOf(account)),
      },
    ];
  }

  #nameOf(account: string): string {
    return this.#state.contacts.find((contact) => contact.account === account)?.agent.name ?? account;
  }

  #setReceipt(id: string, receipt: Receipt): void {
    const bubble = this.#bubbles.get(id);
    if (bubble) this.#bubbles.set(id, { ...bubble, receipt });
  }
}

export const lastAt = ({ bubbles }: Chat): number => bubbles.at(-1)?.at ?? 0;

/** How many bubbles of others came after `seenAt` (epoch milliseconds). */
export const unread = ({ bubbles }: Chat, seenAt: number): number =>
  bubbles.filter(({ mine, at }) => !mine && at > seenAt).length;

/** What to offer in a chat: the first suggestion not yet taken up, once everything said before has been answered. */
export function nextSuggestion({ id, contact, bubbles, typing }: Chat, { suggestions }: PhoneState): string | null {
  if (contact === null || bubbles.at(-1)?.mine || typing.length > 0) return null;
  const said = new Set(bubbles.filter(({ mine }) => mine).map(({ text }) => text));
  return suggestions.find(({ account, text }) => account === id && !said.has(text))?.text ?? null;
}
