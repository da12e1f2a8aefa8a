import type { PhoneState } from '../wire.ts';
import { type Chat, lastAt, unread } from './chats.ts';
import { html, setChildren } from './dom.ts';
import { clockTime, initials, toneOf } from './text.ts';

interface Line {
  readonly item: HTMLLIElement;
  readonly button: HTMLButtonElement;
  readonly time: HTMLElement;
  readonly title: HTMLElement;
  readonly last: HTMLElement;
  readonly count: HTMLElement;
}

/** The phone's list of chats. Lines are changed in place, so that the keyboard's focus stays where it is. */
export class ChatList {
  readonly #list: HTMLUListElement;
  readonly #open: (key: string) => void;
  readonly #lines = new Map<string, Line>();

  constructor(list: HTMLUListElement, open: (key: string) => void) {
    this.#list = list;
    this.#open = open;
  }

  show(chats: readonly Chat[], current: string | null, seenAt: (key: string) => number, state: PhoneState): void {
    for (const chat of chats) this.#fill(this.#lineOf(chat, state), chat, current, seenAt(chat.key));
    const focused = document.activeElement;
    setChildren(
      this.#list,
      chats.map((chat) => this.#lineOf(chat, state).item),
    );
    // A line that moved has lost the focus.
    if (focused instanceof HTMLElement && focused !== document.activeElement) focused.focus();
  }

  #lineOf(chat: Chat, state: PhoneState): Line {
    const known = this.#lines.get(chat.key);
    if (known) return known;
    const line = this.#newLine(chat, state);
    this.#lines.set(chat.key, line);
    return line;
  }

  #newLine(chat: Chat, { contacts }: PhoneState): Line {
    const title = html('span', { class: 'title' });
    const time = html('span', { class: 'time' });
    const last = html('span', { class: 'last' });
    const count = html('span', { class: 'unread', 'data-testid': 'unread' });
    const button = html(
      'button',
      { type: 'button', class: 'chat-line', 'data-testid': `chat-${chat.id}` },
      avatar(chat, contacts),
      title,
      time,
      last,
      count,
    );
    button.addEventListener('click', () => this.#open(chat.key));
    return { item: html('li', {}, button), button, time, title, last, count };
  }

  #fill(line: Line, chat: Chat, current: string | null, seenAt: number): void {
    const count = chat.key === current ? 0 : unread(chat, seenAt);
    line.title.textContent = chat.title;
    line.time.textContent = chat.bubbles.length > 0 ? clockTime(lastAt(chat)) : '';
    line.last.textContent = lastLine(chat);
    line.last.classList.toggle('typing', chat.typing.length > 0);
    line.count.textContent = count > 0 ? String(count) : '';
    line.count.hidden = count === 0;
    line.count.setAttribute('aria-label', `${count} unread`);
    line.button.setAttribute('aria-current', String(chat.key === current));
  }
}

/** A round picture: the initials of a person or a group, in its colour. */
export function avatar(chat: Pick<Chat, 'id' | 'title' | 'contact'>, contacts: PhoneState['contacts']): HTMLElement {
  const tone = chat.contact === null ? 'group' : toneOf(chat.contact.agent.id, contacts);
  return html('span', { class: 'avatar', 'data-tone': tone, 'aria-hidden': 'true' }, initials(chat.title));
}

function lastLine({ typing, bubbles, contact }: Chat): string {
  if (typing.length > 0) return 'typing…';
  const last = bubbles.at(-1);
  if (last === undefined) return contact?.phone ?? '';
  const speaker = last.mine || contact === null ? `${last.author.name}: ` : '';
  return `${speaker}${last.text.slice(0, 120)}`;
}
