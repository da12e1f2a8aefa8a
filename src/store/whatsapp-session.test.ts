import { describe, expect, it } from 'vitest';
import { openSpoolAt, openTestSpool, type SpoolFixture } from '../../test/support/spool.ts';
import type { Person, ReceivedMessage } from '../channels/whatsapp/baileys/sessions.ts';
import { SqliteWhatsAppSessions } from './whatsapp-session.ts';

const DAY_MS = 24 * 3_600_000;
const ANN = '+15550100';
const ANN_LID = '900100@lid';

const open = (t: SpoolFixture): SqliteWhatsAppSessions => new SqliteWhatsAppSessions(t.db, { clock: t.clock });
const person = (id: string, lid: string | null, phone: string | null, name: string | null = null): Person => ({
  id,
  lid,
  phone,
  name,
});
const received = (id: string): ReceivedMessage => ({
  id,
  jid: '15550100@s.whatsapp.net',
  participant: null,
  stanza: '3EB0',
  quote: 'hello',
});
const sent = (content = 'hello') => ({
  account: 'atlas',
  stanza: '3EB0',
  jid: '15550100@s.whatsapp.net',
  departure: 'msg_1',
  content: Buffer.from(content),
});

describe('what a linked device remembers', () => {
  it('[WHA-01] the keys of an account are its own, can be taken away, and are there after opening again', async () => {
    await using t = openTestSpool();
    const sessions = open(t);
    await sessions.commit([
      sessions.putKeys(
        'atlas',
        new Map([
          ['creds', 'a'],
          ['session:1', 'b'],
        ]),
      ),
      sessions.putKeys('vega', new Map([['creds', 'c']])),
    ]);
    await sessions.commit([
      sessions.putKeys(
        'atlas',
        new Map([
          ['creds', 'new'],
          ['session:1', null],
        ]),
      ),
    ]);
    const reopened = openSpoolAt(t.path, t.clock);
    expect([...new SqliteWhatsAppSessions(reopened.db).keys('atlas', ['creds', 'session:1'])]).toEqual([
      ['creds', 'new'],
    ]);
    await reopened.spool.close();
    await reopened.db.close();
    await sessions.commit([sessions.forget('atlas')]);
    expect([sessions.keys('atlas', ['creds']).size, sessions.keys('vega', ['creds']).size]).toEqual([0, 1]);
  });

  it('[WHA-03] what one transaction writes is there together or not at all', async () => {
    await using t = openTestSpool();
    const sessions = open(t);
    const full = (): never => {
      throw new Error('no space');
    };
    await expect(
      sessions.commit([
        sessions.putKeys('atlas', new Map([['session:1', 'b']])),
        sessions.putReceived(received('m1')),
        full,
      ]),
    ).rejects.toThrow();
    expect([sessions.keys('atlas', ['session:1']).size, sessions.received('m1')]).toEqual([0, null]);
  });

  it('[WHA-03] a received message is remembered for longer than WhatsApp keeps it, then forgotten', async () => {
    await using t = openTestSpool();
    const sessions = open(t);
    await sessions.commit([sessions.putReceived(received('m1'))]);
    t.clock.advance(59 * DAY_MS);
    await sessions.commit([sessions.putReceived(received('m2'))]);
    expect(sessions.received('m1')).toEqual(received('m1'));
    t.clock.advance(2 * DAY_MS);
    await sessions.commit([sessions.putReceived(received('m3'))]);
    expect([sessions.received('m1'), sessions.received('m2')?.id]).toEqual([null, 'm2']);
  });

  it('[WHA-04] a sent message keeps its first content, and that it was acknowledged', async () => {
    await using t = openTestSpool();
    const sessions = open(t);
    await sessions.commit([sessions.putSent(sent())]);
    expect(sessions.sent('atlas', '3EB0')).toEqual({ ...sent(), acked: false });
    await sessions.commit([sessions.ackSent('atlas', '3EB0'), sessions.putSent(sent('other'))]);
    expect(sessions.sent('atlas', '3EB0')).toEqual({ ...sent(), acked: true });
    expect(sessions.sent('vega', '3EB0')).toBeNull();
    t.clock.advance(8 * DAY_MS);
    await sessions.commit([sessions.putSent({ ...sent(), stanza: 'next' })]);
    expect(sessions.sent('atlas', '3EB0')).toBeNull();
  });
});

