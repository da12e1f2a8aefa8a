import { z } from 'zod';
import type { NewMessage } from './message.ts';

/** Who is on the other side of a channel: a person, or a group with its people. */
export const peerSchema = z.object({
  kind: z.enum(['dm', 'group']),
  id: z.string().min(1),
  /** What the chat is called, when it is a group. */
  name: z.string().optional(),
});
export type Peer = z.infer<typeof peerSchema>;

/** What somebody said in a chat, on its way to an agent. */
export const chatInSchema = z.object({
  channel: z.string(),
  account: z.string(),
  peer: peerSchema,
  sender: z.object({ id: z.string(), name: z.string().optional() }),
  text: z.string(),
});
export type ChatIn = z.infer<typeof chatInSchema>;
export const CHAT_IN = 'chat.in';

/** What an agent says in a chat, on its way to a channel account. */
export const chatOutSchema = z.object({
  peer: peerSchema,
  /** Which agent speaks: shown as a label where several share one chat. */
  speaker: z.object({ id: z.string(), name: z.string() }),
  text: z.string(),
});
export type ChatOut = z.infer<typeof chatOutSchema>;
export const CHAT_OUT = 'chat.out';

/** The name that a session of an agent with a peer has. */
export function sessionKey(agent: string, chat: Pick<ChatIn, 'channel' | 'peer'>): string {
  return `agent:${agent}:${chat.channel}:${chat.peer.kind}:${chat.peer.id}`;
}

/** A message to an agent or account that has no strategy, priority or delay of its own. */
export type PlainMessage = Omit<NewMessage, 'strategy' | 'priority' | 'deliverAt'>;
