/* The Cloud channel against a local Graph API, for the tests of this folder and for test/e2e: one number, one person, a memory that forgets. */
import fastify from 'fastify';
import type { BusinessNumber, BusinessOptions, Person, Taken } from '../../../../test/support/graph-api/business.ts';
import { GraphApi } from '../../../../test/support/graph-api/graph-api.ts';
import type { ChatOut } from '../../../domain/chat.ts';
import type { Tx, Write } from '../../../domain/write.ts';
import type { Logger } from '../../../lib/logger.ts';
import { ManualClock } from '../../../lib/manual-clock.ts';
import type { ChatArrival, ChatDeparture, Receive, SendOutcome } from '../../channel.ts';
import { CloudChannel, type CloudOptions } from './channel.ts';
import type { DepartureStatus } from './intake.ts';
import { cloudRoutes } from './routes.ts';
import type { CloudStore, LastInbound, SentPiece } from './store.ts';

export const APP_SECRET = 'secret-of-the-app';
export const VERIFY_TOKEN = 'token-to-verify';
export const ACCOUNT = 'atlas';

/** A transaction that is none. */
const NO_TX: Tx = Object.create(null);

const run = (writes: readonly Write[] = []): void => {
  for (const write of writes) write(NO_TX);
};

export class MemoryCloudStore implements CloudStore {
  readonly #names: { readonly account: string; readonly person: string; readonly name: string }[] = [];
  readonly #inbound = new Map<string, LastInbound>();
  readonly #pieces = new Map<string, SentPiece>();
  /** Set, every change fails with it. */
  failure: Error | null = null;

  holder(account: string, name: string): string | null {
    return this.#names.findLast((one) => one.account === account && one.name === name)?.person ?? null;
  }

  held(account: string, person: string): readonly string[] {
    return this.#names
      .filter((one) => one.account === account && one.person === person && this.holder(account, one.name) === person)
      .map(({ name }) => name);
  }

  named(account: string, person: string, names: readonly string[]): Write {
    const isThere = (name: string): boolean =>
      this.#names.some((one) => one.account === account && one.person === person && one.name === name);
    return () => this.#names.push(...names.filter((name) => !isThere(name)).map((name) => ({ account, person, name })));
  }

  lastInbound(account: string, chat: string): LastInbound | null {
    return this.#inbound.get(`${account} ${chat}`) ?? null;
  }

