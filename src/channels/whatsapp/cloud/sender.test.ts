import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { GraphError } from '../../../../test/support/graph-api/errors.ts';
import { temporaryFolder } from '../../../../test/support/spool.ts';
import { bodiesOf, type CloudChanges, type CloudFixture, departure, ended, openCloud, text } from './cloud.fixture.ts';
import { UNKNOWN_MS } from './sender.ts';

const USER_ID = 'US.13491208655302741918';
const MB = 1024 * 1024;

let cloud: CloudFixture;

async function open(changes: CloudChanges = {}): Promise<void> {
  cloud = await openCloud(changes);
  await cloud.start();
  cloud.api.business.openWindow(cloud.person);
}
async function reopen(changes: CloudChanges): Promise<void> {
  await cloud[Symbol.asyncDispose]();
  await open(changes);
}
beforeEach(() => open());
afterEach(() => cloud[Symbol.asyncDispose]());

const send = (id: string, body = 'hello') => ended(cloud.channel.send(departure(id, { text: body })));
const requests = () => cloud.api.business.taken.map(({ request }) => request);
const bodies = () => bodiesOf(cloud.api.business.taken);
const later = { kind: 'later' };
const sent = { kind: 'sent' };

describe('what is sent', () => {
  it('[WHA-02] is a text, under a name of ours', async () => {
    expect(await send('d1')).toEqual(sent);
    expect(requests()).toEqual([
      {
        ...{ messaging_product: 'whatsapp', recipient_type: 'individual', to: '15550100' },
        ...{ type: 'text', text: { body: 'hello' }, biz_opaque_callback_data: 'd1:0' },
      },
    ]);
  });

  it('[WHA-02] is in several messages when it is long, the first of which quotes', async () => {
    const chat = { text: 'word '.repeat(1_600), replyTo: 'wamid.Q' };
    expect(await cloud.channel.send(departure('d1', chat))).toEqual(sent);
    expect(requests().map(({ context }) => context)).toEqual([{ message_id: 'wamid.Q' }, undefined]);
  });

  it('[WHA-02] is in one message when a program is to read it, or not sent at all', async () => {
    expect(await cloud.channel.send(departure('d1', { text: 'x'.repeat(4096), verbatim: true }))).toEqual(sent);
    const tooLong = departure('d2', { text: 'x'.repeat(4097), verbatim: true });
    expect(await cloud.channel.send(tooLong)).toMatchObject({
      kind: 'refused',
      reason: expect.stringContaining('4096'),
    });
    expect(requests()).toHaveLength(1);
  });

  it('[WHA-02] quotes nothing when the id is only a stand-in', async () => {
    await cloud.channel.send(departure('d1', { text: 'yes', replyTo: 'wamid_0123456789ABCDEFGHJKMNPQRS' }));
    expect(requests()[0]).not.toHaveProperty('context');
  });

  const choices = [
    { id: '!approve 7', label: 'Approve' },
    { id: '!reject 7', label: 'Reject' },
  ];
  const buttons = [
    { type: 'reply', reply: { id: '!approve 7', title: 'Approve' } },
    { type: 'reply', reply: { id: '!reject 7', title: 'Reject' } },
  ];

  it('[WHA-02] [TOL-03] has buttons under it when there is something to choose', async () => {
    const chat = { text: 'x'.repeat(1024), choices, replyTo: 'wamid.Q' };
    expect(await cloud.channel.send(departure('d1', chat))).toEqual(sent);
    expect(bodies()).toEqual([{ type: 'button', body: { text: chat.text }, action: { buttons } }]);
    expect(requests()[0]?.context).toEqual({ message_id: 'wamid.Q' });
  });

  it('[WHA-02] [TOL-03] has the buttons under its last part when it is too long to stand above them', async () => {
    const notice = `${'word '.repeat(300)}\n!approve 7 or !reject 7 [why], within 60 minutes.`;
    expect(await cloud.channel.send(departure('d1', { text: notice, choices }))).toEqual(sent);
    expect(requests().map(({ type }) => type)).toEqual(['text', 'interactive']);
    const [first, last] = z
      .tuple([z.object({ body: z.string() }), z.object({ body: z.object({ text: z.string() }), action: z.unknown() })])
      .parse(bodies());
    expect(first.body + last.body.text).toBe(notice);
    expect(last.body.text).toMatch(/!approve 7 or !reject 7 \[why\], within 60 minutes\.$/);
    expect(last.action).toEqual({ buttons });
  });

  it('[WHA-02] is a reaction', async () => {
    await cloud.channel.send(departure('d1', { text: '', replyTo: 'wamid.Q', reaction: '👍' }));
    expect(bodies()).toEqual([{ message_id: 'wamid.Q', emoji: '👍' }]);
  });

  it('[WHA-02] goes to the group', async () => {
    const group = cloud.api.business.addGroup('Y2FwaV9ncm91cA');
    cloud.api.business.openWindow(group);
    await cloud.channel.send(departure('d1', { peer: { kind: 'group', id: group.group }, text: 'hello all' }));
    expect(requests()).toMatchObject([{ recipient_type: 'group', to: group.group }]);
  });

  it('[WHA-02] goes to the number of a person with a user id, where it is known, else to the id', async () => {
    await reopen({ userId: USER_ID });
    await cloud.channel.send(departure('d1', { text: 'before' }, USER_ID));
    await cloud.api.say(cloud.person, text('hello'));
    await cloud.channel.send(departure('d2', { text: 'after' }, USER_ID));
    expect(requests().map(({ to, recipient }) => [to, recipient])).toEqual([
      [undefined, USER_ID],
      ['15550100', undefined],
    ]);
  });

  it.each([
    ['nothing', { text: '' }, 'nothing in it'],
    ['a reaction to nothing', { text: '', reaction: '👍' }, 'needs the message'],
    ['a file that is not there', { text: 'x', file: { path: '/nowhere', mime: 'image/png' } }, 'nowhere is not there'],
  ])('[WHA-02] is refused in words when it is %s', async (_what, chat, reason) => {
    const outcome = await cloud.channel.send(departure('d1', chat));
    expect(outcome).toMatchObject({ kind: 'refused', reason: expect.stringContaining(reason) });
  });

  it('[WHA-02] is refused for an account that is not there', async () => {
    const outcome = await cloud.channel.send({ ...departure('d1', { text: 'x' }), account: 'nobody' });
    expect(outcome).toMatchObject({ kind: 'refused' });
  });
});

