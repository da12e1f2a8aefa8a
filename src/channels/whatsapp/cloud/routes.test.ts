import fc from 'fast-check';
import fastify, { type FastifyInstance } from 'fastify';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { signatureOf, webhookOf } from '../../../../test/support/graph-api/webhooks.ts';
import { APP_SECRET, type CloudFixture, openCloud, text, VERIFY_TOKEN } from './cloud.fixture.ts';
import { cloudRoutes } from './routes.ts';

const PATH = '/webhooks/whatsapp';

let cloud: CloudFixture;
let app: FastifyInstance;

beforeEach(async () => {
  cloud = await openCloud();
  await cloud.start();
  app = fastify({ logger: false });
  await app.register(cloudRoutes(cloud.channel));
});
afterEach(async () => {
  await app.close();
  await cloud[Symbol.asyncDispose]();
});

const post = (body: string | Buffer, headers: Record<string, string> = {}) =>
  app.inject({
    method: 'POST',
    url: PATH,
    payload: body,
    headers: { 'content-type': 'application/json', 'x-hub-signature-256': signatureOf(body, APP_SECRET), ...headers },
  });
const hello = () => webhookOf(cloud.api.messageValue(cloud.person, text('hello'), { id: 'm1' }));
const taken = () => cloud.arrivals.map(({ chat }) => chat.text);

describe('the verification', () => {
  const verify = (query: Record<string, string | string[]>) => app.inject({ url: PATH, query });
  const asked = { 'hub.mode': 'subscribe', 'hub.verify_token': VERIFY_TOKEN, 'hub.challenge': '1158201444' };

  it('[WHA-02] answers the challenge, as plain text', async () => {
    const answer = await verify(asked);
    expect([answer.statusCode, answer.body]).toEqual([200, '1158201444']);
    expect(answer.headers['content-type']).toContain('text/plain');
    expect(answer.headers['x-content-type-options']).toBe('nosniff');
  });

  it.each([
    ['another token', { 'hub.verify_token': 'token-to-verifz' }],
    ['a shorter token', { 'hub.verify_token': 'token' }],
    ['an empty token', { 'hub.verify_token': '' }],
    ['two tokens', { 'hub.verify_token': [VERIFY_TOKEN, VERIFY_TOKEN] }],
    ['another mode', { 'hub.mode': 'unsubscribe' }],
    ['an empty challenge', { 'hub.challenge': '' }],
    ['a challenge of several lines', { 'hub.challenge': '1\r\nx: y' }],
  ])('[WHA-02] [SEC-05] refuses %s', async (_what, change) => {
    const answer = await verify({ ...asked, ...change });
    expect([answer.statusCode, answer.body]).toEqual([403, '']);
  });

  it('[WHA-02] refuses a visit without a question', async () => {
    expect((await app.inject({ url: PATH })).statusCode).toBe(403);
  });
});

describe('a webhook', () => {
  it('[WHA-02] that is signed is taken, whatever it says that it is', async () => {
    expect((await post(hello())).statusCode).toBe(200);
    expect(taken()).toEqual(['hello']);
    expect((await post(hello(), { 'content-type': 'text/plain; charset=x' })).statusCode).toBe(200);
    expect(taken()).toEqual(['hello']);
  });

  it('[WHA-02] is signed over its bytes, not over what they mean', async () => {
    const spaced = JSON.stringify(JSON.parse(hello()), null, 2);
    expect((await post(spaced)).statusCode).toBe(200);
    expect((await post(spaced, { 'x-hub-signature-256': signatureOf(hello(), APP_SECRET) })).statusCode).toBe(401);
  });

  it.each([
    ['no signature', { 'x-hub-signature-256': '' }],
    ['the older SHA-1 alone', { 'x-hub-signature-256': '', 'x-hub-signature': 'sha1=00' }],
    ['another algorithm', { 'x-hub-signature-256': `sha1=${'0'.repeat(40)}` }],
    ['a signature that is too short', { 'x-hub-signature-256': 'sha256=ab' }],
    ['a signature that is too long', { 'x-hub-signature-256': `sha256=${'0'.repeat(66)}` }],
    ['a signature with another secret', { 'x-hub-signature-256': signatureOf('{}', 'guessed') }],
  ])('[WHA-02] [SEC-05] with %s is refused unread', async (_what, headers) => {
    const answer = await post(hello(), headers);
    expect([answer.statusCode, answer.body]).toEqual([401, '']);
    expect(taken()).toEqual([]);
  });

  it('[WHA-02] [SEC-05] of any bytes with any signature never gets through, and breaks nothing', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
          fc.json(),
          fc.constant(hello()),
        ),
        fc.stringMatching(/^(?:sha256=)?[0-9a-f]{0,70}$/),
        async (body, signature) => {
          expect((await post(body, { 'x-hub-signature-256': signature })).statusCode).toBe(401);
        },
      ),
      { numRuns: 500 },
    );
    expect(taken()).toEqual([]);
  });

  it('[WHA-02] [SEC-05] of any JSON that is signed breaks nothing', async () => {
    await fc.assert(
      fc.asyncProperty(fc.json(), async (body) => {
        expect((await post(body)).statusCode).toBe(200);
        expect((await post(webhookWith({ messages: [JSON.parse(body)] }))).statusCode).toBe(200);
      }),
      { numRuns: 300 },
    );
    expect(taken()).toEqual([]);
  });

  it.each([
    ['is no JSON', '{'],
    ['is empty', ''],
  ])('[WHA-02] that is signed and %s is refused', async (_what, body) => {
    expect((await post(body)).statusCode).toBe(400);
  });

  it('[WHA-02] that is larger than Meta makes them is refused', async () => {
    expect((await post(`"${'x'.repeat(3 * 1024 * 1024)}"`)).statusCode).toBe(413);
  });

  it('[WHA-02] that comes while the channel does not run comes again later', async () => {
    await cloud.channel.stop();
    expect((await post(hello())).statusCode).toBe(503);
  });

  it('[WHA-02] leaves the other routes of the server alone', async () => {
    app.post('/other', async (request) => request.body);
    const answer = await app.inject({ method: 'POST', url: '/other', payload: { a: 1 } });
    expect(answer.json()).toEqual({ a: 1 });
  });
});

const webhookWith = (value: object): string =>
  webhookOf({ metadata: { phone_number_id: cloud.number.phoneNumberId }, ...value });