  inboundNoted(account: string, chat: string, last: LastInbound): Write {
    return () => {
      const key = `${account} ${chat}`;
      if ((this.#inbound.get(key)?.at ?? 0) <= last.at) this.#inbound.set(key, last);
    };
  }

  async commit(writes: readonly Write[]): Promise<void> {
    this.#mayFail();
    run(writes);
  }

  piece(id: string): SentPiece | null {
    return this.#pieces.get(id) ?? null;
  }

  pieceOf(message: string): SentPiece | null {
    return [...this.#pieces.values()].find((piece) => piece.message === message) ?? null;
  }

  async asked(piece: Omit<SentPiece, 'message'>): Promise<void> {
    this.#mayFail();
    this.#pieces.set(piece.id, { ...piece, message: null });
  }

  async answered(id: string, message: string): Promise<void> {
    this.#mayFail();
    const piece = this.#pieces.get(id);
    if (piece) this.#pieces.set(id, { ...piece, message });
  }

  async withdrawn(id: string): Promise<void> {
    this.#mayFail();
    this.#pieces.delete(id);
  }

  #mayFail(): void {
    if (this.failure) throw this.failure;
  }
}

/** Keeps every line, as JSON. */
export class MemoryLog implements Logger {
  readonly lines: string[] = [];
  debug = (fields: object, message: string): void => this.#add('debug', fields, message);
  info = (fields: object, message: string): void => this.#add('info', fields, message);
  warn = (fields: object, message: string): void => this.#add('warn', fields, message);
  error = (fields: object, message: string): void => this.#add('error', fields, message);

  #add(level: string, fields: object, message: string): void {
    this.lines.push(JSON.stringify({ level, message, ...fields }));
  }
}

export interface CloudFixture extends AsyncDisposable {
  readonly api: GraphApi;
  readonly number: BusinessNumber;
  readonly person: Person;
  readonly channel: CloudChannel;
  readonly store: MemoryCloudStore;
  readonly clock: ManualClock;
  readonly log: MemoryLog;
  readonly statuses: DepartureStatus[];
  readonly arrivals: ChatArrival[];
  /** Starts the channel; everything is accepted once, unless `receive` says otherwise. */
  start(receive?: Receive): Promise<void>;
  /** A channel with the same memory, as after a restart. Not started. */
  another(): CloudChannel;
}

export type CloudChanges = Partial<BusinessOptions & CloudOptions & Pick<Person, 'phone' | 'userId'>>;

export async function openCloud(changes: CloudChanges = {}, clock = new ManualClock()): Promise<CloudFixture> {
  const { phone = '15550100', userId = null, templates, refusesBy, ...channelChanges } = changes;
  const api = await GraphApi.start({
    clock,
    ...(templates !== undefined && { templates }),
    ...(refusesBy !== undefined && { refusesBy }),
  });
  const number = api.business.addNumber('15550199');
  const person = api.business.addPerson({ name: 'Ada', phone, userId });
  const store = new MemoryCloudStore();
  const log = new MemoryLog();
  const statuses: DepartureStatus[] = [];
  const options: CloudOptions = {
    accounts: [{ id: ACCOUNT, phoneNumberId: number.phoneNumberId, accessToken: number.accessToken }],
    appSecret: APP_SECRET,
    verifyToken: VERIFY_TOKEN,
    graphUrl: api.url,
    store,
    clock,
    logger: log,
    onStatus: async (status) => void statuses.push(status),
    ...channelChanges,
  };
  const channel = new CloudChannel(options);
  const app = fastify({ logger: false });
  await app.register(cloudRoutes(channel));
  const url = `${await app.listen({ host: '127.0.0.1', port: 0 })}/webhooks/whatsapp`;
  await api.webhooks.subscribe({ url, appSecret: APP_SECRET }, VERIFY_TOKEN);
  const arrivals: ChatArrival[] = [];
  const acceptOnce: Receive = async (arrival) => {
    if (arrivals.some(({ id }) => id === arrival.id)) return 'duplicate';
    arrivals.push(arrival);
    run(arrival.also);
    return 'accepted';
  };
  return {
    ...{ api, number, person, channel, store, clock, log, statuses, arrivals },
    start: (receive = acceptOnce) => channel.start(receive),
    another: () => new CloudChannel(options),
    [Symbol.asyncDispose]: async () => {
      await channel.stop();
      app.server.closeAllConnections();
      await app.close();
      await api[Symbol.asyncDispose]();
    },
  };
}

export const text = (body: string): object => ({ type: 'text', text: { body } });

export function departure(
  id: string,
  chat: Partial<ChatOut> & { readonly text: string },
  to = '+15550100',
): ChatDeparture {
  return {
    id,
    account: ACCOUNT,
    chat: { peer: { kind: 'dm', id: to }, speaker: { id: ACCOUNT, name: 'Atlas' }, ...chat },
  };
}

/** What a send has come to: its outcome, or the code of its error. */
export const ended = (sending: Promise<SendOutcome>): Promise<SendOutcome | { code: unknown; message: string }> =>
  sending.catch((error: Error & { code?: unknown }) => ({ code: error.code, message: error.message }));

/** What the messages that were taken say, of one kind. */
export const bodiesOf = (taken: readonly Taken[]): unknown[] =>
  taken.map(({ request }) => Object.entries(request).find(([name]) => name === request.type)?.[1]);
