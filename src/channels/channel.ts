import type { ChatIn, ChatOut } from '../domain/chat.ts';
import type { Write } from '../domain/write.ts';

/** A chat message as the platform hands it over. */
export interface ChatArrival {
  /** The platform's id, unique on the channel: the same message, handed over twice, is accepted once. */
  readonly id: string;
  readonly chat: ChatIn;
  /** What the channel keeps of the message: committed together with its acceptance. */
  readonly also?: readonly Write[];
}

/**
 * Takes a message in. When it resolves with `accepted` or `duplicate` the message is durable, and only then may the channel tell
 * its platform so. `refused`: the gate did not let it through, and the sender is not told. Rejects when it could not be stored.
 */
export type Receive = (arrival: ChatArrival) => Promise<'accepted' | 'duplicate' | 'refused'>;

/** A message for people, on its way out. */
export interface ChatDeparture {
  /** Given by us before the first try: the same id sent again appears once. */
  readonly id: string;
  readonly account: string;
  readonly chat: ChatOut;
}

/** A chat platform. Every adapter passes the contract suite in test/contract/channel.ts. */
export interface Channel {
  readonly name: string;
  /** What the platform can do: `groups`, chats of several people that we can open. */
  readonly capabilities: { readonly groups: boolean };
  start(receive: Receive): Promise<void>;
  /** Resolves when the platform has it. Rejects with CHANNEL_SEND_FAILED when it is worth trying again. */
  send(departure: ChatDeparture): Promise<void>;
  /** Idempotent; resolves when nothing is under way any more. */
  stop(): Promise<void>;
}
