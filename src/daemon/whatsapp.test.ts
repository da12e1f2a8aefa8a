import { fastify } from 'fastify';
import { describe, expect, it, onTestFinished } from 'vitest';
import { cloudVariables, subscribe } from '../../test/support/graph-api/connected.ts';
import { GraphError } from '../../test/support/graph-api/errors.ts';
import { GraphApi } from '../../test/support/graph-api/graph-api.ts';
import { openTestSpool } from '../../test/support/spool.ts';
import type { Receive, SendOutcome } from '../channels/channel.ts';
import { arrivedId } from '../delivery/inbound.ts';
import {
  accountAddress,
  agentAddress,
  agentId,
  conversationId,
  messageId,
  systemAddress,
} from '../domain/addresses.ts';
import { CHAT_IN, CHAT_OUT, type ChatIn, type ChatOut } from '../domain/chat.ts';
import { startTrace } from '../domain/trace.ts';
import { silentLogger } from '../lib/logger.ts';
import { started } from './config/config-fixtures.ts';
import { openWhatsApp } from './whatsapp.ts';

const OWNER = '15550100';
const ANN = '15550101';
const ATLAS = agentId('atlas');

/** Atlas on the Cloud API, which says nothing by itself. */
async function open() {
  const api = await GraphApi.start();
  const number = api.business.addNumber('15550199');
  const people = [OWNER, ANN].map((phone) => api.business.addPerson({ name: phone, phone }));
  const env = {
    AGENT_NAME: 'Atlas',
    AGENT_ID: ATLAS,
    AI_PROVIDER: 'demo',
    ADMIN_LIST: `+${OWNER}`,
    ...cloudVariables(api, number),
  };
  const { config } = started({ env });
  const { spool, db, clock, ...fixture } = openTestSpool();
  if (!config.whatsapp) throw new Error('WhatsApp is not configured');
  const options = { db, spool, clock, link: () => undefined, agentsIn: () => [], logger: silentLogger };
  const { channel, routes, health } = openWhatsApp(config, config.whatsapp, options);
  const heard: ChatIn[] = [];
  /** As the way in keeps it. */
  const receive: Receive = async ({ id: platformId, chat, also }) => {
    const id = arrivedId(channel.name, platformId);
    const message = {
      id,
      from: systemAddress('person'),
      deliveries: [{ to: agentAddress(ATLAS) }],
      conversation: conversationId(`conv_${chat.peer.id}`),
      payload: { type: CHAT_IN, data: { id: platformId, ...chat } },
      trace: startTrace(id, null),
    };
    await spool.send([message], also);
    heard.push(chat);
    return 'accepted';
  };
  await channel.start(receive);
  const app = fastify({ logger: false });
  if (routes) await app.register(routes);
  await subscribe(api, await app.listen({ host: '127.0.0.1', port: 0 }));
  onTestFinished(async () => {
    await channel.stop();
    app.server.closeAllConnections();
    await app.close();
    await api[Symbol.asyncDispose]();
    await fixture[Symbol.asyncDispose]();
  });
  for (const person of people) await api.say(person, { type: 'text', text: { body: 'hello' } });

  /** What the agent says, as the outbox has it said. */
  const say = async (id: string, phone: string): Promise<SendOutcome> => {
    const chat: ChatOut = { peer: { kind: 'dm', id: `+${phone}` }, speaker: { id: ATLAS, name: 'Atlas' }, text: 'Hi.' };
    const message = {
      id: messageId(id),
      from: agentAddress(ATLAS),
      deliveries: [{ to: accountAddress('whatsapp', ATLAS) }],
      conversation: conversationId(`conv_${id}`),
      payload: { type: CHAT_OUT, data: chat },
      trace: startTrace(messageId(id), ATLAS),
    };
    await spool.send([message]);
    return await channel.send({ id, account: ATLAS, chat });
  };
  return { api, clock, spool, say, health, heard, people };
}

