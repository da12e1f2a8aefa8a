import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sleep, systemClock } from '../../src/lib/clock.ts';
import { FAULT_SCALE, FAULT_SEED } from '../support/fault-scale.ts';
import { seededRandom, wholeNumber } from '../support/random.ts';
import { temporaryFolder } from '../support/spool.ts';
import { ACK_TIMEOUT_MS, type Figures, LifeProcess } from '../support/whatsapp-life-process.ts';
import { connectPerson, type WhatsAppPerson } from '../support/whatsapp-person.ts';
import { WhatsAppServer } from '../support/whatsapp-server/server.ts';

const NUMBER = '15550001';
const ANN = '15550100';
const BOB = '15550101';
const DAY_MS = 24 * 3_600_000;
const { whatsAppRounds: ROUNDS, whatsAppMessages: MESSAGES } = FAULT_SCALE;
/** After these rounds, everything has happened once. */
const WARM_UP = Math.max(7, Math.ceil(ROUNDS / 10));
/** Timers of the clock: the renewal of the lease, a claim that waits, a name of a group that is asked for. */
const MOST_ARMED = 3;
/** More or fewer, as it happens: a connection has about five. */
const MOST_EMITTERS = 10;
/** Whether the library has had the time to give up what it waited for. */
const IS_QUIET = FAULT_SCALE.whatsAppQuietSeconds > 0;

/** Somebody who talks to the account, and waits for its answers. */
class Talker {
  readonly person: WhatsAppPerson;
  /** What the account has to answer where this person sees it. */
  readonly expected: string[] = [];
  /** The words of each answer that came, by the id that copies of it have, too. */
  readonly #answers = new Map<string, string>();
  #looked = 0;

  constructor(person: WhatsAppPerson) {
    this.person = person;
  }

