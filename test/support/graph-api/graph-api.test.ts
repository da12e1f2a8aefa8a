import { createServer } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../../src/lib/manual-clock.ts';
import type { BusinessNumber, Person } from './business.ts';
import { GraphApi } from './graph-api.ts';
import { signatureOf } from './webhooks.ts';

const DAY_MS = 24 * 3_600_000;

let clock: ManualClock;
let api: GraphApi;
let number: BusinessNumber;
let person: Person;

beforeEach(async () => {
  clock = new ManualClock();
  api = await GraphApi.start({ clock, templates: ['hello'] });
  number = api.business.addNumber('15550199');
  person = api.business.addPerson({ phone: '15550100' });
  api.business.openWindow(person);
});
afterEach(() => api[Symbol.asyncDispose]());

const envelope = { messaging_product: 'whatsapp', recipient_type: 'individual', to: '15550100' };
const hello = { ...envelope, type: 'text', text: { body: 'hello' } };

async function post(body: unknown, { token = number.accessToken, version = 'v25.0', id = number.phoneNumberId } = {}) {
  const response = await fetch(`${api.url}/${version}/${id}/messages`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: await response.json() };
}
const refused = (code: number) => ({ body: { error: { code, error_data: { messaging_product: 'whatsapp' } } } });

describe('the local Graph API', () => {
  it.each<[string, object]>([
    ['a text', { type: 'text', text: { body: 'x'.repeat(4096), preview_url: true } }],
    ['a file of the web', { type: 'image', image: { link: 'https://example.org/x.png', caption: 'x' } }],
    ['a place', { type: 'location', location: { latitude: 1, longitude: 2, name: 'x' } }],
    ['a contact', { type: 'contacts', contacts: [{ name: { formatted_name: 'x' }, phones: [{ phone: '+1' }] }] }],
    ['a reaction', { type: 'reaction', reaction: { message_id: 'wamid.x', emoji: '👍' } }],
    ['buttons', interactive('button', { buttons: [{ type: 'reply', reply: { id: 'a', title: 'Yes' } }] })],
    ['a list', interactive('list', { button: 'Open', sections: [{ rows: [{ id: 'a', title: 'One' }] }] })],
    ['a template', { type: 'template', template: { name: 'hello', language: { code: 'en_US' } } }],
  ])('[WHA-02] takes %s', async (_what, content) => {
    expect(await post({ ...envelope, ...content })).toMatchObject({
      status: 200,
      body: { messages: [{ id: expect.stringMatching(/^wamid\./) }], contacts: [{ wa_id: '15550100' }] },
    });
    expect(api.business.taken).toMatchObject([{ to: person, request: content }]);
  });

  it.each<[string, object, number]>([
    ['a text that is too long', { ...hello, text: { body: 'x'.repeat(4097) } }, 100],
    ['a blank text', { ...hello, text: { body: ' \n' } }, 100],
    ['an unknown field', { ...hello, speaker: 'x' }, 100],
    ['an unknown field inside', { ...hello, text: { body: 'x', html: true } }, 100],
    ['another product', { ...hello, messaging_product: 'sms' }, 100],
    ['nobody', { ...hello, to: undefined }, 100],
    ['somebody unknown', { ...hello, to: '15559999' }, 131026],
    ['a file that was not uploaded', { ...envelope, type: 'image', image: { id: '1' } }, 100],
    ['a file from two places', { ...envelope, type: 'image', image: { id: '1', link: 'https://example.org' } }, 100],
    ['four buttons', { ...envelope, ...interactive('button', { buttons: [1, 2, 3, 4].map(() => ({})) }) }, 100],
    ['a button with a long title', { ...envelope, ...buttons(['a'], ['x'.repeat(21)]) }, 100],
    ['two buttons with one title', { ...envelope, ...buttons(['a', 'b'], ['Yes', 'Yes']) }, 100],
    ['two buttons with one id', { ...envelope, ...buttons(['a', 'a'], ['Yes', 'No']) }, 100],
    ['an id with a space at its end', { ...envelope, ...buttons(['a '], ['Yes']) }, 100],
    ['a long text above buttons', { ...envelope, ...buttons(['a'], ['Yes'], 'x'.repeat(1025)) }, 100],
    [
      'an unknown template',
      { ...envelope, type: 'template', template: { name: 'x', language: { code: 'en' } } },
      132001,
    ],
    ['callback data that are too long', { ...hello, biz_opaque_callback_data: 'x'.repeat(513) }, 100],
  ])('[WHA-02] refuses %s', async (_what, body, code) => {
    expect(await post(body)).toMatchObject(refused(code));
    expect(api.business.taken).toEqual([]);
  });

  it.each([
    ['another token', { token: 'guessed' }, 190],
    ['another number', { id: '10999' }, 100],
    ['an old version', { version: 'v19.0' }, 2635],
    ['no version', { version: 'latest' }, 2635],
  ])('[WHA-02] refuses %s', async (_what, changes, code) => {
    expect(await post(hello, changes)).toMatchObject(refused(code));
  });

  it('[WHA-02] lets nobody be written to 24 hours after their last message, but with a template', async () => {
    clock.advance(DAY_MS - 1);
    expect(await post(hello)).toMatchObject({ status: 200 });
    clock.advance(1);
    expect(await post(hello)).toMatchObject(refused(131047));
    const template = { name: 'hello', language: { code: 'en' } };
    expect(await post({ ...envelope, type: 'template', template })).toMatchObject({ status: 200 });
  });

  it('[WHA-02] takes 45 messages to a person at once, then one in 6 seconds', async () => {
    for (let count = 0; count < 45; count++) expect(await post(hello)).toMatchObject({ status: 200 });
    expect(await post(hello)).toMatchObject(refused(131056));
    clock.advance(6_000);
    expect(await post(hello)).toMatchObject({ status: 200 });
    expect(await post(hello)).toMatchObject(refused(131056));
  });

  it('[WHA-02] does what goes wrong in the order in which it was asked for', async () => {
    api.faults.fail(130429, { status: 429 });
    api.faults.answerWithPage(502);
    api.faults.loseAnswer({ accept: false });
    api.faults.loseAnswer();
    expect(await post(hello)).toMatchObject({ status: 429, ...refused(130429) });
    await expect(post(hello)).rejects.toThrow();
    await expect(post(hello)).rejects.toThrow();
    expect(api.business.taken).toHaveLength(0);
    await expect(post(hello)).rejects.toThrow();
    expect(api.business.taken).toHaveLength(1);
    expect(await post(hello)).toMatchObject({ status: 200 });
  });

  it('[WHA-02] signs its webhooks, keeps what was not taken, and delivers it once more', async () => {
    const seen: { body: string; signature: unknown }[] = [];
    let status = 500;
    const subscriber = createServer((request, response) => {
      const url = new URL(request.url ?? '/', 'http://127.0.0.1');
      if (request.method === 'GET') {
        response.end(url.searchParams.get('hub.challenge'));
        return;
      }
      let body = '';
      request.on('data', (chunk: Buffer) => {
        body += chunk.toString();
      });
      request.on('end', () => {
        seen.push({ body, signature: request.headers['x-hub-signature-256'] });
        response.writeHead(status).end();
      });
    });
    await new Promise<void>((resolve) => subscriber.listen(0, '127.0.0.1', resolve));
    const address = subscriber.address();
    const url = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}/hook`;
    await api.webhooks.subscribe({ url, appSecret: 'secret' }, 'token');
    expect((await api.say(person, { type: 'text', text: { body: 'ż' } }, { id: 'm1' })).status).toBe(500);
    status = 200;
    expect(await api.webhooks.redeliver()).toEqual([{ status: 200, body: '' }]);
    expect(await api.webhooks.redeliver()).toEqual([]);
    expect(seen).toHaveLength(2);
    for (const { body, signature } of seen) expect(signature).toBe(signatureOf(body, 'secret'));
    expect(seen[0]?.body).toBe(seen[1]?.body);
    subscriber.closeAllConnections();
    subscriber.close();
  });
});

function interactive(type: string, action: object, text = 'Choose'): object {
  return { type: 'interactive', interactive: { type, body: { text }, action } };
}

function buttons(ids: readonly string[], titles: readonly string[], text?: string): object {
  const replies = ids.map((id, index) => ({ type: 'reply', reply: { id, title: titles[index] } }));
  return interactive('button', { buttons: replies }, text);
}
