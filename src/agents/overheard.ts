import { type AgentId, agentId } from '../domain/addresses.ts';
import { type ChatIn, type ChatPlace, sessionKey } from '../domain/chat.ts';
import type { SessionEntry, SessionStore } from '../domain/session.ts';
import type { Write } from '../domain/write.ts';
import { REMEMBERED_LINES } from './prompt.ts';

/** How many lines that were not for an agent go with the one that is. */
const LINES = 20;
/** Of each, at most, in UTF-16 code units. */
const LINE_LENGTH = 1_000;

/** What is said in a group where agents listen, and not to all of them, is one memory for all of them. */
const keyOf = ({ channel, account, peer }: ChatPlace): string => `overheard:${channel}:${account}:${peer.id}`;

/** Remembers what was said in a group and is not for everybody here. */
export function overhear(sessions: SessionStore, { sender, text, ...place }: ChatIn, id: string, at: number): Write {
  const speaker = sender.name ?? sender.id;
  const line: SessionEntry = { id, role: 'user', speaker, text: text.slice(0, LINE_LENGTH), at };
  return sessions.append(agentId(place.account), keyOf(place), [line]);
}

/** A text with what was said in the group since this agent last had a turn there. `own`: what of it is the text. */
export function withOverheard(
  sessions: SessionStore,
  agent: AgentId,
  place: ChatPlace,
  text: string,
  own: readonly string[],
): string {
  if (place.peer.kind !== 'group') return text;
  // What was said while it was thinking, it has not heard.
  const lastHeard = sessions.recent(sessionKey(agent, place), REMEMBERED_LINES).findLast(({ role }) => role === 'user');
  const since = lastHeard?.at ?? 0;
  const lines = sessions.recent(keyOf(place), LINES).filter(({ id, at }) => at > since && !own.includes(id));
  if (lines.length === 0) return text;
  return [
    '[said in the group before, to others]',
    ...lines.map((line) => `${line.speaker}: ${line.text}`),
    '',
    text,
  ].join('\n');
}
