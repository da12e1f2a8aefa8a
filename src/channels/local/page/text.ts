import type { Contact } from '../wire.ts';

const HOURS = { hour: '2-digit', hourCycle: 'h23' } as const;
const CLOCK = new Intl.DateTimeFormat(undefined, { ...HOURS, minute: '2-digit' });
const EXACT = new Intl.DateTimeFormat(undefined, { ...HOURS, minute: '2-digit', second: '2-digit' });
const DAY = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long' });

export const clockTime = (at: number): string => CLOCK.format(at);
export const exactTime = (at: number): string => EXACT.format(at);

export function dayOf(at: number, now: number): string {
  const day = DAY.format(at);
  return day === DAY.format(now) ? 'Today' : day;
}

/** At most two letters for an avatar. */
export function initials(name: string): string {
  const words = name.split(/\s+/u).filter((word) => word.length > 0);
  return words
    .slice(0, 2)
    .map((word) => [...word][0] ?? '')
    .join('')
    .toUpperCase();
}

/** How many colours the style sheet has for people. */
const TONES = 6;

/** The colour of somebody: by their place among the contacts, so that neighbours differ; strangers by their id. */
export function toneOf(id: string, contacts: readonly Contact[]): number {
  const place = contacts.findIndex(({ agent }) => agent.id === id);
  if (place >= 0) return place % TONES;
  return [...id].reduce((sum, letter) => sum + (letter.codePointAt(0) ?? 0), 0) % TONES;
}

/** Whose an address is: an agent's, by its id; the person's, who writes from one and is reached at the agents' accounts; else null. */
export function ownerOf(address: string): { readonly agent: string } | 'person' | null {
  if (address.startsWith('agent:')) return { agent: address.slice('agent:'.length) };
  return /^(?:channel|system:person):/.test(address) ? 'person' : null;
}

export const listed = new Intl.ListFormat('en-GB', { type: 'conjunction' });
