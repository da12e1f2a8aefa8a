import type { Waiting } from '../wire.ts';
import { choiceButtons } from './choice-buttons.ts';
import { byId, html, setChildren } from './dom.ts';
import { clockTime, dayOf } from './text.ts';

/** What waits for the person's approval, wherever it was asked for. It has to be looked at to be decided. Lines stay as they are, so that the keyboard's focus does. */
export class WaitingList {
  readonly #section = byId('waiting', HTMLElement);
  readonly #list = byId('waiting-list', HTMLUListElement);
  readonly #choose: (request: Waiting, choice: string) => void;
  #lines = new Map<number, HTMLLIElement>();

  constructor(choose: (request: Waiting, choice: string) => void) {
    this.#choose = choose;
  }

  show(waiting: readonly Waiting[]): void {
    this.#section.hidden = waiting.length === 0;
    this.#lines = new Map(waiting.map((one) => [one.number, this.#lines.get(one.number) ?? this.#line(one)]));
    setChildren(this.#list, [...this.#lines.values()]);
  }

  #line(request: Waiting): HTMLLIElement {
    const { number, text, expiresAt, choices } = request;
    const day = dayOf(expiresAt, Date.now());
    const until = `until ${day === 'Today' ? '' : `${day} `}${clockTime(expiresAt)}`;
    const [what = '', ...input] = text.split('\n');
    return html(
      'li',
      { 'data-testid': 'waiting-request' },
      html(
        'details',
        {},
        html('summary', {}, `${number}: ${what} `, html('span', { class: 'until' }, until)),
        html('p', { class: 'text' }, input.join('\n')),
        choiceButtons(choices, (choice) => this.#choose(request, choice)),
      ),
    );
  }
}
