import { type AgentId, agentAddress, type ConversationId, type MessageId, messageId } from '../domain/addresses.ts';
import type { ChatIn, Peer } from '../domain/chat.ts';
import type { NewMessage } from '../domain/message.ts';
import { type Budget, startTrace } from '../domain/trace.ts';
import { deriveId } from '../lib/ids.ts';
import { saying } from './saying.ts';

/** Why the gate has refused a message, and who is to hear of it. */
export interface Refusal {
  readonly allow: false;
  readonly reason: string;
  readonly notify: 'nobody' | 'owner' | 'sender' | 'both';
}

interface Refused {
  readonly chat: ChatIn;
  /** The agent in whose name it is said. */
  readonly speaker: { readonly id: AgentId; readonly name: string };
  /** An id on the channel; null: there is none. */
  readonly owner: string | null;
  /** The id that the message would have had. */
  readonly cause: MessageId;
  readonly conversation: ConversationId;
  readonly budget: Budget;
}

const TOO_FAST = 'You are writing faster than I can answer. Wait a minute, then write again.';
const TOO_MANY = 'You have written more within an hour than I answer. Write again later.';
const TOO_LONG = 'Your message is longer than I take, so I have not read it. Send it again in parts.';

/** Who is told what of a message that the gate has refused. */
export function refusalNotices(
  { reason, notify }: Refusal,
  { chat, speaker, owner, cause, conversation, budget }: Refused,
): NewMessage[] {
  const toldTo = (peer: Peer, text: string): NewMessage => {
    const id = messageId(deriveId('msg', cause, 'gate-notice', peer.id));
    const trace = startTrace(id, speaker.id, budget);
    return saying(chat, { peer, speaker, text }, { id, from: agentAddress(speaker.id), conversation, trace });
  };
  const { toSender, toOwner } = wordsFor(reason, chat.sender.id);
  const isFor = (who: 'owner' | 'sender'): boolean => notify === who || notify === 'both';
  return [
    ...(isFor('sender') ? [toldTo(chat.peer, toSender)] : []),
    ...(isFor('owner') && owner !== null ? [toldTo({ kind: 'dm', id: owner }, toOwner)] : []),
  ];
}

function wordsFor(reason: string, sender: string): { readonly toSender: string; readonly toOwner: string } {
  if (reason !== 'too-many') {
    const toOwner = `Somebody who is not on the allowlist has written to me: ${sender}. They have not been answered.`;
    return { toSender: reason === 'too-long' ? TOO_LONG : TOO_FAST, toOwner };
  }
  return {
    toSender: TOO_MANY,
    toOwner: `I have stopped answering ${sender} for now: that is more messages within an hour than I answer. It may be a program that answers me. To keep it out, put it on the blocklist; if it is a person, on the allowlist.`,
  };
}
