import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GraphError } from '../../../../test/support/graph-api/errors.ts';
import { ACCOUNT, type CloudFixture, departure, openCloud, text } from './cloud.fixture.ts';

let cloud: CloudFixture;

beforeEach(async () => {
  cloud = await openCloud();
  await cloud.start();
  cloud.api.business.openWindow(cloud.person);
});
afterEach(() => cloud[Symbol.asyncDispose]());

async function sent(id = 'd1') {
  await cloud.channel.send(departure(id, { text: 'hello' }));
  const message = cloud.api.business.taken.at(-1);
  if (!message) throw new Error('nothing was taken');
  return message;
}

describe('what WhatsApp tells of a message that it took', () => {
  it('[WHA-02] is told, by the id with which it was sent', async () => {
    const message = await sent();
    for (const status of ['sent', 'delivered', 'read'] as const) await cloud.api.tell(message, status);
    const told = { account: ACCOUNT, departure: 'd1', message: message.id, reason: null };
    expect(cloud.statuses).toEqual([
      { ...told, status: 'sent' },
      { ...told, status: 'delivered' },
      { ...told, status: 'read' },
    ]);
  });

  it.each([
    [131047, 'the person has not written for 24 hours (131047): Why.'],
    [131056, 'this number writes too fast to the same person (131056): Why.'],
    [130429, 'this number sends faster than it may (130429): Why.'],
  ])('[WHA-02] with %i is told as failed, and the message can be sent again', async (code, reason) => {
    const message = await sent();
    await cloud.api.tell(message, 'failed', new GraphError(code, 'Why.'));
    expect(cloud.statuses).toEqual([
      { account: ACCOUNT, departure: 'd1', message: message.id, status: 'failed', reason },
    ]);
    expect(cloud.log.lines.filter((line) => line.includes('could not deliver'))).toHaveLength(1);
    await sent();
    expect(cloud.api.business.taken).toHaveLength(2);
  });

  it('[WHA-02] does not make it be sent again when one member of a group did not get it', async () => {
    const group = cloud.api.business.addGroup('Y2FwaV9ncm91cA');
    cloud.api.business.openWindow(group);
    const chat = { peer: { kind: 'group', id: group.group }, text: 'hello' } as const;
    await cloud.channel.send(departure('d1', chat));
    const [message] = cloud.api.business.taken;
    if (message) await cloud.api.tell(message, 'failed', new GraphError(131026));
    await cloud.channel.send(departure('d1', chat));
    expect(cloud.statuses).toMatchObject([{ status: 'failed' }]);
    expect(cloud.api.business.taken).toHaveLength(1);
  });

  it('[WHA-02] is passed over when it was sent by somebody else, or says nothing new', async () => {
    const message = await sent();
    const other = {
      ...message,
      id: 'wamid.OTHER',
      request: { ...message.request, biz_opaque_callback_data: 'theirs' },
    };
    await cloud.api.tell(other, 'failed', new GraphError(131026));
    await cloud.api.webhooks.deliver(cloud.api.statusValue(message, 'warning'));
    expect(cloud.statuses).toEqual([]);
  });

  it('[WHA-02] of a first try that was in doubt does not touch the second', async () => {
    const message = await sent();
    await cloud.api.tell({ ...message, id: 'wamid.FIRST' }, 'failed', new GraphError(131026));
    await sent();
    expect(cloud.api.business.taken).toHaveLength(1);
  });

  it('[WHA-02] comes again when it could not be kept', async () => {
    const message = await sent();
    cloud.store.failure = new Error('no space');
    expect((await cloud.api.tell(message, 'failed', new GraphError(131026))).status).toBe(500);
    cloud.store.failure = null;
    expect((await cloud.api.webhooks.redeliver()).map(({ status }) => status)).toEqual([200]);
    // Told twice: it was told before it could not be kept.
    expect(cloud.statuses.map(({ status }) => status)).toEqual(['failed', 'failed']);
    await sent();
    expect(cloud.api.business.taken).toHaveLength(2);
  });
});

describe('typing', () => {
  const peer = { kind: 'dm', id: '+15550100' } as const;
  const shown = async () => {
    await cloud.channel.stop();
    return cloud.api.business.read;
  };

  it('[WHA-02] is shown at the last message of the chat, which is read with it', async () => {
    for (const id of ['wamid.1', 'wamid.2']) await cloud.api.say(cloud.person, text('hello'), { id });
    cloud.channel.typing(ACCOUNT, peer, true);
    cloud.channel.typing(ACCOUNT, peer, false);
    expect(await shown()).toEqual([
      {
        ...{ messaging_product: 'whatsapp', status: 'read', message_id: 'wamid.2' },
        typing_indicator: { type: 'text' },
      },
    ]);
  });

  it('[WHA-02] does nothing where nobody has written, or no account is', async () => {
    cloud.channel.typing(ACCOUNT, peer, true);
    cloud.channel.typing('nobody', peer, true);
    expect(await shown()).toEqual([]);
  });

  it('[WHA-02] that does not work out is told to whoever looks closely, and to nobody else', async () => {
    await cloud.api.say(cloud.person, text('hello'));
    await cloud.api[Symbol.asyncDispose]();
    cloud.channel.typing(ACCOUNT, peer, true);
    await cloud.channel.stop();
    expect(cloud.log.lines).toEqual([expect.stringContaining('"level":"debug"')]);
  });
});
