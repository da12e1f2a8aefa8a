import { describe, expect, it } from 'vitest';
import { TestRelay } from '../../test/support/relay.ts';
import { openSpoolAt } from '../../test/support/spool.ts';
import { agentId } from '../domain/addresses.ts';
import { SqliteRelayNonces } from '../store/relay-nonces.ts';

const HOUR_MS = 3_600_000;
const REFUSED = { status: 401, body: { code: 'UNAUTHENTICATED' } };

describe('who may speak to the relay', () => {
  it('[REL-02] whoever signs with the secret of an agent, whichever way the hex is written', async () => {
    await using relay = await TestRelay.open(['bob']);
    const headers = relay.headers('bob', 'POLL:bob');
    expect(await relay.request('GET', 'poll/bob', headers)).toMatchObject({ status: 200 });
    const upper = relay.headers('bob', 'POLL:bob');
    upper['x-signature'] = upper['x-signature']?.toUpperCase() ?? '';
    expect(await relay.request('GET', 'poll/bob', upper)).toMatchObject({ status: 200 });
  });

  it.each([
    ['without a signature', { 'x-signature': '' }],
    ['with one that is too short', { 'x-signature': 'ab' }],
    ['with another one', { 'x-signature': '0'.repeat(64) }],
    ['as somebody else', { 'x-agent-id': 'alice' }],
    ['as nobody that there is', { 'x-agent-id': 'nobody' }],
    ['as what is no agent', { 'x-agent-id': '../../etc' }],
    ['with another time', { 'x-timestamp': '1767225601' }],
    ['with a time that is none', { 'x-timestamp': 'now' }],
    ['with another nonce', { 'x-nonce': 'another' }],
    ['with a colon in the nonce', { 'x-nonce': '1767225600:a' }],
  ])('[REL-03] nobody %s', async (_how, changes) => {
    await using relay = await TestRelay.open(['alice', 'bob']);
    const headers = { ...relay.headers('bob', 'POLL:bob'), ...changes };
    expect(await relay.request('GET', 'poll/bob', headers)).toMatchObject(REFUSED);
  });

  it('[REL-03] an agent without a secret is told the same as one that signs wrongly', async () => {
    await using relay = await TestRelay.open(['bob']);
    const wrong = await relay.poll('bob', '', 'bob', { secret: 'wrong' });
    const unknown = await relay.poll('dave', '', 'dave', { secret: 'wrong' });
    expect(JSON.stringify(unknown.body).replaceAll('dave', 'bob')).toBe(JSON.stringify(wrong.body));
  });

  it('[REL-02] a signature is over the bytes of the body', async () => {
    await using relay = await TestRelay.open(['bob']);
    const body = '{ "id": "msg_1" }';
    const headers = relay.headers('bob', body);
    expect(await relay.request('POST', 'ack', headers, '{"id":"msg_1"}')).toMatchObject(REFUSED);
    expect(await relay.request('POST', 'ack', headers, body)).toMatchObject({ status: 404 });
  });
});

