import type { Bubble, PhoneState, Receipt } from '../wire.ts';
import { avatar } from './chat-list.ts';
import type { Chat } from './chats.ts';
import { byId, html, ICONS, icon } from './dom.ts';
import { clockTime, dayOf, listed, toneOf } from './text.ts';

const TICKS: Readonly<Record<Receipt, { readonly path: string; readonly title: string }>> = {
  sent: { path: ICONS.oneTick, title: 'Sent' },
  delivered: { path: ICONS.twoTicks, title: 'Delivered' },
  read: { path: ICONS.twoTicks, title: 'Read' },
  failed: { path: ICONS.failed, title: 'Failed' },
};

/** How near to the end somebody has scrolled who wants to see what comes next, in CSS pixels. */
const NEAR_END = 80;

/** The chat that is open: who it is with, and its bubbles. */
export class ChatView {
  readonly #bubbles = byId('bubbles', HTMLElement);
  readonly #avatar = byId('chat-avatar', HTMLSpanElement);
  readonly #title = byId('chat-title', HTMLHeadingElement);
  readonly #subtitle = byId('chat-subtitle', HTMLParagraphElement);
  readonly #scripted = byId('chat-scripted', HTMLSpanElement);
  #shown: { key: string; elements: Map<string, { bubble: Bubble; element: HTMLElement }> } | null = null;

  show(chat: Chat, state: PhoneState): void {
    this.#showHead(chat, state);
    const follow = this.#shown?.key !== chat.key || this.#atEnd();
    if (this.#shown?.key !== chat.key) {
      this.#bubbles.replaceChildren();
      this.#shown = { key: chat.key, elements: new Map() };
    }
    this.#bubbles.replaceChildren(...this.#content(chat, state, this.#shown.elements));
    if (follow) this.#bubbles.scrollTop = this.#bubbles.scrollHeight;
  }

  #showHead(chat: Chat, { contacts, person }: PhoneState): void {
    const picture = avatar(chat, contacts);
    this.#avatar.textContent = picture.textContent;
    this.#avatar.dataset['tone'] = picture.dataset['tone'] ?? '';
    this.#title.textContent = chat.title;
    this.#subtitle.textContent = subtitleOf(chat, person.name);
    this.#scripted.hidden = chat.contact?.scripted !== true;
  }

  /** Elements of bubbles that have not changed are used again: they keep a selection and are not animated twice. */
  #content(chat: Chat, state: PhoneState, elements: Map<string, { bubble: Bubble; element: HTMLElement }>): Node[] {
    const content: Node[] = [];
    let before: Bubble | null = null;
    for (const bubble of chat.bubbles) {
      const day = dayOf(bubble.at, Date.now());
      const newDay = before === null || dayOf(before.at, Date.now()) !== day;
      if (newDay) content.push(html('p', { class: 'day' }, day));
      const known = elements.get(bubble.id);
      if (known?.bubble === bubble) content.push(known.element);
      else {
        const first = newDay || before?.author.id !== bubble.author.id;
        const element = bubbleElement(
          bubble,
          { named: first && chat.contact === null, first, again: known !== undefined },
          state,
        );
        elements.set(bubble.id, { bubble, element });
        content.push(element);
      }
      before = bubble;
    }
    if (content.length === 0) content.push(emptyChat(chat, state));
    if (chat.typing.length > 0) content.push(typingDots(chat.typing));
    return content;
  }

  #atEnd(): boolean {
    const { scrollHeight, scrollTop, clientHeight } = this.#bubbles;
    return scrollHeight - scrollTop - clientHeight < NEAR_END;
  }
}

function subtitleOf({ contact, members }: Chat, person: string): string {
  if (contact === null) return listed.format([...members.map(({ name }) => name), person]);
  return contact.scripted ? contact.phone : `${contact.phone} · ${contact.provider} ${contact.model}`;
}

function bubbleElement(
  bubble: Bubble,
  { named, first, again }: { named: boolean; first: boolean; again: boolean },
  { contacts }: PhoneState,
): HTMLElement {
  const { id, author, mine, text, at, receipt } = bubble;
  const element = html(
    'article',
    {
      class: 'bubble',
      'data-testid': 'bubble',
      'data-id': id,
      'data-mine': mine,
      'data-first': first,
      'data-again': again,
    },
    html('p', { class: 'text' }, text),
    html('p', { class: 'meta' }, html('time', { datetime: new Date(at).toISOString() }, clockTime(at))),
  );
  const tone = mine ? 'person' : toneOf(author.id, contacts);
  const unseen = named && !mine ? '' : 'unseen';
  element.prepend(html('p', { class: `speaker ${unseen}`, 'data-tone': tone, 'data-testid': 'speaker' }, author.name));
  if (receipt !== null) element.lastElementChild?.append(ticks(receipt));
  return element;
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
