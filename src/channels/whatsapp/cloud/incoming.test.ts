import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { webhookOf } from '../../../../test/support/graph-api/webhooks.ts';
import type { ChatIn, Media } from '../../../domain/chat.ts';
import { ACCOUNT, type CloudChanges, type CloudFixture, departure, openCloud, text } from './cloud.fixture.ts';

const USER_ID = 'US.13491208655302741918';
const FILE = { id: '77', mime_type: 'image/jpeg', sha256: 'x' };

let cloud: CloudFixture;

async function open(changes: CloudChanges = {}): Promise<void> {
  cloud = await openCloud(changes);
  await cloud.start();
}
beforeEach(() => open());
afterEach(() => cloud[Symbol.asyncDispose]());

const say = async (content: object, saying: Parameters<typeof cloud.api.say>[2] = {}) => {
  const { status } = await cloud.api.say(cloud.person, content, saying);
  expect(status).toBe(200);
  return cloud.arrivals.at(-1);
};
const take = (...values: object[]) => cloud.channel.take(JSON.parse(webhookOf(...values)));
const value = (content: object, id: string) => cloud.api.messageValue(cloud.person, content, { id });
const media = (kind: Media['kind'], more: { name?: string } = {}): Pick<ChatIn, 'media'> => ({
  media: [{ kind, mime: 'image/jpeg', bytes: null, source: { id: '77' }, ...more }],
});

describe('what a person says', () => {
  it.each<[string, object, Partial<ChatIn>]>([
    ['a text', text('hello'), { text: 'hello' }],
    ['a button of a template', { type: 'button', button: { payload: 'p', text: 'Yes' } }, { text: 'Yes' }],
    ['a button', interactive('button_reply', { id: 'b1', title: 'Approve' }), { text: 'Approve' }],
    ['a button without an id', interactive('button_reply', { title: 'Approve' }), { text: 'Approve' }],
    ['a button of ours', interactive('button_reply', { id: '!approve 7', title: 'Approve' }), { text: '!approve 7' }],
    ['a line of a list', interactive('list_reply', { id: 'l1', title: 'Blue', description: 'x' }), { text: 'Blue' }],
    [
      'a form',
      interactive('nfm_reply', { name: 'flow', body: 'Sent', response_json: '{"a":1}' }),
      { text: '[form: {"a":1}]' },
    ],
    ['an image', { type: 'image', image: { ...FILE, caption: 'Look' } }, { text: 'Look', ...media('image') }],
    ['a video', { type: 'video', video: FILE }, { text: '', ...media('video') }],
    ['a voice message', { type: 'audio', audio: { ...FILE, voice: true } }, { text: '', ...media('audio') }],
    ['a voice message of older versions', { type: 'voice', voice: FILE }, media('audio')],
    [
      'a document',
      { type: 'document', document: { ...FILE, filename: 'plan.pdf' } },
      { text: '', ...media('document', { name: 'plan.pdf' }) },
    ],
    ['a sticker', { type: 'sticker', sticker: { ...FILE, animated: false } }, media('sticker')],
    [
      'a place',
      { type: 'location', location: { latitude: 52.2, longitude: 21, name: 'Cafe', address: 'Main St 1' } },
      { text: '[location: 52.2, 21, Cafe, Main St 1]' },
    ],
    [
      'contacts',
      { type: 'contacts', contacts: [{ name: { formatted_name: 'Bob' }, phones: [{ phone: '+15550111' }] }, {}] },
      { text: '[contact: Bob, +15550111]\n[contact: ]' },
    ],
    [
      'an order',
      {
        type: 'order',
        order: {
          text: 'Quickly!',
          product_items: [{ product_retailer_id: 'tea', quantity: '2', item_price: '3.5', currency: 'EUR' }],
        },
      },
      { text: '[order: 2 × tea at 3.5 EUR]\nQuickly!' },
    ],
    [
      'a text after an advertisement',
      { ...text('hello'), referral: { headline: 'Tea', source_url: 'https://example.org/ad', ctwa_clid: 'x' } },
      { text: 'hello\n[came from: Tea, https://example.org/ad]' },
    ],
    ['what the Cloud API does not pass on', { type: 'unsupported' }, { text: '[unsupported message: unsupported]' }],
    ['what nobody knows yet', { type: 'hologram', hologram: {} }, { text: '[unsupported message: hologram]' }],
    ['a type of the language', { type: '__proto__' }, { text: '[unsupported message: __proto__]' }],
    ['a location that cannot be read', { type: 'location', location: 5 }, { text: '[unsupported message: location]' }],
    ['half a surrogate pair', text('a\ud83d'), { text: 'a\ufffd' }],
  ])('[WHA-02] comes to the agent: %s', async (_what, content, expected) => {
    const arrival = await say(content, { id: 'wamid.IN' });
    expect(arrival).toMatchObject({
      id: 'wamid.IN',
      chat: {
        ...{ channel: 'whatsapp', account: ACCOUNT, peer: { kind: 'dm', id: '+15550100' } },
        sender: { id: '+15550100', name: 'Ada' },
        ...expected,
      },
    });
  });

  it.each([
    ['a number that changed', { type: 'system', system: { type: 'user_changed_number', wa_id: '1', body: 'x' } }],
    ['an id that changed', { type: 'system', system: { type: 'user_changed_user_id' } }],
    ['a reaction to what others have said', { type: 'reaction', reaction: { message_id: 'wamid.X', emoji: '👍' } }],
    ['an edit', { type: 'edit', edit: { message: {} } }],
    ['a message that was taken back', { type: 'revoke', revoke: {} }],
    ['a chat that was opened', { type: 'request_welcome' }],
  ])('[WHA-02] does not come to the agent when nobody said it: %s', async (_what, content) => {
    await say(content);
    expect(cloud.arrivals).toEqual([]);
  });

  it.each([
    ['1767225600', 1_767_225_600_000],
    ['soon', undefined],
    [null, undefined],
  ])('[WHA-02] says when it was written, where WhatsApp does: %s', async (timestamp, at) => {
    expect((await say({ ...text('hello'), timestamp }))?.chat.at).toBe(at);
    expect(cloud.store.lastInbound(ACCOUNT, '+15550100')?.at).toBe(cloud.clock.now());
  });

  it('[WHA-02] names the message that it answers', async () => {
    expect(await say(text('yes'), { answers: 'wamid.OUT' })).toMatchObject({ chat: { replyTo: 'wamid.OUT' } });
  });

  it.each(['x'.repeat(201), 'wamid.ż', 'wamid_LOOKS0LIKE0OURS'])(
    '[WHA-02] is known by an id of ours when its own is %s',
    async (id) => {
      const arrival = await say(text('hello'), { id });
      expect(arrival?.id).toMatch(/^wamid_[0-9A-Z]{26}$/);
      await say(text('hello'), { id });
      expect(cloud.arrivals).toHaveLength(1);
    },
  );

  it('[WHA-02] is logged with the errors that came with it, and nothing of what was said', async () => {
    await say({ ...text('my secret'), errors: [{ code: 131051, title: 'Unsupported', href: 'x' }] });
    expect(cloud.log.lines.join('\n')).toContain('131051');
    expect(cloud.log.lines.join('\n')).not.toContain('my secret');
  });
});

