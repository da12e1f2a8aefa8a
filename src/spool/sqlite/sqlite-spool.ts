import { EventEmitter } from 'node:events';
import type { Address, MessageId } from '../../domain/addresses.ts';
import type { Delivery, Lease, Settlement } from '../../domain/delivery.ts';
import { ParleyError } from '../../domain/errors.ts';
import type { Message, NewMessage } from '../../domain/message.ts';
import type { Write } from '../../domain/write.ts';
import { type Clock, systemClock } from '../../lib/clock.ts';
import type { ClaimOptions, SendReceipt, Spool, SpoolEvents } from '../spool.ts';
import { Batch, type Change, type Claimer, type Effects, needsDurability } from './batch.ts';
import { hasReady } from './claim.ts';
import type { Database } from './database.ts';
import { deadLetters, redrive } from './dead-letters.ts';
import { leaseHolders } from './due.ts';
import { DueTimer } from './due-timer.ts';
import { count } from './metrics.ts';
import { deliveryReports, findLease, findMessage, waitingBehind } from './reports.ts';
import { extendLease } from './settle.ts';
import { Wake } from './wake.ts';

const DEFAULT_LEASE_MS = 60_000;
/** How often waiting claimers look for themselves, in case a wake was missed, in milliseconds. */
const SAFETY_LOOK_MS = 500;

/**
 * The spool on SQLite. Calls are gathered, and one transaction per turn of the event loop carries them out (see Batch): that is
 * what makes a durable send cheap when many come at once. See docs/architecture.md and bench/spool.
 */
export class SqliteSpool implements Spool {
  readonly #db: Database;
  readonly #clock: Clock;
  readonly #steady: Clock;
  readonly #wake: Wake;
  readonly #events = new EventEmitter();
  readonly #due: DueTimer;
  #changes: Change[] = [];
  #claims: Claimer[] = [];
  /** Claimers that found nothing and wait, by mailbox, in the order in which they came. */
  readonly #waiting = new Map<Address, Claimer[]>();
  /** Mailboxes with waiting claimers where there may be something by now. */
  readonly #stirred = new Set<Address>();
  /** A transaction is on its way that will take up whatever is called until it begins. */
  #flushing = false;
  #tokens = 0;
  #safetyLook: NodeJS.Timeout | null = null;
  #dataVersion = -1;
  #closed = false;

  /** The database stays the caller's to close. */
  constructor(db: Database, { clock = systemClock }: { clock?: Clock } = {}) {
    this.#db = db;
    this.#clock = clock;
    this.#steady = db.steady;
    this.#events.setMaxListeners(0);
    this.#wake = new Wake(db.path, (recipients) => this.#stir(recipients as readonly Address[]));
    this.#due = new DueTimer(db, db.steady, () => this.#flush());
    this.#due.look();
  }

