import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type CloudChanges,
  type CloudFixture,
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
import { DEFAULT_AGENT_MAX_LENGTH, Gate } from '../../src/security/gate.ts';
import { SqliteAuditLog } from '../../src/store/audit-log.ts';
import { openSpoolAt, openTestSpool, type SpoolFixture, temporaryFolder } from '../support/spool.ts';

const ATLAS = agentId('atlas');
const OUTBOX = accountAddress('whatsapp', 'atlas');
const USER_ID = 'US.13491208655302741918';

/** The way in, an agent that repeats what it hears, and the way out, each step of which the test takes itself. */
class World implements AsyncDisposable {
  readonly cloud: CloudFixture;
  readonly clock: ManualClock;
  readonly #fixture: SpoolFixture;
  #open: Pick<SpoolFixture, 'spool' | 'db'>;

  private constructor(cloud: CloudFixture, fixture: SpoolFixture) {
    this.cloud = cloud;
    this.clock = fixture.clock;
    this.#fixture = fixture;
    this.#open = fixture;
  }

  static async open(changes: CloudChanges = {}): Promise<World> {
    const clock = new ManualClock();
    const world = new World(await openCloud(changes, clock), openTestSpool(temporaryFolder(), clock));
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
    await this.#serve(agentAddress(ATLAS), async (delivery) => ({ kind: 'ack', outputs: [echoOf(delivery)] }));
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
        ...{ allowlist: ['+1 555 0100'], blocklist: [], rateLimit: null, agentRateLimit: null },
        ...{ unlistedRateLimit: null, listed: [] },
        ...{ maxLength: 10_000, agentMaxLength: DEFAULT_AGENT_MAX_LENGTH },
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