describe('who says it', () => {
  it('[WHA-02] is known by the business-scoped id, with the number as an alias', async () => {
    await cloud[Symbol.asyncDispose]();
    await open({ userId: USER_ID });
    const arrival = await say(text('hello'));
    expect(arrival?.chat).toMatchObject({
      peer: { kind: 'dm', id: USER_ID },
      sender: { id: USER_ID, name: 'Ada', aliases: ['+15550100'] },
    });
  });

  it('[WHA-02] may hide the number', async () => {
    await cloud[Symbol.asyncDispose]();
    await open({ userId: USER_ID, phone: null });
    expect((await say(text('hello')))?.chat.sender).toEqual({ id: USER_ID, name: 'Ada' });
  });

  it('[WHA-02] is read from the contact where the message does not say it', async () => {
    const [message] = [{ id: 'm1', type: 'text', text: { body: 'hello' } }];
    const metadata = { phone_number_id: cloud.number.phoneNumberId };
    await take({ metadata, contacts: [{ user_id: USER_ID, wa_id: '15550100' }], messages: [message] });
    expect(cloud.arrivals[0]?.chat.sender).toEqual({ id: USER_ID, aliases: ['+15550100'] });
  });

  it('[WHA-02] is each in a batch of several people', async () => {
    const metadata = { phone_number_id: cloud.number.phoneNumberId };
    const contacts = [
      { wa_id: '15550101', profile: { name: 'Bob' } },
      { user_id: USER_ID, profile: { name: 'Eve' } },
    ];
    const messages = [
      { id: 'm1', from_user_id: USER_ID, ...text('I am Eve') },
      { id: 'm2', from: '15550101', ...text('I am Bob') },
      { id: 'm3', from: '15550102', ...text('I am nobody') },
    ];
    await take({ metadata, contacts, messages });
    expect(cloud.arrivals.map(({ chat }) => [chat.sender.id, chat.sender.name])).toEqual([
      [USER_ID, 'Eve'],
      ['+15550101', 'Bob'],
      ['+15550102', undefined],
    ]);
  });

  it.each([
    ['the number', { from: '15550102' }, '+15550102'],
    ['the user id', { from: '15550101', from_user_id: 'US.178' }, 'US.178'],
  ])('[WHA-02] [SEC-01] is not mixed up with a contact of which %s is another', async (_what, from, id) => {
    const metadata = { phone_number_id: cloud.number.phoneNumberId };
    const contacts = [{ wa_id: '15550101', user_id: USER_ID, profile: { name: 'Bob' } }];
    await take({ metadata, contacts, messages: [{ id: 'm1', ...from, ...text('hello') }] });
    expect(cloud.arrivals[0]?.chat.sender).not.toHaveProperty('name');
    expect(cloud.arrivals[0]?.chat.sender.id).toBe(id);
    expect(cloud.store.holder(ACCOUNT, USER_ID)).toBeNull();
  });

  it.each(['15550166', '+15550166', 'no id'])(
    '[SEC-01] does not have a user id that could be taken for a number: %s',
    async (from_user_id) => {
      expect((await say({ ...text('hello'), from_user_id }))?.chat.sender).toEqual({ id: '+15550100', name: 'Ada' });
    },
  );

  it('[WHA-02] says it to a number, which is known from then on', async () => {
    expect(cloud.channel.numberOf(ACCOUNT)).toBeNull();
    await say(text('hello'));
    expect(cloud.channel.numberOf(ACCOUNT)).toBe('+15550199');
  });

  it('[WHA-03] an own echo is not answered', async () => {
    const metadata = { phone_number_id: cloud.number.phoneNumberId, display_phone_number: '+1 555-0199' };
    await take({ metadata, contacts: [], messages: [{ id: 'm1', from: '15550199', ...text('our own') }] });
    expect(cloud.arrivals).toEqual([]);
  });
});

