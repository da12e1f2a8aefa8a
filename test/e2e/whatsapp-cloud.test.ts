import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type CloudChanges,
  type CloudFixture,
  departure,
  MemoryCloudStore,
  openCloud,
  text,
} from '../../src/channels/whatsapp/cloud/cloud.fixture.ts';
import { UNKNOWN_MS, WINDOW_MS } from '../../src/channels/whatsapp/cloud/sender.ts';
import { inbound } from '../../src/delivery/inbound.ts';
import { outbox } from '../../src/delivery/outbox.ts';
import { type Address, accountAddress, agentAddress, agentId, messageId } from '../../src/domain/addresses.ts';
import { CHAT_OUT, chatArrivalSchema } from '../../src/domain/chat.ts';
import type { Delivery, Settlement } from '../../src/domain/delivery.ts';
import type { NewMessage } from '../../src/domain/message.ts';
import { continueTrace, DEFAULT_BUDGET } from '../../src/domain/trace.ts';
import { deriveId } from '../../src/lib/ids.ts';
import { ManualClock } from '../../src/lib/manual-clock.ts';
import { DEFAULT_AGENT_MAX_LENGTH, Gate, type GatePolicy } from '../../src/security/gate.ts';
import { SqliteAuditLog } from '../../src/store/audit-log.ts';
import { SqliteCloudStore } from '../../src/store/whatsapp-cloud.ts';
import type { Person } from '../support/graph-api/business.ts';
import { openSpoolAt, openTestSpool, type SpoolFixture, temporaryFolder } from '../support/spool.ts';

const ATLAS = agentId('atlas');
const OUTBOX = accountAddress('whatsapp', 'atlas');
const USER_ID = 'US.13491208655302741918';

type Lists = Partial<Pick<GatePolicy, 'allowlist' | 'blocklist'>>;

/** The way in, an agent that repeats what it hears, and the way out, each step of which the test takes itself. */
class World implements AsyncDisposable {
  readonly cloud: CloudFixture;
  readonly clock: ManualClock;
  /** In which there was something for the agent. */
  readonly conversations = new Set<string>();
  readonly #lists: Lists;
  readonly #fixture: SpoolFixture;
  #open: Pick<SpoolFixture, 'spool' | 'db'>;

  private constructor(cloud: CloudFixture, fixture: SpoolFixture, lists: Lists) {
    this.cloud = cloud;
    this.#lists = lists;
    this.clock = fixture.clock;
    this.#fixture = fixture;
    this.#open = fixture;
  }

  static async open(changes: CloudChanges = {}, lists: Lists = { allowlist: ['+1 555 0100'] }): Promise<World> {
    const clock = new ManualClock();
    const fixture = openTestSpool(temporaryFolder(), clock);
    const cloud = await openCloud({ store: new SqliteCloudStore(fixture.db), ...changes }, clock);
    const world = new World(cloud, fixture, lists);
    await world.#start();
    return world;
  }

  get spool(): SpoolFixture['spool'] {
    return this.#open.spool;
  }

  /** What the person sees of the agent. */
  get seen(): string[] {
    return this.cloud.api.business.taken.map(({ request }) => JSON.stringify('text' in request && request.text));
  }

