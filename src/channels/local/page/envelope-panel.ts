import type { FlowEvent, PhoneState } from '../wire.ts';
import { byId, html, ICONS, icon } from './dom.ts';
import { type Envelope, Envelopes, summary } from './envelopes.ts';
import { FlowGraph } from './flow-graph.ts';
import { exactTime, ownerOf, toneOf } from './text.ts';

const SEALS = {
  sealed: { path: ICONS.lock, title: 'Sealed: signed and encrypted' },
  signed: { path: ICONS.pen, title: 'Signed, not encrypted' },
  plain: { path: ICONS.open, title: 'Plain: not signed, not encrypted' },
} as const;

/** What goes on between the mailboxes: one row per envelope, newest first, under a picture of the traffic. */
export class EnvelopePanel {
  readonly #list = byId('envelopes', HTMLOListElement);
  readonly #count = byId('panel-count', HTMLParagraphElement);
  readonly #envelopes = new Envelopes();
  readonly #rows = new Map<string, HTMLLIElement>();
  readonly #graph: FlowGraph;
  readonly #state: PhoneState;

  constructor(state: PhoneState) {
    this.#state = state;
    this.#graph = new FlowGraph(byId('graph', HTMLDivElement), state);
    for (const event of state.flow) this.#envelopes.apply(event);
    for (const event of state.flow) this.#graph.remember(event);
    for (const envelope of this.#envelopes.list()) this.#rows.set(envelope.event.id, this.#row(envelope));
    if (this.#rows.size > 0) this.#list.replaceChildren(...this.#rows.values());
    else this.#list.replaceChildren(nothingYet());
    this.#recount();
  }

  apply(event: FlowEvent): void {
    const envelope = this.#envelopes.apply(event);
    const row = this.#row(envelope);
    const known = this.#rows.get(event.id);
    if (this.#rows.size === 0) this.#list.replaceChildren();
    if (known) known.replaceWith(row);
    else {
      row.classList.add('new');
      this.#list.prepend(row);
    }
    this.#rows.set(event.id, row);
    this.#dropOld();
    if (event.what === 'accepted') this.#graph.travel(event);
    this.#recount();
  }

  #recount(): void {
    const envelopes = this.#envelopes.list();
    const settled = envelopes.filter((envelope) => summary(envelope).status === 'acked').length;
    this.#count.textContent = envelopes.length === 0 ? '' : `${settled} of ${envelopes.length} settled`;
    this.#graph.showWaiting((mailbox) => this.#envelopes.waitingFor(mailbox));
  }

  #dropOld(): void {
    const kept = new Set(this.#envelopes.list().map(({ event }) => event.id));
    for (const [id, row] of this.#rows) {
      if (kept.has(id)) continue;
      row.remove();
      this.#rows.delete(id);
    }
  }

  #row(envelope: Envelope): HTMLLIElement {
    const { id, type, intent, hop, turnsLeft, seal, preview, from } = envelope.event;
    const { status, text } = summary(envelope);
    const { path, title } = SEALS[seal];
    return html(
      'li',
      { class: 'envelope', 'data-testid': 'envelope-row', 'data-id': id, 'data-status': status, 'data-seal': seal },
      html('time', { class: 'when', datetime: new Date(envelope.since).toISOString() }, exactTime(envelope.since)),
      html(
        'span',
        { class: 'route' },
        this.#who(from),
        html('span', { class: 'arrow', 'aria-label': 'to' }, '→'),
        ...[...envelope.deliveries.keys()].map((to) => this.#who(to)),
      ),
      html('span', { class: 'seal', title }, icon(path, title)),
      html('span', { class: 'state', 'data-testid': 'envelope-state' }, text),
      html(
        'span',
        { class: 'facts' },
        html('span', { class: 'intent', title: type }, intent ?? type),
        html('span', {}, `hop ${hop}`),
        html('span', {}, turnsLeft === 1 ? '1 turn left' : `${turnsLeft} turns left`),
      ),
      // Ciphertext is to be seen, not to be read out.
      html('span', { class: 'preview', 'aria-hidden': seal === 'sealed' }, preview),
    );
  }

  #who(address: string): HTMLElement {
    const owner = ownerOf(address);
    if (owner === 'person') return html('b', { 'data-tone': 'person', title: address }, this.#state.person.name);
    if (owner === null) return html('b', { title: address }, address);
    const { contacts } = this.#state;
    const name = contacts.find(({ agent }) => agent.id === owner.agent)?.agent.name ?? owner.agent;
    return html('b', { 'data-tone': toneOf(owner.agent, contacts), title: address }, name);
  }
}

const nothingYet = (): HTMLElement =>
  html(
    'li',
    { class: 'nothing' },
    'Nothing has moved yet. Every message you send, and every one between agents, appears here.',
  );