describe('a group', () => {
  const group = { group: 'Y2FwaV9ncm91cDoxNzA1' };

  it('[WHA-02] is the chat in which an answer belongs', async () => {
    const arrival = await say(text('hello all'), { group });
    expect(arrival?.chat).toMatchObject({
      peer: { kind: 'group', id: group.group },
      sender: { id: '+15550100' },
      addressed: false,
    });
  });

  it.each([
    ['by a mention', text('@15550199 what do you think?'), undefined, true],
    ['not by the mention of another number', text('@155501990 what?'), undefined, false],
    ['by an answer to what it said', text('yes'), 'sent', true],
  ])('[WHA-02] speaks to the account %s', async (_how, content, answers, expected) => {
    cloud.api.business.addGroup(group.group);
    cloud.api.business.openWindow(group);
    await cloud.channel.send(departure('d1', { peer: { kind: 'group', id: group.group }, text: 'Hi' }));
    const sent = cloud.api.business.taken[0]?.id ?? '';
    const answered = answers === undefined ? {} : { context: { id: sent } };
    const said = JSON.parse(JSON.stringify(content).replace('"sent"', JSON.stringify(sent)));
    expect((await say({ ...said, ...answered }, { group }))?.chat.addressed).toBe(expected);
  });

  it('[WHA-02] that cannot be answered is left out, rather than answered in private', async () => {
    await say(text('hello'), { group: { group: 'not an id' } });
    expect(cloud.arrivals).toEqual([]);
  });
});

describe('a reaction to what the account has said', () => {
  const react = (message: string, emoji?: string, id = 'wamid.R') =>
    say({ type: 'reaction', reaction: { message_id: message, ...(emoji !== undefined && { emoji }) } }, { id });

  /** Three messages of WhatsApp. */
  async function sayMuch(): Promise<readonly string[]> {
    await say(text('hello'));
    await cloud.channel.send(departure('d1', { text: 'word '.repeat(2_000) }));
    return cloud.api.business.taken.map(({ id }) => id);
  }

  it('[WHA-02] [TOL-03] names it by our own id, whichever of its parts it is put to', async () => {
    const parts = await sayMuch();
    expect(parts).toHaveLength(3);
    for (const [index, part] of parts.entries()) {
      const arrival = await react(part, '👍🏽', `wamid.R${index}`);
      expect(arrival?.chat).toMatchObject({ reaction: { emoji: '👍🏽', to: 'd1' }, text: '', sender: { name: 'Ada' } });
      expect(arrival?.chat).not.toHaveProperty('replyTo');
    }
    expect(cloud.arrivals).toHaveLength(4);
  });

  it('[WHA-02] [TOL-03] is nothing when it is taken back, and counts once', async () => {
    const [part = ''] = await sayMuch();
    await react(part);
    await react(part, '');
    expect(cloud.arrivals).toHaveLength(1);
    await react(part, '👍');
    await react(part, '👍');
    expect(cloud.arrivals.map(({ id }) => id)).toEqual([expect.any(String), 'wamid.R']);
  });

  it('[WHA-02] is not taken for words: neither the 24 hours nor what is marked as read follow it', async () => {
    const [part = ''] = await sayMuch();
    const before = cloud.store.lastInbound(ACCOUNT, '+15550100');
    cloud.clock.advance(60_000);
    await react(part, '👍');
    expect(cloud.store.lastInbound(ACCOUNT, '+15550100')).toEqual(before);
  });
});

