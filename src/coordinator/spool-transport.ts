import { type Address, type AgentId, agentAddress, messageId } from '../domain/addresses.ts';
import type { Delivery, Settlement } from '../domain/delivery.ts';
import { ParleyError } from '../domain/errors.ts';
import type { NewMessage } from '../domain/message.ts';
import { continueTrace } from '../domain/trace.ts';
import type { Clock } from '../lib/clock.ts';
import type {
  DeadLetter,
  DeliveryState,
  Held,
  Outcome,
  Outgoing,
  PollOptions,
  Received,
  Transport,
} from '../links/transport.ts';
import { EVERYBODY, type MessageV2, nameOf, toMessageV2, toNewMessage } from '../protocol/message-v2.ts';
import type { SpoolArchive } from '../spool/archive.ts';
import type { Spool } from '../spool/spool.ts';

interface SpoolTransportOptions {
  /** Stays the caller's to close. */
  readonly spool: Spool;
  readonly archive: SpoolArchive;
  /** Whether a recipient takes its messages out here. To others they are handed on, each conversation in order. */
  readonly isHere: (recipient: Address) => boolean;
  readonly clock: Clock;
}

/** The mailboxes of the spool, where MessageV2s are one kind of message among others. */
export class SpoolTransport implements Transport {
  readonly #spool: Spool;
  readonly #archive: SpoolArchive;
  readonly #isHere: (recipient: Address) => boolean;
  readonly #clock: Clock;

  constructor({ spool, archive, isHere, clock }: SpoolTransportOptions) {
    this.#spool = spool;
    this.#archive = archive;
    this.#isHere = isHere;
    this.#clock = clock;
  }

  async send(outgoing: Outgoing): Promise<boolean> {
    const [receipt] = await this.#spool.send([this.#newMessage(outgoing)]);
    return receipt?.duplicate !== true;
  }

  async poll(agent: AgentId, options: PollOptions, signal?: AbortSignal): Promise<readonly Received[]> {
    return (await this.#spool.claim(agentAddress(agent), options, signal)).map(received);
  }

  async extend(held: Held, leaseMs: number): Promise<number> {
    return (await this.#spool.extend(this.#lease(held), leaseMs)).expiresAt;
  }

  settle(held: Held, outcome: Outcome): Promise<void> {
    return this.#spool.settle(this.#lease(held), this.#settlement(held, outcome));
  }

  holder(id: string, agent: AgentId): Held | null {
    const lease = this.#spool.lease(messageId(id), agentAddress(agent));
    return lease && { id, agent, token: lease.token };
  }

  find(id: string): MessageV2 | null {
    const message = this.#spool.message(messageId(id));
    return message && toMessageV2(message, addressee(this.#spool.status(message.id).map(({ to }) => to)));
  }

  status(id: string): readonly DeliveryState[] {
    return this.#spool.status(messageId(id)).map(({ to, status, attempts, maxAttempts, reason }) => ({
      to: nameOf(to),
      status,
      attempts,
      maxAttempts,
      reason,
      leasedUntil: this.#spool.lease(messageId(id), to)?.expiresAt ?? null,
    }));
  }

  deadLetters(): readonly DeadLetter[] {
    return this.#spool.deadLetters().map(({ delivery, message, report, at }) => ({
      delivery: String(delivery),
      message: toMessageV2(message, report.to),
      agent: nameOf(report.to),
      reason: report.reason ?? '',
      attempts: report.attempts,
      at,
    }));
  }

  redrive({ delivery }: DeadLetter): Promise<boolean> {
    return this.#spool.redrive(Number(delivery));
  }

  cleanup(olderThan: number, { dryRun }: { readonly dryRun: boolean }): Promise<{ expired: number; removed: number }> {
    return dryRun ? this.#archive.previewCleanup(olderThan) : this.#spool.cleanup(olderThan);
  }

  count(): ReturnType<Transport['count']> {
    return this.#spool.stats();
  }

  oldestLeased(): number | null {
    return this.#archive.oldestLeased();
  }

  problems(): readonly string[] {
    return this.#archive.problems();
  }

  #lease({ id, agent, token }: Held): Delivery['lease'] {
    const lease = this.#spool.lease(messageId(id), agentAddress(agent));
    if (lease?.token === token) return lease;
    throw new ParleyError('LEASE_LOST', `The lease on message ${id} is not held any more.`);
  }

  #settlement({ id }: Held, outcome: Outcome): Settlement {
    if (outcome.kind === 'nack') return outcome;
    const cause = this.#spool.message(messageId(id));
    const outputs = (outcome.outputs ?? []).map((outgoing) => this.#newMessage(outgoing, cause ?? undefined));
    return { kind: 'ack', outputs };
  }

  /** `cause`: what it came of, if that is known; else what it replies to. */
  #newMessage({ message, to, deliverAt }: Outgoing, cause = this.#repliedTo(message)): NewMessage {
    const draft = toNewMessage(message, to.map(agentAddress), this.#clock.now());
    return {
      ...draft,
      deliveries: draft.deliveries.map(({ to }) =>
        this.#isHere(to) ? { to } : { to, orderingKey: draft.conversation },
      ),
      ...(cause && { trace: continueTrace(cause.trace, cause.id, cause.trace.budget) }),
      ...(deliverAt !== undefined && { deliverAt }),
    };
  }

  #repliedTo({ routing }: MessageV2): Delivery['message'] | undefined {
    return routing.reply_to === null ? undefined : (this.#spool.message(messageId(routing.reply_to)) ?? undefined);
  }
}

/** Whom a message is shown to be for. */
export function addressee(recipients: readonly Address[]): Address | typeof EVERYBODY {
  const [only, ...others] = recipients;
  return only === undefined || others.length > 0 ? EVERYBODY : only;
}

function received({ message, to, attempt, maxAttempts, lease }: Delivery): Received {
  return { message: toMessageV2(message, to), attempt, maxAttempts, token: lease.token, leasedUntil: lease.expiresAt };
}
