import type { LiveEvent, PhoneState, Waiting } from '../wire.ts';
import { ChatList } from './chat-list.ts';
import { ChatView } from './chat-view.ts';
import { Chats, lastAt } from './chats.ts';
import { Composer } from './composer.ts';
import { connect } from './connection.ts';
import { byId } from './dom.ts';
import { EnvelopePanel } from './envelope-panel.ts';
import { showBanners, showLink, showNotice } from './surroundings.ts';
import { WaitingList } from './waiting-list.ts';

/** The page: keeps what it knows, and shows it. */
class Page {
  readonly #list = new ChatList(byId('chats', HTMLUListElement), (key) => this.#open(key));
  readonly #view = new ChatView((choice) => this.#composer.say(choice));
  readonly #waiting = new WaitingList((request, choice) => this.#decide(request, choice));
  readonly #composer = new Composer();
  readonly #announcer = byId('announcer', HTMLDivElement);
  #known: { state: PhoneState; chats: Chats; panel: EnvelopePanel } | null = null;
  #current: string | null = null;

  /** Starts afresh from what the server knows. */
  state(state: PhoneState): void {
    this.#known = { state, chats: new Chats(state), panel: new EnvelopePanel(state) };
    showBanners(state);
    this.#show();
  }

  event(event: LiveEvent): void {
    if (!this.#known) return;
    if (event.kind === 'flow') {
      this.#known.panel.apply(event.event);
    } else if (event.kind === 'notice') {
      showNotice(event.text);
    } else {
      this.#known.chats.apply(event);
      this.#show();
      if (event.kind === 'bubble' && !event.bubble.mine) this.#announce(event.bubble);
    }
  }

  live(live: boolean): void {
    showLink(live);
  }

  #open(key: string): void {
    this.#current = key;
    this.#show();
  }

  /** In a chat, where the answer comes. */
  #decide(request: Waiting, choice: string): void {
    const key = this.#known?.chats.keyFor(request) ?? null;
    if (key !== null) this.#open(key);
    this.#composer.say(choice);
  }

  #show(): void {
    if (!this.#known) return;
    const { state, chats } = this.#known;
    const all = chats.list();
    const open = all.find(({ key }) => key === this.#current) ?? all[0];
    if (open) {
      this.#current = open.key;
      localStorage.setItem(`seen ${open.key}`, String(lastAt(open)));
      this.#composer.show(open, state);
      this.#view.show(open, state, chats.open);
    }
    this.#waiting.show(chats.waiting);
    this.#list.show(all, this.#current, (key) => Number(localStorage.getItem(`seen ${key}`) ?? 0), state);
  }

  #announce({ author, peer, text }: Extract<LiveEvent, { kind: 'bubble' }>['bubble']): void {
    const where = peer.name === undefined ? '' : ` in ${peer.name}`;
    this.#announcer.textContent = `${author.name}${where}: ${text}`;
  }
}

const page = new Page();
connect(page);
