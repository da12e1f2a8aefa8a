import type { Bubble, PhoneState, Receipt } from '../wire.ts';
import { avatar } from './chat-list.ts';
import type { Chat } from './chats.ts';
import { choiceButtons, enableChoices } from './choice-buttons.ts';
import { byId, html, ICONS, icon, setChildren } from './dom.ts';
import { clockTime, dayOf, listed, toneOf } from './text.ts';

const TICKS: Readonly<Record<Receipt, { readonly path: string; readonly title: string }>> = {
  sent: { path: ICONS.oneTick, title: 'Sent' },
  delivered: { path: ICONS.twoTicks, title: 'Delivered' },
  read: { path: ICONS.twoTicks, title: 'Read' },
  failed: { path: ICONS.failed, title: 'Failed' },
};

/** The chat that is open: who it is with, and its bubbles. */
export class ChatView {
  readonly #scroller = byId('bubbles', HTMLElement);
  readonly #list = byId('bubble-list', HTMLDivElement);
  readonly #avatar = byId('chat-avatar', HTMLSpanElement);
  readonly #title = byId('chat-title', HTMLHeadingElement);
  readonly #subtitle = byId('chat-subtitle', HTMLParagraphElement);
  readonly #scripted = byId('chat-scripted', HTMLSpanElement);
  /** Elements of the open chat by what they show: one that has not changed is used again. */
  #elements = new Map<string, Element>();
  #key: string | null = null;
  readonly #choose: (choice: string) => void;

  constructor(choose: (choice: string) => void) {
    this.#choose = choose;
  }

  /** `open`: the choices that can be made now. */
  show(chat: Chat, state: PhoneState, open: ReadonlySet<string>): void {
    this.#showHead(chat, state);
    const opens = this.#key !== chat.key;
    if (opens) {
      this.#key = chat.key;
      this.#elements = new Map();
    }
    const last = chat.bubbles.at(-1);
    const spoke = last?.mine === true && !this.#elements.has(`bubble ${last.id}`);
    setChildren(this.#list, this.#content(chat, state, opens));
    enableChoices(this.#list, open);
    // The style sheet lets the view start at its end and stay there; 0 is the end.
    if (opens || spoke) this.#scroller.scrollTop = 0;
  }

  #showHead(chat: Chat, { contacts, person }: PhoneState): void {
    this.#avatar.replaceChildren(avatar(chat, contacts));
    this.#title.textContent = chat.title;
    this.#subtitle.textContent = subtitleOf(chat, person.name);
    this.#scripted.hidden = chat.contact?.scripted !== true;
  }

  #content(chat: Chat, state: PhoneState, opens: boolean): readonly Element[] {
    const content: Element[] = [];
    let before: Bubble | null = null;
    for (const bubble of chat.bubbles) {
      const day = dayOf(bubble.at, Date.now());
      const newDay = before === null || dayOf(before.at, Date.now()) !== day;
      if (newDay) content.push(this.#once(`day ${day}`, () => html('p', { class: 'day' }, day)));
      const first = newDay || before?.author.id !== bubble.author.id;
      content.push(this.#bubble(bubble, { first, named: first && chat.contact === null, arrives: !opens }, state));
      before = bubble;
    }
    if (content.length === 0) content.push(this.#once('empty', () => emptyChat(chat, state)));
    const typing = chat.typing.join();
    if (typing !== '') content.push(this.#once(`typing ${typing}`, () => typingDots(chat.typing)));
    return content;
  }

  #bubble(bubble: Bubble, look: Look, { contacts }: PhoneState): Element {
    const again = this.#elements.has(`bubble ${bubble.id}`);
    const element = this.#once(`bubble ${bubble.id}`, () => bubbleElement(bubble, look, contacts, this.#choose));
    if (again && bubble.receipt !== null) element.querySelector('.ticks')?.replaceWith(ticks(bubble.receipt));
    return element;
  }

  #once(key: string, make: () => Element): Element {
    const element = this.#elements.get(key) ?? make();
    this.#elements.set(key, element);
    return element;
  }
}

function subtitleOf({ contact, members }: Chat, person: string): string {
  if (contact === null) return listed.format([...members.map(({ name }) => name), person]);
  return contact.scripted ? contact.phone : `${contact.phone} · ${contact.provider} ${contact.model}`;
}

interface Look {
  /** The first of several bubbles of one speaker. */
  readonly first: boolean;
  /** The speaker's name is shown; it is always read out. */
  readonly named: boolean;
  /** It came while the chat was open. */
  readonly arrives: boolean;
}

function bubbleElement(
  bubble: Bubble,
  { first, named, arrives }: Look,
  contacts: PhoneState['contacts'],
  choose: (choice: string) => void,
): HTMLElement {
  const { id, author, mine, text, at, receipt, choices = [] } = bubble;
  const tone = mine ? 'person' : toneOf(author.id, contacts);
  const seen = named && !mine ? 'speaker' : 'speaker unseen';
  const time = html('time', { datetime: new Date(at).toISOString() }, clockTime(at));
  return html(
    'article',
    {
      class: 'bubble',
      'data-testid': 'bubble',
      'data-id': id,
      'data-mine': mine,
      'data-first': first,
      'data-new': arrives,
    },
    html('p', { class: seen, 'data-tone': tone, 'data-testid': 'speaker' }, author.name),
    html('p', { class: 'text' }, text),
    ...(choices.length > 0 ? [choiceButtons(choices, choose)] : []),
    html('p', { class: 'meta' }, time, ...(receipt === null ? [] : [ticks(receipt)])),
  );
}

function ticks(receipt: Receipt): HTMLElement {
  const { path, title } = TICKS[receipt];
  return html('span', { class: 'ticks', 'data-testid': 'receipt', 'data-receipt': receipt }, icon(path, title));
}

function emptyChat({ title, contact }: Chat, { contacts }: PhoneState): HTMLElement {
  const others = contacts.filter(({ account }) => account !== contact?.account).map(({ agent }) => agent.name);
  const about = others.length > 0 ? `${title} can talk with ${listed.format(others)} for you.` : '';
  return html(
    'div',
    { class: 'empty' },
    html('p', { class: 'lead' }, `Say something to ${title}`),
    html('p', {}, about),
  );
}

function typingDots(names: readonly string[]): HTMLElement {
  const label = `${listed.format(names)} ${names.length === 1 ? 'is' : 'are'} typing`;
  const dots = html('span', { class: 'dots', 'aria-hidden': 'true' }, html('i'), html('i'), html('i'));
  return html(
    'div',
    { class: 'bubble typing', 'data-testid': 'typing' },
    dots,
    html('span', { class: 'unseen' }, label),
  );
}