  /** Everything that is ready is done. */
  async work(): Promise<void> {
    await this.#serve(agentAddress(ATLAS), async (delivery) => {
      this.conversations.add(delivery.message.conversation);
      return { kind: 'ack', outputs: [echoOf(delivery)] };
    });
    const say = outbox('atlas', (departure) => this.cloud.channel.send(departure));
    await this.#serve(OUTBOX, (delivery) => say(delivery, AbortSignal.abort()));
  }

  async closeSpool(): Promise<void> {
    await this.spool.close();
    await this.#open.db.close();
  }

  /** As after a restart: the same database, opened again. */
  async reopenSpool(): Promise<void> {
    this.#open = openSpoolAt(this.#fixture.path, this.clock);
    await this.#start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cloud[Symbol.asyncDispose]();
    await this.closeSpool();
    await this.#fixture[Symbol.asyncDispose]();
  }

  async #start(): Promise<void> {
    const gate = new Gate(
      {
        ...{ allowlist: null, blocklist: [], rateLimit: null, agentRateLimit: null },
        ...{ unlistedRateLimit: null, listed: [] },
        ...{ maxLength: 10_000, agentMaxLength: DEFAULT_AGENT_MAX_LENGTH },
        ...this.#lists,
      },
      this.clock,
    );
    await this.cloud.start(
      inbound({
        spool: this.spool,
        route: () => ({
          agents: [{ id: ATLAS, rank: 0 }],
          panel: null,
          isCalled: false,
          activation: 'always',
          reason: '',
        }),
        check: (chat) => gate.check(chat),
        audit: new SqliteAuditLog(this.#open.db, { clock: this.clock }),
        budget: DEFAULT_BUDGET,
        ttlMs: 7 * 24 * 3_600_000,
        nameOf: () => 'Atlas',
        owner: null,
      }),
    );
  }

  async #serve(mailbox: Address, handle: (delivery: Delivery) => Promise<Settlement>): Promise<void> {
    for (;;) {
      const [delivery] = await this.spool.claim(mailbox);
      if (!delivery) return;
      const failed = (error: Error): Settlement => ({ kind: 'nack', reason: error.message, delayMs: 1_000 });
      await this.spool.settle(delivery.lease, await handle(delivery).catch(failed));
    }
  }
}

function echoOf({ message }: Delivery): NewMessage {
  const { id: replyTo, peer, text: said } = chatArrivalSchema.parse(message.payload.data);
  return {
    id: messageId(deriveId('msg', message.id, 'echo')),
    from: agentAddress(ATLAS),
    deliveries: [{ to: OUTBOX, orderingKey: peer.id }],
    conversation: message.conversation,
    payload: {
      type: CHAT_OUT,
      data: { peer, speaker: { id: ATLAS, name: 'Atlas' }, text: `You said: ${said}`, replyTo },
    },
    trace: continueTrace(message.trace, message.id, message.trace.budget),
  };
}

let world: World;
beforeEach(async () => {
  world = await World.open({ userId: USER_ID });
});
afterEach(() => world[Symbol.asyncDispose]());

const say = (body: string, id?: string) => world.cloud.api.say(world.cloud.person, text(body), id ? { id } : {});
const echo = (body: string) => JSON.stringify({ body: `You said: ${body}` });