describe('a file that is sent', () => {
  const folder = temporaryFolder();
  afterAll(() => folder.remove());
  const file = (mime: string, bytes = 10, name = 'plan.bin') => {
    const path = join(folder.path, name);
    writeFileSync(path, Buffer.alloc(bytes, 1));
    return { path, mime, name };
  };

  it.each([
    ['image/png', 10, { type: 'image', image: { id: '1000000', caption: 'Look' } }],
    ['application/pdf', 6 * MB, { type: 'document', document: { caption: 'Look', filename: 'plan.bin' } }],
    ['video/mp4', 10, { type: 'video', video: { caption: 'Look' } }],
    ['text/plain', 10, { type: 'document', document: { caption: 'Look' } }],
  ])(
    '[WHA-02] of the type %s with %i bytes goes as what WhatsApp shows, with the text',
    async (mime, bytes, expected) => {
      expect(await cloud.channel.send(departure('d1', { text: 'Look', file: file(mime, bytes) }))).toEqual(sent);
      expect(requests()).toMatchObject([expected]);
      expect(cloud.api.business.media.find('1000000')).toMatchObject({ mime, name: 'plan.bin' });
      expect(cloud.api.business.media.find('1000000').bytes).toHaveLength(bytes);
    },
  );

  it.each([
    ['a voice', 'audio/ogg; codecs=opus', 'Listen', ['audio', 'text']],
    ['a picture with a long text', 'image/png', 'x'.repeat(5_000), ['image', 'text', 'text']],
    ['a picture without a text', 'image/png', '', ['image']],
  ])('[WHA-02] has its text after it where it cannot be under it: %s', async (_what, mime, body, types) => {
    expect(await cloud.channel.send(departure('d1', { text: body, file: file(mime) }))).toEqual(sent);
    expect(requests().map(({ type }) => type)).toEqual(types);
  });

  it.each([
    ['image/png', 0, 'does not take this file'],
    ['image/png', 6 * MB, 'plan.bin cannot be sent'],
    ['application/zip', 1, 'plan.bin cannot be sent'],
  ])('[WHA-02] of the type %s with %i bytes, which WhatsApp does not take, is refused', async (mime, bytes, reason) => {
    const outcome = await cloud.channel.send(departure('d1', { text: '', file: file(mime, bytes) }));
    expect(outcome).toMatchObject({ kind: 'refused', reason: expect.stringContaining(reason) });
  });
});

