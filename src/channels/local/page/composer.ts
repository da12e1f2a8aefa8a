import type { PhoneState } from '../wire.ts';
import { type Chat, nextSuggestion } from './chats.ts';
import { post } from './connection.ts';
import { byId, html, ICONS, icon } from './dom.ts';

interface Unsent {
  readonly text: string;
  readonly id: string;
}

/** Where the person writes: one draft per chat, kept until it is safe. */
export class Composer {
  readonly #form = byId('composer', HTMLFormElement);
  readonly #text = byId('text', HTMLTextAreaElement);
  readonly #send = byId('send', HTMLButtonElement);
  readonly #problem = byId('problem', HTMLParagraphElement);
  readonly #suggestions = byId('suggestions', HTMLDivElement);
  readonly #drafts = new Map<string, string>();
  /** What could not be sent, by chat: tried again, it keeps its id. */
  readonly #unsent = new Map<string, Unsent>();
  readonly #sending = new Set<string>();
  #chat: Chat | null = null;

  constructor() {
    this.#send.append(icon(ICONS.send));
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#submit(this.#text.value);
    });
    this.#text.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.#submit(this.#text.value);
    });
    this.#text.addEventListener('input', () => {
      this.#problem.hidden = true;
      if (this.#chat) this.#drafts.set(this.#chat.key, this.#text.value);
      this.#fit();
    });
  }

  show(chat: Chat, state: PhoneState): void {
    const changed = this.#chat?.key !== chat.key;
    this.#chat = chat;
    if (changed) {
      this.#text.value = this.#drafts.get(chat.key) ?? '';
      this.#text.setAttribute('aria-label', `Message to ${chat.title}`);
      this.#text.placeholder = `Message ${chat.title}`;
      this.#problem.hidden = true;
    }
    this.#fit();
    this.#suggest(nextSuggestion(chat, state));
  }

  /** Says something in the chat that is open, as if the person had written it; then they go on writing. */
  say(text: string): void {
    this.#submit(text);
    this.#text.focus();
  }

  #suggest(text: string | null): void {
    if (this.#suggestions.textContent === (text ?? '')) return;
    this.#suggestions.replaceChildren();
    if (text === null) return;
    const chip = html('button', { type: 'button', class: 'chip', 'data-testid': 'suggestion' }, text);
    chip.addEventListener('click', () => this.say(text));
    this.#suggestions.append(chip);
  }

  #submit(text: string): void {
    const chat = this.#chat;
    if (!chat || text.trim() === '' || this.#sending.has(chat.key)) return;
    this.#sending.add(chat.key);
    this.#fit();
    void this.#deliver(chat, text).finally(() => {
      this.#sending.delete(chat.key);
      this.#fit();
    });
  }

  async #deliver(chat: Chat, text: string): Promise<void> {
    const { key, account, peer } = chat;
    const before = this.#unsent.get(key);
    const unsent = before?.text === text ? before : { text, id: crypto.randomUUID() };
    this.#unsent.set(key, unsent);
    const problem = await post({ ...unsent, account, peer });
    if (problem === null) {
      this.#unsent.delete(key);
      if (this.#drafts.get(key) === text) this.#drafts.delete(key);
    }
    if (this.#chat?.key !== key) return;
    if (problem === null && this.#text.value === text) this.#text.value = '';
    this.#problem.hidden = problem === null;
    this.#problem.textContent = problem === null ? '' : `${problem.message} ${problem.hint}`;
  }

  /** As high as its text, within what the style sheet allows. */
  #fit(): void {
    this.#text.style.height = 'auto';
    this.#text.style.height = `${this.#text.scrollHeight + 2}px`;
    const sending = this.#chat !== null && this.#sending.has(this.#chat.key);
    this.#send.disabled = sending || this.#text.value.trim() === '';
  }
}
