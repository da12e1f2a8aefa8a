import { agentId } from '../../domain/addresses.ts';
import type { AgentCard } from '../../domain/agent-card.ts';
import type { ChatOut } from '../../domain/chat.ts';
import { ParleyError } from '../../domain/errors.ts';
import { looksLikeEnvelope } from '../../protocol/ai-comms-1.0.ts';
import type { MessageV2 } from '../../protocol/message-v2.ts';
import { inParts } from '../../protocol/parts.ts';
import type { Link } from '../link.ts';

/** The part of a chat platform that a link needs. */
export interface ChatLine {
  readonly name: string;
  readonly capabilities: { readonly longestText: number };
  send(departure: {
    id: string;
    account: string;
    chat: ChatOut;
  }): Promise<{ readonly kind: 'sent' } | { readonly kind: 'later' | 'refused'; readonly reason: string }>;
}

/** The way to agents that have a number on a chat platform: envelopes are the texts of messages there. */
export class ChatLink implements Link {
  readonly #line: ChatLine;
  readonly #accounts: ReadonlySet<string>;

  /** `accounts`: the agents of this process that can write there. */
  constructor(line: ChatLine, accounts: ReadonlySet<string>) {
    this.#line = line;
    this.#accounts = accounts;
  }

  async deliver({ id, from, body }: MessageV2, to: AgentCard): Promise<null> {
    const { name, capabilities } = this.#line;
    if (!looksLikeEnvelope(body)) {
      throw new ParleyError('MESSAGE_INVALID', `${to.name} is reached by ${name}, and that takes envelopes alone.`);
    }
    if (!this.#accounts.has(from)) {
      throw new ParleyError('MESSAGE_INVALID', `${from} has no ${name} account to write to ${to.name} with.`);
    }
    const peer = { kind: 'dm', id: to.metadata[name] ?? to.phone ?? '' } as const;
    const speaker = { id: agentId(from), name: from };
    for (const [index, text] of inParts(body, capabilities.longestText).entries()) {
      const departure = { id: `${id}:${index}`, account: from, chat: { peer, speaker, text, verbatim: true } };
      const outcome = await this.#line.send(departure);
      if (outcome.kind === 'refused')
        throw new ParleyError('MESSAGE_INVALID', `${name} refuses it: ${outcome.reason}.`);
      if (outcome.kind === 'later') throw new ParleyError('CHANNEL_SEND_FAILED', `${name}: ${outcome.reason}.`);
    }
    return null;
  }
}