describe('WhatsApp through the Cloud API', () => {
  it('[WHA-02] a person on the allowlist by number, known by a user id, is answered, and quoted', async () => {
    expect((await say('hello', 'wamid.IN')).status).toBe(200);
    await world.work();
    expect(world.cloud.api.business.taken).toMatchObject([
      { to: { userId: USER_ID }, request: { to: '15550100', context: { message_id: 'wamid.IN' } } },
    ]);
    expect(world.seen).toEqual([echo('hello')]);
  });

  it('[WHA-02] [SEC-01] a stranger is neither answered nor told anything, and Meta does not send it again', async () => {
    const stranger = world.cloud.api.business.addPerson({ phone: '15550166' });
    expect((await world.cloud.api.say(stranger, text('let me in'))).status).toBe(200);
    await world.work();
    expect([world.seen, world.spool.stats().messages]).toEqual([[], 0]);
  });

  it('[WHA-03] what could not be stored is taken when Meta sends it again, and what was stored is not taken twice', async () => {
    await world[Symbol.asyncDispose]();
    world = await World.open({ userId: USER_ID, store: new MemoryCloudStore() });
    await say('one', 'wamid.1');
    await world.closeSpool();
    expect((await say('two', 'wamid.2')).status).toBe(500);
    await world.reopenSpool();
    expect((await world.cloud.api.webhooks.redeliver()).map(({ status }) => status)).toEqual([200]);
    for (const id of ['wamid.1', 'wamid.2', 'wamid.2']) expect((await say('again', id)).status).toBe(200);
    await world.work();
    expect(world.seen).toEqual([echo('one'), echo('two')]);
  });

  it('[WHA-04] an answer that was lost is said once, whenever the webhook comes', async () => {
    world.cloud.api.faults.loseAnswer();
    await say('hello');
    await world.work();
    const [message] = world.cloud.api.business.taken;
    expect(world.spool.stats().deliveries).toMatchObject({ queued: 1 });
    world.clock.advance(1_000);
    await world.work();
    if (message) await world.cloud.api.tell(message, 'delivered');
    world.clock.advance(UNKNOWN_MS);
    await world.work();
    expect(world.seen).toEqual([echo('hello')]);
    expect(world.spool.stats().deliveries).toMatchObject({ queued: 0, failed: 0 });
    expect(world.cloud.statuses).toMatchObject([{ status: 'delivered', departure: expect.stringMatching(/^msg_/) }]);
  });

  it('[WHA-02] who is written to too fast gets everything in order, and no message is given up', async () => {
    const said = Array.from({ length: 60 }, (_, index) => `message ${index}`);
    for (const body of said) await say(body);
    for (let round = 0; round < 200 && world.seen.length < said.length; round++) {
      await world.work();
      world.clock.advance(6_000);
    }
    expect(world.seen).toEqual(said.map(echo));
    expect(world.spool.deadLetters()).toEqual([]);
  });

  it('[WHA-02] an expired token costs no message: all is sent when it was renewed', async () => {
    world.cloud.api.faults.fail(190, { status: 401, count: 20 });
    await say('hello');
    for (let round = 0; round < 21; round++) {
      await world.work();
      world.clock.advance(900_000);
    }
    await world.work();
    expect(world.seen).toEqual([echo('hello')]);
  });

  it('[WHA-02] an answer that is late by a day is told as a dead letter, with the reason', async () => {
    await say('hello');
    world.clock.advance(WINDOW_MS);
    await world.work();
    expect(world.seen).toEqual([]);
    expect(world.spool.deadLetters(OUTBOX)).toMatchObject([
      { report: { reason: expect.stringContaining('has not written for 24 hours') } },
    ]);
  });

  it('[WHA-02] with a template the person is asked to answer, and then gets everything in order', async () => {
    await world[Symbol.asyncDispose]();
    world = await World.open({ templates: ['ask'], template: { name: 'ask', language: 'en_US' } });
    await say('one');
    await say('two');
    world.clock.advance(WINDOW_MS);
    for (let round = 0; round < 10; round++) {
      await world.work();
      world.clock.advance(600_000);
    }
    expect(world.cloud.api.business.taken.map(({ request }) => request.type)).toEqual(['template']);
    await say('yes?');
    for (let round = 0; round < 3; round++) {
      world.clock.advance(600_000);
      await world.work();
    }
    expect(world.seen.slice(1)).toEqual(['one', 'two', 'yes?'].map(echo));
  });
});

