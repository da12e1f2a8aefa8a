import { expect } from 'vitest';
import type { Bubble } from '../../src/channels/local/wire.ts';
import type { Phone } from '../support/phone.ts';

/** Everything that is said in the demo's conversation, each by what tells its bubble from the others. */
const LINES: Readonly<Record<string, (bubble: Bubble) => boolean>> = {
  'the person asks for a group': ({ mine, id }) => mine && id === 'demo-1',
  'Atlas has made it': ({ text, ...bubble }) => isDm(bubble, 'Atlas') && text.startsWith('Done: the group'),
  'the person has a question': ({ mine, id }) => mine && id === 'demo-2',
  'Atlas has passed it on': ({ text, ...bubble }) => isDm(bubble, 'Atlas') && text.startsWith('I have put that'),
  'Atlas puts the question to the group': ({ text, ...bubble }) => isInGroup(bubble, 'Atlas') && text.endsWith('?'),
  'Nova in the first round': ({ text, ...bubble }) => isInGroup(bubble, 'Nova') && !quotes(text),
  'Bolt in the first round': ({ text, ...bubble }) => isInGroup(bubble, 'Bolt') && !quotes(text),
  'Nova in the second round': ({ text, ...bubble }) => isInGroup(bubble, 'Nova') && quotes(text),
  'Bolt in the second round': ({ text, ...bubble }) => isInGroup(bubble, 'Bolt') && quotes(text),
  'Atlas sums up': ({ text, ...bubble }) => isDm(bubble, 'Atlas') && text.includes('discussed'),
};

/** What can only be said after what. */
const ORDER: readonly (readonly [string, string])[] = [
  ['the person asks for a group', 'Atlas has made it'],
  ['Atlas has made it', 'the person has a question'],
  ['the person has a question', 'Atlas has passed it on'],
  ['the person has a question', 'Atlas puts the question to the group'],
  ['Atlas puts the question to the group', 'Nova in the first round'],
  ['Atlas puts the question to the group', 'Bolt in the first round'],
  ['Nova in the first round', 'Bolt in the second round'],
  ['Nova in the first round', 'Nova in the second round'],
  ['Bolt in the first round', 'Nova in the second round'],
  ['Bolt in the first round', 'Bolt in the second round'],
  ['Nova in the second round', 'Atlas sums up'],
  ['Bolt in the second round', 'Atlas sums up'],
  ['Atlas has passed it on', 'Atlas sums up'],
];

const isDm = ({ mine, peer, author }: Omit<Bubble, 'text'>, name: string): boolean =>
  !mine && peer.kind === 'dm' && author.name === name;
const isInGroup = ({ mine, peer, author }: Omit<Bubble, 'text'>, name: string): boolean =>
  !mine && peer.kind === 'group' && author.name === name;
/** From the second round on, the scripted model quotes what another has said. */
const quotes = (text: string): boolean => /^\w+ said “/.test(text);

/** The person's side of the demo's conversation: what the page offers to say, each with an id that stays the same. */
export class DemoConversation {
  readonly #accepted = new Set<string>();

  /**
   * Goes on from where it stands, until the summary is there; `speaking` is called before something is said. Rejects when the
   * daemon dies: then it can go on with the next one.
   */
  async goOn(phone: Phone, speaking: () => void = () => undefined): Promise<void> {
    const { suggestions } = await phone.state();
    const answers = [isSaid('Atlas has made it'), isSaid('Atlas sums up')];
    for (const [index, { account, text }] of suggestions.entries()) {
      const id = `demo-${index + 1}`;
      if (!this.#accepted.has(id)) {
        speaking();
        await this.#say(phone, { id, account, text });
      }
      await phone.until(answers[index] ?? (() => true));
    }
  }

  /** A person who does not know whether a message has arrived says it again. */
  async #say(phone: Phone, utterance: { id: string; account: string; text: string }): Promise<void> {
    const { status } = await phone.say(utterance);
    expect(status).toBe(202);
    this.#accepted.add(utterance.id);
  }
}

const isSaid =
  (line: string) =>
  (messages: readonly Bubble[]): boolean =>
    messages.some((bubble) => LINES[line]?.(bubble));

/** Nothing is missing, nothing is there twice, and nothing is answered before it is said. */
export function expectWholeConversation(messages: readonly Bubble[]): void {
  const said = messages.map((bubble) => Object.keys(LINES).find((line) => LINES[line]?.(bubble)) ?? bubble.text);
  expect(said.toSorted()).toEqual(Object.keys(LINES).toSorted());
  const wrong = ORDER.filter(([before, after]) => said.indexOf(before) > said.indexOf(after));
  expect(wrong, said.join('\n')).toEqual([]);
  expect(new Set(messages.flatMap(({ peer }) => (peer.kind === 'group' ? [peer.id] : []))).size).toBe(1);
  expect(messages.filter(({ mine }) => mine).map(({ receipt }) => receipt)).toEqual(['read', 'read']);
}
