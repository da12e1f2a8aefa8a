import type { CloudStore } from './store.ts';

/*
 * A person has a business-scoped user id and a number, and a webhook may tell either or both. Whoever was met by one of them is known by it
 * for ever; what is told together with it is another name of theirs. WhatsApp gives a user id to nobody else, and a new one to whoever changes
 * their number, so a user id has one person, and a number with another user id has another owner.
 */

/** What WhatsApp tells of a person. */
export interface PersonIds {
  /** Business-scoped, such as US.13491208655302741918. */
  readonly userId: string | null;
  /** `+` and digits. */
  readonly phone: string | null;
}

/** Somebody who writes. */
export interface Person {
  /** What the rest of Parley calls them: the id by which they were met; when both were told, the user id. */
  readonly id: string;
  /** All that they are called, what was told just now first. */
  readonly names: readonly string[];
  /** Those that are new. */
  readonly learned: readonly string[];
  /** Whether one of these is a number that was somebody else's, or that they have beside another. */
  readonly hasNewNumber: boolean;
}

/** Where to write to. */
export interface Address {
  /** The id by which the chat is known. */
  readonly chat: string;
  /** A number, or the user id of somebody who has none that is known, and still theirs. */
  readonly recipient: string;
}

type Names = Pick<CloudStore, 'holder' | 'held'>;

const isNumber = (name: string): boolean => name.startsWith('+');

/** Who this is: known already, or seen for the first time. Null when there is no id at all. */
export function identify(store: Names, account: string, { userId, phone }: PersonIds): Person | null {
  const holderOf = (name: string | null): string | null => (name === null ? null : store.holder(account, name));
  const owner = holderOf(phone);
  const isOthers = owner !== null && userId !== null && isAnother(store.held(account, owner), userId);
  const id = unlessPassedOn(store, account, holderOf(userId)) ?? (isOthers ? null : owner) ?? userId ?? phone;
  if (id === null) return null;
  const known = store.held(account, id);
  const told = [userId, phone].filter((name) => name !== null);
  const learned = told.filter((name) => !known.includes(name));
  const isNewNumber = phone !== null && learned.includes(phone);
  const hasNewNumber = isNewNumber && (owner !== null || known.some(isNumber));
  return { id, names: [...new Set([...told, ...known])], learned, hasNewNumber };
}

/** The other ids of a person. */
export const aliasesOf = ({ id, names }: Person): string[] => names.filter((name) => name !== id);

/** Where what is for `id` goes: the id of a peer, or another id of the same person. A group has one id. */
export function addressOf(store: Names, account: string, id: string): Address {
  // Whoever is known by a number keeps the chat that has its name, when somebody else has the number.
  const chat = store.held(account, id).length > 0 ? id : (store.holder(account, id) ?? id);
  const names = store.held(account, chat);
  return { chat, recipient: names.findLast(isNumber) ?? names[0] ?? id };
}

/** Has a user id, and not this one. */
const isAnother = (names: readonly string[], userId: string): boolean =>
  !names.includes(userId) && names.some((name) => !isNumber(name));

/** A person whose id is a number that somebody else has now is met anew: by that id they would be taken for the other one. */
function unlessPassedOn(store: Names, account: string, person: string | null): string | null {
  return person !== null && isNumber(person) && store.holder(account, person) !== person ? null : person;
}
