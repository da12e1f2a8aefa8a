import type { FlowEvent } from '../wire.ts';

/** How many envelopes the panel shows. */
const KEPT = 200;

type Status = NonNullable<FlowEvent['status']>;

/** An envelope and where each of its deliveries is. */
export interface Envelope {
  /** Its latest movement. */
  readonly event: FlowEvent;
  /** When it was first heard of, epoch milliseconds. */
  readonly since: number;
  readonly deliveries: ReadonlyMap<string, Status>;
}

/** Every envelope that moved lately. */
export class Envelopes {
  readonly #byId = new Map<string, Envelope>();

  apply(event: FlowEvent): Envelope {
    const known = this.#byId.get(event.id);
    const deliveries = new Map(known?.deliveries);
    for (const to of event.to) deliveries.set(to, statusAfter(event));
    const envelope = { event, since: known?.since ?? event.at, deliveries };
    this.#byId.set(event.id, envelope);
    const [oldest] = this.#byId.keys();
    if (this.#byId.size > KEPT && oldest !== undefined) this.#byId.delete(oldest);
    return envelope;
  }

  /** Newest first. */
  list(): readonly Envelope[] {
    return [...this.#byId.values()].reverse();
  }

  /** How many deliveries lie in a mailbox, claimed ones included. */
  waitingFor(mailbox: string): number {
    const statuses = [...this.#byId.values()].map(({ deliveries }) => deliveries.get(mailbox));
    return statuses.filter((status) => status === 'queued' || status === 'blocked' || status === 'leased').length;
  }
}

function statusAfter({ what, status }: FlowEvent): Status {
  if (what === 'accepted') return status ?? 'queued';
  return what === 'claimed' ? 'leased' : (status ?? 'acked');
}

/** What is most worth knowing comes first. */
const BY_INTEREST: readonly Status[] = ['failed', 'expired', 'leased', 'blocked', 'queued', 'acked'];

/** The state of an envelope as a whole, and how many of its deliveries are in it when they differ. */
export function summary({ deliveries }: Envelope): { readonly status: Status; readonly text: string } {
  const statuses = [...deliveries.values()];
  const status = BY_INTEREST.find((candidate) => statuses.includes(candidate)) ?? 'acked';
  const count = statuses.filter((each) => each === status).length;
  return { status, text: count === statuses.length ? status : `${status} ${count}/${statuses.length}` };
}
