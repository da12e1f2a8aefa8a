import { fastify } from 'fastify';
import { expect, it, onTestFinished } from 'vitest';
import { GraphError } from '../../test/support/graph-api/errors.ts';
import { GraphApi } from '../../test/support/graph-api/graph-api.ts';
import { openTestSpool } from '../../test/support/spool.ts';
import { accountAddress, agentAddress, agentId, conversationId, messageId } from '../domain/addresses.ts';
import { CHAT_OUT, type ChatOut } from '../domain/chat.ts';
import { startTrace } from '../domain/trace.ts';
import { silentLogger } from '../lib/logger.ts';
import { started } from './config/config-fixtures.ts';
import { openWhatsApp } from './whatsapp.ts';

const OWNER = '15550100';
const ANN = '15550101';
const ATLAS = agentId('atlas');
const APP_SECRET = 'secret-of-the-app';
const VERIFY_TOKEN = 'token-to-verify';

/** Atlas on the Cloud API, which says nothing by itself. */
async function open() {
  const api = await GraphApi.start();
  const number = api.business.addNumber('15550199');
  const people = [OWNER, ANN].map((phone) => api.business.addPerson({ name: phone, phone }));
  const env = {
    AGENT_NAME: 'Atlas',
    AGENT_ID: ATLAS,
    AI_PROVIDER: 'demo',
    PLATFORM: 'whatsapp',
    ADMIN_LIST: `+${OWNER}`,
    WHATSAPP_MODE: 'cloud-api',
    WHATSAPP_PHONE_NUMBER_ID: number.phoneNumberId,
    WHATSAPP_ACCESS_TOKEN: number.accessToken,
    WHATSAPP_APP_SECRET: APP_SECRET,
    WHATSAPP_VERIFY_TOKEN: VERIFY_TOKEN,
    WHATSAPP_GRAPH_URL: api.url,
  };
  const { config } = started({ env });
  const { spool, db, clock, ...fixture } = openTestSpool();
  if (!config.whatsapp) throw new Error('WhatsApp is not configured');
  const options = { db, spool, clock, link: () => undefined, agentsIn: () => [], logger: silentLogger };
  const { channel, routes } = openWhatsApp(config, config.whatsapp, options);
  await channel.start(async () => 'accepted');
  const app = fastify({ logger: false });
  if (routes) await app.register(routes);
  const url = `${await app.listen({ host: '127.0.0.1', port: 0 })}/webhooks/whatsapp`;
  await api.webhooks.subscribe({ url, appSecret: APP_SECRET }, VERIFY_TOKEN);
  onTestFinished(async () => {
    await channel.stop();
    app.server.closeAllConnections();
    await app.close();
    await api[Symbol.asyncDispose]();
    await fixture[Symbol.asyncDispose]();
  });
  for (const person of people) await api.say(person, { type: 'text', text: { body: 'hello' } });

  /** What the agent says, as the outbox has it said. */
  const say = async (id: string, phone: string): Promise<void> => {
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
    expect(await channel.send({ id, account: ATLAS, chat })).toEqual({ kind: 'sent' });
  };
  return { api, spool, say };
}

it('[WHA-02] the owner hears, once, of a message that WhatsApp took and could not deliver', async () => {
  const { api, spool, say } = await open();
  await say('msg_to_ann', ANN);
  await say('msg_to_owner', OWNER);
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