describe('the window', () => {
  it.each([
    [-300_000, 200],
    [-300_001, 401],
    [300_000, 200],
    [300_001, 401],
  ])('[REL-03] a request of %i ms from now is answered with %i', async (offsetMs, status) => {
    await using relay = await TestRelay.open(['bob']);
    const timestamp = String((relay.spool.clock.now() + offsetMs) / 1000);
    expect((await relay.poll('bob', '', 'bob', { timestamp })).status).toBe(status);
  });

  it('[REL-03] a clock that is wrong is named, and by how much', async () => {
    await using relay = await TestRelay.open(['bob']);
    const at = (ms: number) => ({ timestamp: String((relay.spool.clock.now() + ms) / 1000) });
    expect((await relay.poll('bob', '', 'bob', at(-301_000))).body).toMatchObject({
      code: 'CLOCK_SKEW',
      error: expect.stringContaining('301 s behind'),
    });
    expect((await relay.poll('bob', '', 'bob', at(400_500))).body).toMatchObject({
      code: 'CLOCK_SKEW',
      error: expect.stringContaining('400.5 s ahead'),
    });
  });

  it.each([-300_000, -1, 0, 299_000, 300_000])(
    '[REL-03] [SEC-05] a request stamped %i ms from now is never taken twice, however late it comes again',
    async (offsetMs) => {
      await using relay = await TestRelay.open(['bob']);
      const { clock } = relay.spool;
      const timestamp = String((clock.now() + offsetMs) / 1000);
      const headers = relay.headers('bob', 'POLL:bob', { timestamp });
      expect((await relay.request('GET', 'poll/bob', headers)).status).toBe(200);
      for (let passed = 0; passed <= 1_000_000; passed += 50_000) {
        // Others come and go, and old nonces are cleared away.
        await relay.poll('bob');
        expect((await relay.request('GET', 'poll/bob', headers)).status).toBe(401);
        clock.advance(50_000);
      }
    },
  );

  it('[REL-03] [SEC-05] stamped 299 s ahead, it is refused as a replay at 302 s, and at the very edge', async () => {
    await using relay = await TestRelay.open(['bob']);
    const { clock } = relay.spool;
    const headers = relay.headers('bob', 'POLL:bob', { timestamp: String(clock.now() / 1000 + 299) });
    await relay.request('GET', 'poll/bob', headers);
    clock.advance(302_000);
    expect((await relay.request('GET', 'poll/bob', headers)).body).toMatchObject({ code: 'NONCE_USED' });
    clock.advance(297_000);
    expect((await relay.request('GET', 'poll/bob', headers)).body).toMatchObject({ code: 'NONCE_USED' });
    clock.advance(1);
    expect((await relay.request('GET', 'poll/bob', headers)).body).toMatchObject({ code: 'CLOCK_SKEW' });
  });

  it('[REL-03] a nonce is remembered by another process too, and by agent', async () => {
    await using relay = await TestRelay.open(['alice', 'bob']);
    const { clock, path } = relay.spool;
    await relay.poll('bob', '', 'bob', { nonce: 'once' });
    expect((await relay.poll('alice', '', 'alice', { nonce: 'once' })).status).toBe(200);
    const again = openSpoolAt(path, clock);
    const nonces = new SqliteRelayNonces(again.db, { clock });
    expect(await nonces.remember(agentId('bob'), 'once', clock.now() + HOUR_MS)).toBe(false);
    await again.spool.close();
    await again.db.close();
  });

  it('[REL-03] of many that come with one nonce at once, one is taken', async () => {
    await using relay = await TestRelay.open(['bob']);
    const headers = relay.headers('bob', 'POLL:bob');
    const answers = await Promise.all(Array.from({ length: 20 }, () => relay.request('GET', 'poll/bob', headers)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
  });

  it('[REL-03] whoever cannot sign leaves no nonce behind', async () => {
    await using relay = await TestRelay.open(['bob']);
    await relay.poll('bob', '', 'bob', { nonce: 'mine', secret: 'guessed' });
    expect((await relay.poll('bob', '', 'bob', { nonce: 'mine' })).status).toBe(200);
  });

  it('[REL-03] old nonces are cleared away as new ones come, a few at a time', async () => {
    await using relay = await TestRelay.open(['bob']);
    const { clock, db } = relay.spool;
    const count = () => db.prepare<{ n: number }>('SELECT count(*) AS n FROM relay_nonce').get()?.n ?? 0;
    for (let i = 0; i < 20; i++) await relay.poll('bob');
    clock.advance(HOUR_MS);
    await relay.poll('bob');
    expect(count()).toBe(19);
    for (let i = 0; i < 20; i++) await relay.poll('bob');
    expect(count()).toBe(21);
  });
});

describe('a secret', () => {
  it('[REL-03] that takes the place of another is the only one from then on', async () => {
    await using relay = await TestRelay.open(['bob']);
    const secret = relay.secretOf('bob') ?? '';
    await relay.giveSecret(agentId('bob'));
    expect(await relay.poll('bob', '', 'bob', { secret })).toMatchObject(REFUSED);
    expect((await relay.poll('bob')).status).toBe(200);
  });

  it('[REL-03] that is rotated leaves the old one valid until the overlap ends, and not a millisecond longer', async () => {
    await using relay = await TestRelay.open(['bob']);
    const secret = relay.secretOf('bob') ?? '';
    await relay.giveSecret(agentId('bob'), HOUR_MS);
    const old = async () => (await relay.poll('bob', '', 'bob', { secret })).status;
    expect([await old(), (await relay.poll('bob')).status]).toEqual([200, 200]);
    relay.spool.clock.advance(HOUR_MS - 1);
    expect(await old()).toBe(200);
    relay.spool.clock.advance(1);
    expect([await old(), (await relay.poll('bob')).status]).toEqual([401, 200]);
  });

  it('[REL-03] a longer overlap later does not bring an old one back', async () => {
    await using relay = await TestRelay.open(['bob']);
    const secret = relay.secretOf('bob') ?? '';
    await relay.giveSecret(agentId('bob'), 1_000);
    await relay.giveSecret(agentId('bob'), HOUR_MS);
    relay.spool.clock.advance(1_000);
    expect(await relay.poll('bob', '', 'bob', { secret })).toMatchObject(REFUSED);
  });

  it('[REL-03] is listed without being shown', async () => {
    await using relay = await TestRelay.open(['alice', 'bob']);
    const listed = relay.secrets.list();
    expect(listed.map(({ agent }) => agent)).toEqual(['alice', 'bob']);
    for (const agent of ['alice', 'bob']) expect(JSON.stringify(listed)).not.toContain(relay.secretOf(agent));
    expect(relay.secretOf('bob')).toMatch(/^[0-9a-f]{64}$/);
  });
});
