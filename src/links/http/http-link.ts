import type { AgentCard } from '../../domain/agent-card.ts';
import { ParleyError } from '../../domain/errors.ts';
import type { Clock } from '../../lib/clock.ts';
import { deriveId } from '../../lib/ids.ts';
import type { MessageV2 } from '../../protocol/message-v2.ts';
import type { SigningLink } from '../link.ts';
import { RelayClient, RelayRefusal } from './relay-client.ts';

/** The secret that an agent shares with its relay; null when it has none. */
export type SecretOf = (agent: string) => string | null;

/** The way to agents with a mailbox on an HTTP relay: `metadata.relay_url` of their cards says which. */
export class HttpLink implements SigningLink {
  readonly #secretOf: SecretOf;
  readonly #clock: Clock;

  constructor({ secretOf, clock }: { readonly secretOf: SecretOf; readonly clock: Clock }) {
    this.#secretOf = secretOf;
    this.#clock = clock;
  }

  async deliver(message: MessageV2, { id, metadata }: AgentCard): Promise<null> {
    const secret = this.requireSecret(message.from);
    const client = new RelayClient(
      { url: metadata['relay_url'] ?? '', agent: message.from, secret },
      { clock: this.#clock },
    );
    const forwarded = { ...message, to: id };
    try {
      await client.send(forwarded);
    } catch (error) {
      if (!(error instanceof RelayRefusal && error.reason === 'ID_TAKEN')) throw error;
      // A broadcast to several agents of one relay is one message here and one for each of them there.
      await client.send({ ...forwarded, id: deriveId('msg', message.id, id) });
    }
    return null;
  }

  requireSecret(sender: string): string {
    const secret = this.#secretOf(sender);
    if (secret !== null) return secret;
    throw new ParleyError('CONFIG_INVALID', `'${sender}' has no secret to sign with at a relay.`, {
      hint: `Make one on the relay (parley relay gen-secret ${sender}) and set AGENT_COMM_SECRET_${sender.replaceAll(/\W/g, '_')} here.`,
    });
  }
}