describe('persons', () => {
  async function knowing(...seen: Person[]): Promise<(lid: string | null, phone: string | null) => Person | null> {
    await using t = openTestSpool();
    const sessions = open(t);
    for (const one of seen) await sessions.commit([sessions.putPerson(one)]);
    const found = new Map<string, Person | null>();
    for (const lid of [ANN_LID, '900999@lid', null]) {
      for (const phone of [ANN, '+15550111', null]) found.set(`${lid} ${phone}`, sessions.person(lid, phone));
    }
    return (lid, phone) => found.get(`${lid} ${phone}`) ?? null;
  }

  it('[WHA-05] a person is found by either id, and keeps the one of the first sight', async () => {
    const find = await knowing(person(ANN_LID, ANN_LID, null), person(ANN_LID, ANN_LID, ANN));
    expect(find(null, ANN)).toEqual(person(ANN_LID, ANN_LID, ANN));
    expect(find(ANN_LID, null)).toEqual(person(ANN_LID, ANN_LID, ANN));
  });

  it('[WHA-05] two who turn out to be one become the one that was seen first', async () => {
    const find = await knowing(person(ANN, null, ANN), person(ANN_LID, ANN_LID, null), person(ANN, ANN_LID, ANN));
    expect(find(null, ANN)).toEqual(person(ANN, ANN_LID, ANN));
    expect(find(ANN_LID, null)).toEqual(person(ANN, ANN_LID, ANN));
  });

  it('[WHA-05] somebody with a new number is still the same', async () => {
    const find = await knowing(person(ANN, ANN_LID, ANN), person(ANN, ANN_LID, '+15550111'));
    expect(find(null, '+15550111')).toEqual(person(ANN, ANN_LID, '+15550111'));
  });

  it('[WHA-05] a person is called as they have last said', async () => {
    const find = await knowing(person(ANN, ANN_LID, ANN, 'Ann'), person(ANN, ANN_LID, ANN));
    expect(find(ANN_LID, null)).toEqual(person(ANN, ANN_LID, ANN, 'Ann'));
    const renamed = await knowing(person(ANN, ANN_LID, ANN, 'Ann'), person(ANN, ANN_LID, ANN, 'Annie'));
    expect(renamed(null, ANN)).toEqual(person(ANN, ANN_LID, ANN, 'Annie'));
  });

  it('[SEC-01] who takes over a number is not who had it before', async () => {
    const find = await knowing(person(ANN, ANN_LID, ANN), person('900999@lid', '900999@lid', ANN));
    expect(find('900999@lid', ANN)).toEqual(person('900999@lid', '900999@lid', ANN));
    expect(find(ANN_LID, null)).toEqual(person(ANN, ANN_LID, null));
  });
});

describe('the owner of an account', () => {
  const TTL_MS = 30_000;
  const alive = (): boolean => false;

  it('[WHA-01] one process owns it until it gives it up, or is silent for too long, or is known to be dead', async () => {
    await using t = openTestSpool();
    const sessions = open(t);
    expect(await sessions.own('atlas', 'one', TTL_MS, alive)).toBe('one');
    t.clock.advance(TTL_MS - 1);
    expect(await sessions.own('atlas', 'two', TTL_MS, alive)).toBe('one');
    expect(await sessions.own('vega', 'two', TTL_MS, alive)).toBe('two');
    expect(await sessions.own('atlas', 'one', TTL_MS, alive)).toBe('one');
    t.clock.advance(TTL_MS - 1);
    expect(await sessions.own('atlas', 'two', TTL_MS, alive)).toBe('one');
    t.clock.advance(1);
    expect(await sessions.own('atlas', 'two', TTL_MS, alive)).toBe('two');
    expect(await sessions.own('atlas', 'three', TTL_MS, (holder) => holder === 'two')).toBe('three');
    await sessions.disown('atlas', 'two');
    expect(await sessions.own('atlas', 'two', TTL_MS, alive)).toBe('three');
    await sessions.disown('atlas', 'three');
    expect(await sessions.own('atlas', 'two', TTL_MS, alive)).toBe('two');
  });

  it('[WHA-01] of two processes that start together, one owns it', async () => {
    await using t = openTestSpool();
    const other = openSpoolAt(t.path, t.clock);
    const [one, two] = await Promise.all([
      open(t).own('atlas', 'one', TTL_MS, alive),
      new SqliteWhatsAppSessions(other.db).own('atlas', 'two', TTL_MS, alive),
    ]);
    expect(one).toBe(two);
    await other.spool.close();
    await other.db.close();
  });
});