  /** Hands out again what processes that were killed had in their hands. For the start of a process; how many deliveries it was. */
  async recover(): Promise<number> {
    const holders: string[] = [];
    for (const holder of leaseHolders(this.#db)) if (await this.#wake.isGone(holder)) holders.push(holder);
    if (holders.length === 0) return 0;
    return new Promise((resolve, reject) => this.#submit({ kind: 'recover', holders, resolve, reject }));
  }

  send(messages: readonly NewMessage[], also: readonly Write[] = []): Promise<readonly SendReceipt[]> {
    const wrong = messages.find((message) => message.deliveries.length === 0);
    if (wrong) return Promise.reject(new ParleyError('MESSAGE_INVALID', `Message ${wrong.id} is for nobody.`));
    return new Promise((resolve, reject) => this.#submit({ kind: 'send', messages, also, resolve, reject }));
  }

  settle(lease: Lease, settlement: Settlement): Promise<void> {
    return new Promise((resolve, reject) => this.#submit({ kind: 'settle', lease, settlement, resolve, reject }));
  }

  claim(recipient: Address, options: ClaimOptions = {}, signal?: AbortSignal): Promise<readonly Delivery[]> {
    const { limit = 1, leaseMs = DEFAULT_LEASE_MS, wait = false, detached = false } = options;
    if (this.#closed || signal?.aborted) return Promise.resolve([]);
    return new Promise((resolve, reject) => {
      const giveUp = (): void => {
        if (this.#stopWaiting(claimer)) resolve([]);
      };
      const claimer: Claimer = {
        recipient,
        limit,
        leaseMs,
        wait,
        detached,
        resolve: (deliveries) => {
          signal?.removeEventListener('abort', giveUp);
          resolve(deliveries);
        },
        reject,
      };
      signal?.addEventListener('abort', giveUp, { once: true });
      this.#claims.push(claimer);
      this.#flush();
    });
  }

  async extend(lease: Lease, leaseMs: number): Promise<Lease> {
    const extend = (): Lease => extendLease(this.#db, lease, this.#steady.now() + leaseMs);
    const extended = await this.#db.write(extend, { durable: false });
    if (!this.#closed) this.#due.expect(extended.expiresAt);
    return extended;
  }

  lease(id: MessageId, recipient: Address): Lease | null {
    return findLease(this.#db, id, recipient);
  }

  deadLetters(recipient?: Address): ReturnType<Spool['deadLetters']> {
    return deadLetters(this.#db, recipient);
  }

  async redrive(delivery: number): Promise<boolean> {
    const recipient = await this.#db.write(() => redrive(this.#db, delivery, this.#steady.now()));
    if (recipient !== null) this.#announce([recipient]);
    return recipient !== null;
  }

  message(id: MessageId): Message | null {
    return findMessage(this.#db, id);
  }

  behind(id: MessageId, recipient: Address): readonly Message[] {
    return waitingBehind(this.#db, id, recipient);
  }

  status(id: MessageId): ReturnType<Spool['status']> {
    return deliveryReports(this.#db, id);
  }

  stats(): ReturnType<Spool['stats']> {
    return count(this.#db);
  }

  cleanup(olderThan: number): ReturnType<Spool['cleanup']> {
    return new Promise((resolve, reject) => this.#submit({ kind: 'cleanup', olderThan, resolve, reject }));
  }

  on<Name extends keyof SpoolEvents>(name: Name, listener: (...args: SpoolEvents[Name]) => void): () => void {
    this.#events.on(name, listener as (...args: unknown[]) => void);
    return () => this.#events.off(name, listener as (...args: unknown[]) => void);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    // Transactions keep their order: after this one, all that was called before is committed.
    await this.#db.write(() => undefined, { durable: false });
    for (const claimer of [...this.#waiting.values()].flat()) claimer.resolve([]);
    this.#waiting.clear();
    this.#due.stop();
    if (this.#safetyLook) clearInterval(this.#safetyLook);
    await this.#wake.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #submit(change: Change): void {
    if (this.#closed) return change.reject(new ParleyError('SPOOL_CLOSED', 'The spool was closed.'));
    this.#changes.push(change);
    this.#flush();
  }

  #flush(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    let gathered: {
      readonly changes: readonly Change[];
      readonly claims: readonly Claimer[];
      readonly stirred: readonly Address[];
    } | null = null;
    // Gathered when the transaction begins and not before: while it waits for its turn, more join it.
    const gather = (): NonNullable<typeof gathered> => {
      if (gathered) return gathered;
      this.#flushing = false;
      gathered = {
        changes: this.#changes,
        claims: this.#claims,
        stirred: [...this.#stirred, ...this.#claims.map((claimer) => claimer.recipient)],
      };
      this.#changes = [];
      this.#claims = [];
      this.#stirred.clear();
      for (const claimer of gathered.claims) this.#startWaiting(claimer);
      return gathered;
    };
    const claimersOf = (recipient: Address): readonly Claimer[] => this.#waiting.get(recipient) ?? [];
    const mayBeDue = (now: number): boolean => this.#due.mayBeDue(now);
    // The part before the dot says whose death ends the lease early: see recover. Nobody's, when it is detached.
    const newToken = (detached: boolean): string =>
      detached ? `detached.${this.#wake.holder}.${++this.#tokens}` : `${this.#wake.holder}.${++this.#tokens}`;
    this.#db
      .write(
        (tx) =>
          new Batch(
            this.#db,
            tx,
            { ...gather(), claimersOf, mayBeDue },
            { now: this.#steady.now(), date: this.#clock.now() },
            newToken,
          ).run(),
        {
          durable: () => gather().changes.some(needsDurability),
        },
      )
      .then(
        (effects) => this.#conclude(gather().changes, gather().claims, effects),
        (error: unknown) => {
          for (const change of gather().changes) change.reject(error);
          for (const claimer of gather().claims) if (this.#stopWaiting(claimer)) claimer.reject(error);
        },
      );
  }

  /** The transaction has committed: everybody is told what it did. */
  #conclude(changes: readonly Change[], claims: readonly Claimer[], effects: Effects): void {
    for (const change of changes) answer(change, effects);
    for (const [claimer, deliveries] of effects.claimed) {
      if (this.#stopWaiting(claimer)) claimer.resolve(deliveries);
      else this.#handBack(deliveries);
    }
    for (const claimer of claims) if (!claimer.wait && this.#stopWaiting(claimer)) claimer.resolve([]);

    this.#wake.notify(effects.unclaimed);
    if (effects.moreDue) this.#flush();
    this.#awaitDue(effects);
    for (const event of effects.accepted) this.#events.emit('accepted', event);
    for (const deliveries of effects.claimed.values())
      for (const delivery of deliveries) this.#events.emit('claimed', { delivery });
    for (const { delivery, message, to, status } of effects.settled)
      this.#events.emit('settled', { delivery, message, to, status });
  }

  /** The claimer gave up in the moment in which it was served: as if it had never been. */
  #handBack(deliveries: readonly Delivery[]): void {
    const settlement: Settlement = {
      kind: 'nack',
      reason: 'the claimant had left',
      delayMs: 0,
      countsAsAttempt: false,
    };
    // Should it fail, the lease runs out by itself.
    for (const { lease } of deliveries) this.settle(lease, settlement).catch(() => undefined);
  }

  #startWaiting(claimer: Claimer): void {
    const claimers = this.#waiting.get(claimer.recipient);
    if (claimers) claimers.push(claimer);
    else this.#waiting.set(claimer.recipient, [claimer]);
    if (claimer.wait) this.#safetyLook ??= setInterval(() => this.#lookForSafety(), SAFETY_LOOK_MS).unref();
  }

  /** False when it was not waiting any more. */
  #stopWaiting(claimer: Claimer): boolean {
    const claimers = this.#waiting.get(claimer.recipient) ?? [];
    const list = claimers.includes(claimer) ? claimers : this.#claims;
    const index = list.indexOf(claimer);
    if (index < 0) return false;
    list.splice(index, 1);
    if (claimers.length === 0) this.#waiting.delete(claimer.recipient);
    return true;
  }

  /** There may be something in these mailboxes: whoever waits there has another look. */
  #stir(recipients: readonly Address[]): void {
    const awaited = recipients.filter((recipient) => this.#waiting.has(recipient));
    if (awaited.length === 0 || this.#closed) return;
    for (const recipient of awaited) this.#stirred.add(recipient);
    this.#flush();
  }

  /** The same for all processes. */
  #announce(recipients: readonly Address[]): void {
    this.#stir(recipients);
    this.#wake.notify(new Set(recipients));
  }

  /** Sees to it that a transaction runs when the next delivery comes due. */
  #awaitDue({ lookedForDue, nextDue }: Effects): void {
    if (this.#closed) return;
    if (lookedForDue) this.#due.look();
    else this.#due.expect(nextDue);
  }

  /** What others committed reaches us by waking; should that fail, by this. A read: nothing is locked when there is nothing. */
  #lookForSafety(): void {
    if (this.#waiting.size === 0) {
      if (this.#safetyLook) clearInterval(this.#safetyLook);
      this.#safetyLook = null;
      return;
    }
    const version = this.#db.dataVersion();
    if (version === this.#dataVersion) return;
    this.#dataVersion = version;
    this.#due.look();
    this.#stir([...this.#waiting.keys()].filter((recipient) => hasReady(this.#db, recipient)));
  }
}

function answer(change: Change, effects: Effects): void {
  if (effects.refused.has(change)) return change.reject(effects.refused.get(change));
  if (change.kind === 'send') change.resolve(effects.receipts.get(change) ?? []);
  else if (change.kind === 'recover') change.resolve(effects.recovered.get(change) ?? 0);
  else if (change.kind === 'cleanup') change.resolve(effects.cleaned.get(change) ?? { expired: 0, removed: 0 });
  else change.resolve();
}