describe('a person with a user id and a number', () => {
  const ids = { phone: '15550177', userId: 'US.177' };
  const PHONE = { ...ids, userId: null };
  const UID = { ...ids, phone: null };
  const open = async (lists: Lists = {}): Promise<Person> => {
    await world[Symbol.asyncDispose]();
    world = await World.open({}, lists);
    return world.cloud.api.business.addPerson({ name: 'Bo', ...ids });
  };
  /** Both ids are the person's: which of them a webhook tells is WhatsApp's choice. */
  const sayAs = async (person: Person, told: Partial<Person>, content: object = text('hello')): Promise<void> => {
    world.cloud.api.business.openWindow(person);
    const { status } = await world.cloud.api.webhooks.deliver(
      world.cloud.api.messageValue({ ...person, ...told }, content),
    );
    expect(status).toBe(200);
    await world.work();
  };

  it.each([
    ['by the number', '+15550177', UID],
    ['by the user id', 'US.177', PHONE],
  ])('[SEC-01] [WHA-02] who is blocked %s is so when only the other is told', async (_how, blocked, told) => {
    const person = await open({ blocklist: [blocked] });
    for (const hidden of [told === UID ? PHONE : UID, ids, told]) await sayAs(person, hidden);
    expect([world.seen, world.spool.stats().messages]).toEqual([[], 0]);
  });

  it('[SEC-01] [WHA-02] who is blocked is known by what is nothing for an agent, too', async () => {
    const person = await open({ blocklist: ['+15550177'] });
    await sayAs(person, ids, { type: 'reaction', reaction: { message_id: 'wamid.X', emoji: '👍' } });
    await sayAs(person, UID);
    expect([world.seen, world.spool.stats().messages]).toEqual([[], 0]);
  });

  it('[SEC-01] [WHA-02] who is on the allowlist by the number is answered when it is hidden later', async () => {
    const person = await open({ allowlist: ['+15550177'] });
    await sayAs(person, UID);
    expect(world.seen).toEqual([]);
    for (const told of [ids, UID]) await sayAs(person, told);
    expect(world.seen).toHaveLength(2);
  });

  it.each([
    ['the number', [PHONE, ids, UID, PHONE]],
    ['the user id', [UID, ids, PHONE, UID]],
    ['both', [ids, PHONE, UID, ids]],
  ])('[WHA-02] is in one conversation, whatever is told, when met by %s', async (_what, told) => {
    const person = await open();
    for (const one of told) await sayAs(person, one);
    expect(world.conversations.size).toBe(1);
    expect(world.seen).toHaveLength(4);
  });

  it('[WHA-02] can be written to by either for 24 hours after a message that told one of them', async () => {
    const person = await open();
    await sayAs(person, ids);
    world.clock.advance(WINDOW_MS - 1_000);
    await sayAs(person, PHONE);
    world.clock.advance(WINDOW_MS - 1_000);
    for (const to of ['US.177', '+15550177']) {
      expect(await world.cloud.channel.send(departure(to, { text: 'Hi' }, to))).toEqual({ kind: 'sent' });
    }
    expect(world.cloud.api.business.taken.map(({ request }) => request.to)).toEqual(Array(4).fill('15550177'));
  });

  it('[SEC-01] [WHA-02] is not taken for who has the number after them, nor is that one for them', async () => {
    const person = await open({ allowlist: ['+15550177'] });
    for (const told of [PHONE, ids]) await sayAs(person, told);
    const next = world.cloud.api.business.addPerson({ name: 'Cy', phone: '15550177', userId: 'US.178' });
    await sayAs(next, {});
    expect(world.conversations.size).toBe(2);
    expect(world.cloud.log.lines.filter((line) => line.includes('number that was not theirs'))).toHaveLength(1);
    const seen = world.seen.length;
    await sayAs(person, UID);
    expect(world.seen).toHaveLength(seen);
    await sayAs(next, { phone: null });
    expect(world.seen).toHaveLength(seen + 1);
    await world.cloud.channel.send(departure('late', { text: 'For Bo' }, '+15550177'));
    expect(world.cloud.api.business.taken.at(-1)).toMatchObject({
      to: { name: 'Bo' },
      request: { recipient: 'US.177' },
    });
  });

  it('[SEC-01] [WHA-02] is not taken for somebody else because WhatsApp tells that they have another number', async () => {
    const person = await open();
    await sayAs(person, PHONE);
    const system = { type: 'user_changed_number', wa_id: '15550178' };
    await sayAs(person, { userId: 'US.178' }, { type: 'system', system });
    expect(world.cloud.log.lines.join()).toContain('another number or id');
    await sayAs(person, { phone: null, userId: 'US.178' });
    expect(world.conversations.size).toBe(2);
  });
});