describe('a webhook with several messages', () => {
  it('[WHA-02] loses none but the one that is malformed', async () => {
    const bad = [
      null,
      5,
      'text',
      {},
      { id: 5 },
      { id: 'x' },
      { id: 'm9', type: 'text', text: { body: 'from nobody' } },
    ];
    const metadata = { phone_number_id: cloud.number.phoneNumberId };
    const good = ['m1', 'm2'].map((id) => ({ id, from: '15550100', ...text(id) }));
    const messages = [good[0], ...bad, good[1]];
    expect(await take({ metadata, messages }, { messages }, { metadata, messages: 'none' })).toMatchObject({
      accepted: 2,
      failed: 0,
    });
    expect(cloud.arrivals.map(({ id }) => id)).toEqual(['m1', 'm2']);
    expect(cloud.log.lines.filter((line) => line.includes('malformed')).length).toBeGreaterThanOrEqual(6);
    expect(cloud.log.lines.filter((line) => line.includes('names no sender'))).toHaveLength(1);
  });

  it('[WHA-03] is to come again when one could not be stored, and the order of each chat stays', async () => {
    const ben = cloud.api.business.addPerson({ phone: '15550101' });
    let full = true;
    const stored: string[] = [];
    await cloud.start(async ({ id }) => {
      if (full && id === 'a2') throw new Error('no space');
      if (stored.includes(id)) return 'duplicate';
      stored.push(id);
      return 'accepted';
    });
    const values = [value(text('1'), 'a1'), value(text('2'), 'a2'), value(text('3'), 'a3')];
    const all = [...values, cloud.api.messageValue(ben, text('1'), { id: 'b1' })];
    const merged = { ...all[0], contacts: [], messages: all.flatMap((one) => Object.values(one).at(-1)) };
    expect(await take(merged)).toEqual({ accepted: 2, duplicate: 0, refused: 0, failed: 2 });
    expect(await take(values[1] ?? {}, values[2] ?? {})).toMatchObject({ accepted: 0, failed: 2 });
    full = false;
    expect(await take(merged)).toEqual({ accepted: 2, duplicate: 2, refused: 0, failed: 0 });
    expect(stored).toEqual(['a1', 'b1', 'a2', 'a3']);
  });

  it('[SEC-01] is to come again when it could not be kept who has which ids, whatever is said', async () => {
    const both = { metadata: { phone_number_id: cloud.number.phoneNumberId }, contacts: [] };
    const from = { from: '15550177', from_user_id: 'US.177' };
    await cloud.start(async () => 'refused');
    cloud.store.failure = new Error('no space');
    const messages = [
      { id: 'm1', ...from, ...text('hello') },
      { id: 'm2', ...from, type: 'edit', edit: {} },
    ];
    expect(await take({ ...both, messages })).toMatchObject({ refused: 0, failed: 2 });
    cloud.store.failure = null;
    expect(await take({ ...both, messages })).toMatchObject({ refused: 1, failed: 0 });
    expect(cloud.store.held(ACCOUNT, 'US.177')).toEqual(['US.177', '+15550177']);
  });

  it('[WHA-02] for a number that is not ours is told in the log, and not asked for again', async () => {
    const metadata = { phone_number_id: 'another' };
    expect(await take({ metadata, messages: [{ id: 'm1', from: '15550100', ...text('hello') }] })).toMatchObject({
      accepted: 0,
      failed: 0,
    });
    expect(cloud.log.lines.join()).toContain('none of the accounts');
  });

  it('[WHA-02] tells the errors of the account in the log', async () => {
    const errors = [{ code: 130429, title: 'Rate limit hit', error_data: { details: 'Too many.' } }];
    await take({ metadata: { phone_number_id: cloud.number.phoneNumberId }, errors });
    expect(cloud.log.lines.join()).toContain('this number sends faster than it may (130429): Too many.');
  });
});

function interactive(kind: string, content: object): object {
  return { type: 'interactive', interactive: { type: kind, [kind]: content } };
}
