import type { RelayedMessage as Relayed } from '../../client/relay-answers.ts';
import { RelayClient as Client, type RelayAccount } from '../../client/relay-client.ts';
import { RelayError } from '../../client/relay-error.ts';
import { ParleyError } from '../../domain/errors.ts';
import type { Clock } from '../../lib/clock.ts';
import type { MessageV2 } from '../../protocol/message-v2.ts';

/** A message that the relay has handed out. */
export type RelayedMessage = Pick<Relayed, 'id' | 'token' | 'message'>;

interface RelayPoll {
  readonly limit: number;
  readonly leaseSeconds: number;
  readonly waitSeconds: number;
  readonly poller?: string;
}

/** What the relay refused for good. */
export class RelayRefusal extends ParleyError {
  /** The relay's code, such as ID_TAKEN. */
  readonly reason: string;

  constructor(message: string, reason: string) {
    super('MESSAGE_INVALID', message);
    this.reason = reason;
  }
}

/**
 * The client of programs, in the words of a link: rejects with a RelayRefusal for what the relay will never take, with
 * CONFIG_INVALID when the address or the secret is wrong, and with CHANNEL_SEND_FAILED when it is only not possible now.
 */
export class RelayClient {
  readonly #account: RelayAccount;
  readonly #client: Client;

  constructor(account: RelayAccount, { clock }: { readonly clock: Clock }) {
    this.#account = account;
    try {
      this.#client = new Client({ ...account, clock });
    } catch (error) {
      throw inWordsOfLink(error, account);
    }
  }

  /** Resolves when the relay has it durably. Sent again, it is not stored again. */
  async send(message: MessageV2): Promise<void> {
    await this.#translated(this.#client.send(message));
  }

  /** Waits at the relay until there is something, or the time is over. */
  async poll(poll: RelayPoll, signal: AbortSignal): Promise<readonly RelayedMessage[]> {
    return this.#translated(this.#client.poll({ ...poll, signal }));
  }

  async ack(id: string, token: string | undefined): Promise<void> {
    await this.#translated(this.#client.ack(id, token));
  }

  async nack(id: string, token: string | undefined, reason: string): Promise<void> {
    await this.#translated(this.#client.nack(id, token, reason));
  }

  async #translated<T>(asking: Promise<T>): Promise<T> {
    return asking.catch((error: unknown) => {
      throw inWordsOfLink(error, this.#account);
    });
  }
}

function inWordsOfLink(error: unknown, { url, agent }: RelayAccount): unknown {
  if (!(error instanceof RelayError)) return error;
  const { code, message, hint, reason, status } = error;
  if (code === 'INVALID_ADDRESS') return new ParleyError('CONFIG_INVALID', message, { hint });
  const { origin } = new URL(url);
  if (status === 401) {
    return new ParleyError('CONFIG_INVALID', `The relay ${origin} does not know '${agent}': ${reason}`, {
      hint: `Make a secret on the relay (parley relay gen-secret ${agent}), give it to this machine as AGENT_COMM_SECRET_${agent}, and let both clocks follow NTP.`,
    });
  }
  if (!error.mayPass) return new RelayRefusal(`The relay ${origin} refused it: ${reason}`, code);
  return new ParleyError('CHANNEL_SEND_FAILED', `The relay ${origin} cannot be used now: ${reason}`, {
    hint: 'What is for it waits here, and is forwarded when it is back.',
    cause: error,
  });
}