describe('a message whose answer was lost', () => {
  const tellOf = (index: number, error?: GraphError) => {
    const message = cloud.api.business.taken[index];
    if (!message) throw new Error('nothing was taken');
    return cloud.api.tell(message, error ? 'failed' : 'sent', error);
  };

  it('[WHA-04] is told as unknown, and said once when a webhook tells that it arrived', async () => {
    cloud.api.faults.loseAnswer();
    expect(await send('d1')).toMatchObject({
      code: 'CHANNEL_SEND_FAILED',
      message: expect.stringContaining('unknown whether WhatsApp has the message'),
    });
    expect(await send('d1')).toEqual({ ...later, reason: expect.any(String), delayMs: UNKNOWN_MS });
    await tellOf(0);
    expect(await send('d1')).toEqual(sent);
    expect(bodies()).toEqual([{ body: 'hello' }]);
  });

  it('[WHA-04] waits for the webhook after a restart, too', async () => {
    cloud.api.faults.loseAnswer();
    await send('d1');
    await cloud.channel.stop();
    const another = cloud.another();
    await another.start(async () => 'accepted');
    expect(await another.send(departure('d1', { text: 'hello' }))).toMatchObject(later);
    expect(cloud.api.business.taken).toHaveLength(1);
    await another.stop();
  });

  it('[WHA-04] is sent again when no webhook comes', async () => {
    cloud.api.faults.loseAnswer({ accept: false });
    await send('d1');
    cloud.clock.advance(UNKNOWN_MS - 1);
    expect(await send('d1')).toMatchObject({ ...later, delayMs: 1 });
    cloud.clock.advance(1);
    expect(await send('d1')).toEqual(sent);
    expect(bodies()).toEqual([{ body: 'hello' }]);
  });

  it('[WHA-04] is sent again at once when a webhook tells that it failed', async () => {
    cloud.api.faults.loseAnswer();
    await send('d1');
    await tellOf(0, new GraphError(131026));
    expect(await send('d1')).toEqual(sent);
  });

  it('[WHA-04] of several goes on where it was', async () => {
    const long = 'word '.repeat(2_000);
    cloud.api.faults.pass();
    cloud.api.faults.loseAnswer();
    expect(await send('d1', long)).toMatchObject({ code: 'CHANNEL_SEND_FAILED' });
    await tellOf(1);
    for (let again = 0; again < 2; again++) expect(await send('d1', long)).toEqual(sent);
    expect(requests().map((request) => request.biz_opaque_callback_data)).toEqual(['d1:0', 'd1:1', 'd1:2']);
    expect(
      bodies()
        .map((body) => z.object({ body: z.string() }).parse(body).body)
        .join(''),
    ).toBe(long);
  });

  it('[WHA-04] is asked for once when it is sent twice at once, and both are told how it ended', async () => {
    expect(await Promise.all([send('d1'), send('d1')])).toEqual([sent, sent]);
    expect(cloud.api.business.asked).toBe(1);
  });

  it('[WHA-04] that is not lost yet is waited for by a stop', async () => {
    const release = cloud.api.faults.hold();
    const order: string[] = [];
    const sending = send('d1').then(() => order.push('sent'));
    const stopping = cloud.channel.stop().then(() => order.push('stopped'));
    release();
    await Promise.all([sending, stopping]);
    expect(order.toSorted()).toEqual(['sent', 'stopped']);
    expect(cloud.store.piece('d1:0')?.message).toBe(cloud.api.business.taken[0]?.id);
  });

  it.each([502, 504])('[WHA-04] is one that a proxy answers with %i', async (status) => {
    cloud.api.faults.answerWithPage(status);
    expect(await send('d1')).toMatchObject({
      code: 'CHANNEL_SEND_FAILED',
      message: expect.stringContaining('unknown'),
    });
  });

  it('[WHA-04] is none that never went out: it waits, and no attempt is lost', async () => {
    await cloud.api[Symbol.asyncDispose]();
    const outcome = await send('d1');
    expect(outcome).toMatchObject({ ...later, reason: expect.stringContaining('cannot be reached') });
    expect(cloud.store.piece('d1:0')).toBeNull();
  });

  it('[WHA-04] is not sent at all when it cannot be remembered that it was', async () => {
    cloud.store.failure = new Error('no space');
    await expect(cloud.channel.send(departure('d1', { text: 'hello' }))).rejects.toThrow('no space');
    expect(cloud.api.business.asked).toBe(0);
  });
});
