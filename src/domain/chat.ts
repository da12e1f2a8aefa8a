import { z } from 'zod';
import { agentId } from './addresses.ts';
import type { Message } from './message.ts';

/** Who is on the other side of a channel: a person, or a group with its people. */
export const peerSchema = z.object({
  kind: z.enum(['dm', 'group']),
  id: z.string().min(1),
  /** What the chat is called, when it is a group. */
  name: z.string().exactOptional(),
});
export type Peer = z.infer<typeof peerSchema>;

/** Where in a chat an agent is to speak. */
export type ChatPlace = {
  readonly channel: string;
  readonly account: string;
  readonly peer: Peer;
};

/** A file that came with a message. */
export const mediaSchema = z.object({
  kind: z.enum(['image', 'video', 'audio', 'document', 'sticker']),
  mime: z.string(),
  /** null: the platform does not say. */
  bytes: z.number().nullable(),
  name: z.string().exactOptional(),
  /** Where it is to be fetched: only its channel understands it. */
  source: z.json(),
});
export type Media = z.infer<typeof mediaSchema>;

/** Several agents on one peer, as far as those who handle a message have to know. */
const panelSchema = z.object({
  /** What names it: the peer. */
  peer: z.string(),
  /**
   * `each`: whoever gets the message answers it alone. `shared`: the agent that gets it leads the others in a discussion. `select`:
   * the agent that gets it chooses who answers.
   */
  mode: z.enum(['each', 'shared', 'select']),
  /** How those who are chosen answer. */
  chosen: z.enum(['each', 'shared']).default('each'),
  members: z.array(z.object({ id: z.string().transform(agentId), rank: z.number() })),
  rounds: z.number().default(1),
  /** Whether somebody waits for what they say: a person alone with them, or who has spoken to them in a group. */
  awaited: z.boolean().default(false),
  judgement: z
    .discriminatedUnion('mode', [
      z.object({ mode: z.enum(['merge', 'first']) }),
      z.object({ mode: z.literal('quorum'), of: z.number() }),
    ])
    .nullable()
    .default(null),
});
export type ChatPanel = z.output<typeof panelSchema>;

/** What somebody said in a chat, on its way to an agent. */
export const chatInSchema = z.object({
  channel: z.string(),
  account: z.string(),
  peer: peerSchema,
  /** `aliases`: other ids of the same person on the channel, such as a phone number beside a hidden id. */
  sender: z.object({
    id: z.string(),
    name: z.string().exactOptional(),
    aliases: z.array(z.string()).exactOptional(),
  }),
  text: z.string(),
  /** What `@` and an id in the text stands for: what who is mentioned by it is called. */
  mentions: z.record(z.string(), z.string()).exactOptional(),
  /** The platform's id of the message that it answers. */
  replyTo: z.string().exactOptional(),
  /** What that message says, and who said it, as far as the platform tells. */
  quoted: z.object({ text: z.string(), sender: z.string().exactOptional() }).exactOptional(),
  /** In a group: whether the account is spoken to, by a mention or by an answer to what it said. */
  addressed: z.boolean().exactOptional(),
  media: z.array(mediaSchema).exactOptional(),
  /** An emoji that was put to what was said here; `to` is our own id of that message. There is no text then. */
  reaction: z.object({ emoji: z.string(), to: z.string() }).exactOptional(),
  /** Who else answers. */
  panel: panelSchema.exactOptional(),
  /** When the platform took it, epoch milliseconds. */
  at: z.number().exactOptional(),
});
export type ChatIn = z.infer<typeof chatInSchema>;
export const CHAT_IN = 'chat.in';

/** The same, with the platform's id of it: the data of a `chat.in` message. */
export const chatArrivalSchema = chatInSchema.extend({ id: z.string() });

/** Something to choose by a button; `id` is what a person says by it, such as `!approve 7`. */
const choiceSchema = z.object({ id: z.string(), label: z.string() });
export type Choice = z.infer<typeof choiceSchema>;

/** What an agent says in a chat, on its way to a channel account. */
export const chatOutSchema = z.object({
  peer: peerSchema,
  /** Which agent speaks: shown as a label where several share one chat. */
  speaker: z.object({ id: z.string(), name: z.string() }),
  text: z.string(),
  /** The platform's id of the message that is answered, and is to be quoted where the platform can. */
  replyTo: z.string().exactOptional(),
  /** An emoji that is put to the message `replyTo`, instead of a text. */
  reaction: z.string().exactOptional(),
  /** Shown as buttons where the platform has them: at most three, of 20 characters each. The text says how to do without. */
  choices: z.array(choiceSchema).exactOptional(),
  /** It has to arrive as one message, as it is: a program reads it. */
  verbatim: z.boolean().exactOptional(),
  /** A file of this machine that goes with the text. */
  file: z.object({ path: z.string(), mime: z.string(), name: z.string().exactOptional() }).exactOptional(),
});
export type ChatOut = z.infer<typeof chatOutSchema>;
export const CHAT_OUT = 'chat.out';

/** Where in a chat a message was said; null when it was not said in one. */
export function placeOf(message: Message | null): ChatPlace | null {
  if (message?.payload.type !== CHAT_IN) return null;
  const { channel, account, peer } = chatInSchema.parse(message.payload.data);
  return { channel, account, peer };
}

/** What somebody said in a chat, be it a person or an agent. */
export interface Said {
  readonly peer: Peer;
  readonly text: string;
  /** By name, where there is one. */
  readonly sender: string;
}

/** What a message says in a chat; null when it is said in none. */
export function saidIn(message: Message | null): Said | null {
  if (message?.payload.type === CHAT_IN) {
    const { peer, text, sender } = chatInSchema.parse(message.payload.data);
    return { peer, text, sender: sender.name ?? sender.id };
  }
  if (message?.payload.type !== CHAT_OUT) return null;
  const { peer, text, speaker } = chatOutSchema.parse(message.payload.data);
  return { peer, text, sender: speaker.name };
}

/** The name that a session of an agent with a peer has. */
export function sessionKey(agent: string, chat: Pick<ChatIn, 'channel' | 'peer'>): string {
  return `agent:${agent}:${chat.channel}:${chat.peer.kind}:${chat.peer.id}`;
}