  answers(): readonly string[] {
    const { messages } = this.person;
    for (; this.#looked < messages.length; this.#looked++) {
      const { id, text } = messages[this.#looked] ?? { id: '', text: '' };
      if (text.startsWith('echo ')) this.#answers.set(id, text);
    }
    return [...this.#answers.values()];
  }

  /** As long as one more comes in time, it goes on. */
  async heardAll(): Promise<void> {
    for (let heard = 0; heard < this.expected.length; heard = this.#count()) {
      await this.person.waitFor(() => this.#count() > heard, `hears more than ${heard} of ${this.expected.length}`);
    }
  }

  #count(): number {
    this.answers();
    return this.#answers.size;
  }
}

/** A day of an account: what is said to it, and what goes wrong meanwhile. */
class Day {
  readonly #server: WhatsAppServer;
  readonly #account: LifeProcess;
  readonly #talkers: readonly Talker[];
  readonly #group: string;
  readonly #random = seededRandom(FAULT_SEED);
  said = 0;
  /** How often all prekeys of the account were gone. */
  exhausted = 0;
  /** How many of the account's next messages get no acknowledgement. */
  #acksToLose = 0;

  constructor(server: WhatsAppServer, account: LifeProcess, talkers: readonly Talker[]) {
    this.#server = server;
    this.#account = account;
    this.#talkers = talkers;
    this.#group = server.createGroup('Team', [...talkers.map(({ person }) => person.number), NUMBER]).id;
    this.#followAcks();
  }

  /** One connection of the account, with all that is said meanwhile; resolves when everything is answered. */
  async round(index: number): Promise<void> {
    const { opens } = this.#account;
    const cut = wholeNumber(this.#random, 0, MESSAGES - 1);
    const trouble = wholeNumber(this.#random, 0, MESSAGES - 1);
    for (let message = 0; message < MESSAGES; message++) {
      if (message === trouble) await this.#trouble(index);
      if (message === cut) this.#interrupt(index);
      await this.#say();
    }
    await this.#account.opened(opens + 1);
    for (const talker of this.#talkers) await talker.heardAll();
    this.#account.order({ kind: 'leap', ms: DAY_MS / ROUNDS });
  }

  async #say(): Promise<void> {
    const text = `message ${this.said++}`;
    const talker = this.#pick(this.#talkers);
    const isForAll = this.#random() < 0.3;
    for (const hearer of isForAll ? this.#talkers : [talker]) hearer.expected.push(`echo ${text}`);
    await talker.person.say(isForAll ? this.#group : NUMBER, text);
  }

  #interrupt(index: number): void {
    const { faults } = this.#server;
    const ways = [
      () => faults.cut(NUMBER),
      () => faults.cutAfter(NUMBER, 'message'),
      () => faults.cutAfter(NUMBER, 'delivered'),
      () => this.#account.order({ kind: 'restart' }),
      () => faults.cutAfter(NUMBER, 'receipt'),
      () => faults.streamError(NUMBER, this.#pick([428, 500, 503, 515])),
    ];
    ways[index % ways.length]?.();
  }

  async #trouble(index: number): Promise<void> {
    const { faults } = this.#server;
    const { person } = this.#pick(this.#talkers);
    const troubles = [
      () => {
        this.#acksToLose = 2;
      },
      () => faults.redeliver(NUMBER),
      () => void faults.redeliver(NUMBER, { after: 'receipt' }),
      () => person.session.forgetSessions(),
      () => this.#account.order({ kind: 'lose-conversations' }),
      () => {
        this.exhausted += 1;
        faults.exhaustPrekeys(NUMBER);
        person.session.forgetSessions();
      },
      () => person.socket.rotateSignedPreKey(),
    ];
    await troubles[index % troubles.length]?.();
  }

  /** What the account waits for in vain, it need not wait for long. */
  #followAcks(): void {
    const waiting = new Set<string>();
    this.#server.on((event) => {
      if (event.number !== NUMBER) return;
      if (event.type === 'acknowledged') waiting.delete(event.id);
      if (event.type !== 'message' || event.isResend) return;
      waiting.add(event.id);
      if (this.#acksToLose > 0) {
        this.#acksToLose -= 1;
        this.#server.faults.loseAcks(1, { deliver: this.#random() < 0.5 });
      }
      setImmediate(() => {
        if (waiting.delete(event.id)) this.#account.order({ kind: 'leap', ms: ACK_TIMEOUT_MS });
      });
    });
  }

  #pick<T>(from: readonly T[]): T {
    const picked = from[wholeNumber(this.#random, 0, from.length - 1)];
    if (picked === undefined) throw new Error('nothing to pick from');
    return picked;
  }
}

/** Of each kind: what is known of two people, and of a group of them. */
const MOST_ROWS = 10;
const MIB = 1024 * 1024;
/** Bytes. SQLite keeps up to 64 MB of the database in memory, and Node what it may need again. */
const MOST_GROWN = { heap: 8 * MIB, all: 128 * MIB };
/** What the library makes when WhatsApp has none left of a device. */
const PREKEYS_AT_ONCE = 812;

const quiet = (): Promise<void> => sleep(systemClock, FAULT_SCALE.whatsAppQuietSeconds * 1_000);

function expectNothingGrew(morning: Figures, evening: Figures, { said, exhausted }: Day): void {
  const file = 'coordination.db';
  expect(evening.files).toEqual([file, `${file}-shm`, `${file}-wal`, `${file}.wake`]);
  const { 'key pre-key': prekeys = 0, received, sent, ...others } = evening.rows;
  expect({ received, sent }).toEqual({ received: said, sent: said });
  expect(prekeys).toBeLessThan(PREKEYS_AT_ONCE * (exhausted + 1) * 2);
  for (const [what, count] of Object.entries(others)) expect(count, what).toBeLessThanOrEqual(MOST_ROWS);
  expect(evening.armed).toBeLessThanOrEqual(MOST_ARMED);
  expect(evening.heapUsed - morning.heapUsed).toBeLessThan(MOST_GROWN.heap);
  expect(evening.rss - morning.rss).toBeLessThan(MOST_GROWN.all);
}

function expectOneConnection({ alive: before }: Figures, { alive }: Figures): void {
  expect(alive).toMatchObject({ connections: 1, sockets: 1 });
  expect(alive.emitters - before.emitters).toBeLessThan(MOST_EMITTERS);
  // Now and then the library asks for an address on a connection that was lost, and keeps the answer for three days.
  expect(alive.timers - before.timers).toBeLessThan(ROUNDS);
}

describe('a day in the life of a WhatsApp account', () => {
  it(
    `[WHA-01] [WHA-05] [WHA-06] each message is taken in and answered once, and nothing grows (seed ${FAULT_SEED})`,
    async ({ annotate }) => {
      const folder = temporaryFolder();
      await using server = await WhatsAppServer.start();
      await using account = new LifeProcess(server, NUMBER, join(folder.path, 'coordination.db'));
      await account.opened(1);
      await using ann = await connectPerson(server, ANN, 'Ann');
      await using bob = await connectPerson(server, BOB, 'Bob');
      const talkers = [ann, bob].map((person) => new Talker(person));
      const day = new Day(server, account, talkers);
      for (let round = 0; round < WARM_UP; round++) await day.round(round);
      await quiet();
      const morning = await account.measure();
      const began = performance.now();
      for (let round = WARM_UP; round < ROUNDS; round++) await day.round(round);
      const tookMs = performance.now() - began;
      await quiet();
      const evening = await account.measure();
      await annotate(JSON.stringify({ tookMs, said: day.said, opens: account.opens, morning, evening }));

      expect(evening.accepted).toBe(day.said);
      for (const talker of talkers) expect([...talker.answers()].sort()).toEqual([...talker.expected].sort());
      expectNothingGrew(morning, evening, day);
      if (IS_QUIET) expectOneConnection(morning, evening);
      const leftovers = await account.stop();
      expect(leftovers.filter((resource) => IS_QUIET || resource !== 'Timeout')).toEqual([]);
      folder.remove();
    },
    300_000 + ROUNDS * 3_000,
  );
});
