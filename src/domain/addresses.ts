/*
 * The words of Parley, each used in one meaning in code, tests and documents.
 *
 * agent          someone who can send and receive: a model with an identity, a bot, a person's script. Its *card* says who it is.
 * address        the name of a mailbox. Every agent has one, and so has every channel account (what goes out to people).
 * message        content and its ids. It does not change once it is accepted.
 * envelope       a message as it travels between agents: signed, and sealed when a key is set.
 * mailbox        the deliveries of one address.
 * delivery       one message for one recipient: queued, leased, acked, failed (a dead letter), expired, or blocked (it waits for another).
 * lease          the right to handle a delivery until a time; its *token* fences every settle. An *attempt* is one lease taken.
 * settle         end a lease: *ack* (done), *nack* (again later), *term* (never again: to the dead letters). A dead letter may be *redriven*.
 * ordering key   deliveries of one recipient that share it are handled one at a time, in order.
 * conversation   messages that belong together. A *session* is one agent's own memory of a conversation.
 * trace          where a message comes from: root, cause, hop, and the *budget* that is left.
 * channel        a chat platform; *account*: one number or bot on it; *peer*: who is on the other side, a person or a group.
 * link           carries envelopes between machines. *Relay* and *hub* are the two servers; a *bridge* adapts another agent runtime.
 * group          agents and people in one conversation. *Panel*: several agents on one peer. *Round*: one turn of everybody in it.
 * gate           who may speak. *Guard*: what may be said.
 * provider       who runs a *model*; a *chain* is the order in which an agent tries them.
 */

declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

export type AgentId = Branded<'AgentId'>;
export type Address = Branded<'Address'>;
export type MessageId = Branded<'MessageId'>;
export type ConversationId = Branded<'ConversationId'>;
export type GroupId = Branded<'GroupId'>;

/** Letters, digits and `. _ @ + -`, at most 64, not starting with punctuation: safe in a file name, a URL path and a shell. */
const AGENT_ID = /^[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}$/;
/** What a foreign id may look like: printable, no white space, bounded. */
const FOREIGN_ID = /^[\x21-\x7e]{1,200}$/;

export const isAgentId = (text: string): text is AgentId => AGENT_ID.test(text) && text !== '__proto__';
export const isForeignId = (text: string): boolean => FOREIGN_ID.test(text) && text !== '__proto__';

/** For ids from a trusted place (our own code, our own database). At an edge, test with `isAgentId` or `isForeignId` first. */
export const agentId = (text: string): AgentId => text as AgentId;
export const messageId = (text: string): MessageId => text as MessageId;
export const conversationId = (text: string): ConversationId => text as ConversationId;
export const groupId = (text: string): GroupId => text as GroupId;

/** The mailbox of an agent. */
export const agentAddress = (id: AgentId): Address => `agent:${id}` as Address;
/** The outbox of a channel account: what is delivered here is said to people. */
export const accountAddress = (channel: string, account: string): Address => `channel:${channel}:${account}` as Address;
/** The channel and the account behind an address, or null when it is no account's. */
export function accountOf(address: Address): { readonly channel: string; readonly account: string } | null {
  const [, channel, account] = /^channel:([^:]+):(.+)$/.exec(address) ?? [];
  return channel === undefined || account === undefined ? null : { channel, account };
}
/** A mailbox of Parley's own, such as the one that is told of dead letters. */
export const systemAddress = (name: string): Address => `system:${name}` as Address;
/** Where the answers of an agent to tasks from a hub are put: its connection there handles them. */
export const hubAnswers = (id: AgentId): Address => systemAddress(`hub:${id}`);

/** The agent behind an address, or null when the address is not an agent's. */
export function agentOf(address: Address): AgentId | null {
  return address.startsWith('agent:') ? agentId(address.slice('agent:'.length)) : null;
}
