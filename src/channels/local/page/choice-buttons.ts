import type { Bubble } from '../wire.ts';
import { html } from './dom.ts';

type Choices = NonNullable<Bubble['choices']>;

/** A button for each choice. What it says is in its name, for whoever does not see which request it is under. */
export function choiceButtons(choices: Choices, choose: (id: string) => void): HTMLElement {
  const buttons = choices.map(({ id, label }) => {
    const name = `${label}: ${id}`;
    const button = html('button', { type: 'button', class: 'chip', 'data-choice': id, 'aria-label': name }, label);
    button.addEventListener('click', () => choose(id));
    return button;
  });
  return html('div', { class: 'choices' }, ...buttons);
}

/** Lets those be pressed whose choice can still be made. */
export function enableChoices(within: Element, open: ReadonlySet<string>): void {
  for (const button of within.querySelectorAll('button')) {
    if (button.dataset['choice'] !== undefined) button.disabled = !open.has(button.dataset['choice']);
  }
}