it('[WHA-02] the owner hears, once, of a message that WhatsApp took and could not deliver', async () => {
  const { api, spool, say } = await open();
  expect(await say('msg_to_ann', ANN)).toEqual({ kind: 'sent' });
  expect(await say('msg_to_owner', OWNER)).toEqual({ kind: 'sent' });
  for (const message of [...api.business.taken, ...api.business.taken]) {
    expect((await api.tell(message, 'failed', new GraphError(131026, 'Gone.'))).status).toBe(200);
  }
  const waiting = await spool.claim(accountAddress('whatsapp', ATLAS), { limit: 10 });
  const notices = waiting.map(({ message }) => message).filter(({ id }) => !id.startsWith('msg_to'));
  expect(notices).toMatchObject([
    {
      body: expect.stringMatching(/^What Atlas said to \+15550101 was not delivered: .*\(131026\).* as msg_to_ann\.$/),
      payload: { data: { peer: { kind: 'dm', id: `+${OWNER}` } } },
    },
  ]);
});

it('[OBS-01] [WHA-02] an account of the Cloud API is paused from a bad token until something is sent, and says so without a number', async () => {
  const { api, clock, say, health } = await open();
  const fares = { channel: 'whatsapp', account: ATLAS };
  expect(health()).toEqual([{ ...fares, state: 'open', reason: null }]);
  api.faults.fail(190, { details: `It was made by +${OWNER}.` });
  expect(await say('one', ANN)).toMatchObject({ kind: 'later', reason: expect.stringContaining(OWNER) });
  const paused = [{ ...fares, state: 'paused', reason: 'the access token is not valid any more (190)' }];
  expect(health()).toEqual(paused);
  clock.advance(3_600_000);
  expect(health()).toEqual(paused);
  expect(await say('two', ANN)).toEqual({ kind: 'sent' });
  expect(health()).toEqual([{ ...fares, state: 'open', reason: null }]);
});

describe('an answer to a message', () => {
  const text = (body: string): object => ({ type: 'text', text: { body } });
  type World = Awaited<ReturnType<typeof open>>;
  const answer = async ({ api, heard, people }: World, answers: string, by = 0): Promise<ChatIn | undefined> => {
    const [person] = people.slice(by);
    if (person) await api.say(person, text('And this?'), { answers });
    return heard.at(-1);
  };

  it('[WHA-05] [WHA-02] brings what the agent has said in it', async () => {
    const world = await open();
    await world.say('msg_to_owner', OWNER);
    const [sent] = world.api.business.taken;
    expect(await answer(world, sent?.id ?? '')).toMatchObject({
      replyTo: sent?.id,
      quoted: { text: 'Hi.', sender: 'Atlas' },
    });
  });

  it.each(['wamid.SAID', 'x'.repeat(201)])('[WHA-05] [WHA-02] brings what a person has said in it: %s', async (id) => {
    const world = await open();
    const [owner] = world.people;
    if (owner) await world.api.say(owner, text('My car is teal.'), { id });
    expect(await answer(world, id)).toMatchObject({ quoted: { text: 'My car is teal.', sender: OWNER } });
  });

  it('[WHA-05] [SEC-01] brings nothing of another chat, of what nobody knows, and of a file without words', async () => {
    const world = await open();
    await world.say('msg_to_owner', OWNER);
    const [owner] = world.people;
    if (owner) {
      await world.api.say(owner, text('My secret.'), { id: 'wamid.SAID' });
      await world.api.say(owner, { type: 'image', image: { id: '7' } }, { id: 'wamid.FILE' });
    }
    const others = [world.api.business.taken[0]?.id ?? '', 'wamid.SAID'];
    for (const id of others) expect(await answer(world, id, 1)).not.toHaveProperty('quoted');
    for (const id of ['wamid.NONE', 'wamid.FILE']) {
      const heard = await answer(world, id);
      expect(heard).toMatchObject({ replyTo: id });
      expect(heard).not.toHaveProperty('quoted');
    }
  });

  it('[WHA-05] [WHA-02] brings what was said to them by their other id', async () => {
    const { api, say, heard } = await open();
    const person = api.business.addPerson({ name: 'Bo', phone: '15550102', userId: 'US.102' });
    api.business.openWindow(person);
    await say('msg_to_bo', '15550102');
    await api.say(person, text('So?'), { answers: api.business.taken[0]?.id ?? '' });
    expect(heard.at(-1)).toMatchObject({ peer: { id: 'US.102' }, quoted: { text: 'Hi.' } });
  });
});
