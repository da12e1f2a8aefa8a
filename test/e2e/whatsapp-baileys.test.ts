import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { temporaryFolder } from '../support/spool.ts';
import { ACCOUNT, NUMBER, WhatsAppFixture } from '../support/whatsapp-channel.ts';
import { connectPerson } from '../support/whatsapp-person.ts';

const ANN = '15550100';
const BOB = '15550101';
const ANN_ID = `+${ANN}`;

describe('linking', () => {
  it('[WHA-01] a phone that scans the QR code links the account, for good', async () => {
    await using t = await WhatsAppFixture.open();
    expect(t.events.map(({ kind }) => kind)).toEqual(['qr', 'linked', 'open']);
    expect(t.events[0]).toMatchObject({ account: ACCOUNT, expiresInMs: 60_000 });
    expect(t.events[1]).toEqual({ account: ACCOUNT, kind: 'linked', phone: `+${NUMBER}` });
    expect(t.channel.state(ACCOUNT)).toEqual({ kind: 'open' });

    await t.restart();
    expect(t.events.map(({ kind }) => kind)).toEqual(['qr', 'linked', 'open', 'open']);
    await using ann = await connectPerson(t.server, ANN, 'Ann');
    await ann.say(NUMBER, 'still there?');
    expect((await t.arrived('still there?')).chat.peer.id).toBe(ANN_ID);
  });

  it('[WHA-01] a code that is typed into the phone links the account', async () => {
    await using t = await WhatsAppFixture.open({ linkBy: 'code' });
    expect(t.events.map(({ kind }) => kind)).toEqual(['code', 'linked', 'open']);
    expect(t.server.phone(NUMBER).devices).toHaveLength(1);
  });

  it('[SEC-05] [WHA-01] a server that cannot prove that it is WhatsApp is told nothing, and not tried again', async () => {
    await using t = await WhatsAppFixture.make({ rootKey: '00'.repeat(32) });
    await t.channel.start(t.receive);
    await t.until(() => t.count('closed') === 1, 'the connection is closed');
    const reason = expect.stringMatching(/^the server could not prove that it is WhatsApp /);
    expect(t.events).toEqual([{ account: ACCOUNT, kind: 'closed', reason, code: null, action: 'stopped' }]);
    expect(t.channel.state(ACCOUNT)).toEqual({ kind: 'stopped', reason });
    await expect.poll(() => t.clock.armed).toBe(0);
    expect(t.server.events()).toEqual([]);
  });

  it('[WHA-01] a device that the phone removes forgets its keys, and offers to be linked again', async () => {
    await using t = await WhatsAppFixture.open();
    t.server.unlink(NUMBER);
    await t.until(() => t.count('closed') === 1, 'the account is told to be unlinked');
    expect(t.events.at(-1)).toMatchObject({ kind: 'closed', code: 401, action: 'link-again' });
    expect(t.sessions.keys(ACCOUNT, ['creds']).size).toBe(0);
    expect(t.channel.state(ACCOUNT)).toEqual({ kind: 'unlinked', reason: 'the phone has removed this device' });
    t.clock.advance(1_000);
    await t.isOpen(2);
    expect(t.count('linked')).toBe(2);
  });

  it('[WHA-01] [OBS-01] an account that no phone has linked does not pass for one that connects again by itself', async () => {
    await using t = await WhatsAppFixture.make({ scan: false });
    await t.channel.start(t.receive);
    await t.until(() => t.count('qr') === 1, 'a code is offered');
    expect(t.channel.state(ACCOUNT)).toEqual({ kind: 'linking' });
    await t.server.stop();
    await t.until(() => t.count('closed') === 1, 'the connection is closed');
    expect(t.events.at(-1)).toMatchObject({ kind: 'closed', action: 'retry' });
    expect(t.channel.state(ACCOUNT).kind).toBe('unlinked');
  });

  it('[WHA-01] a second process on the same account waits, disturbs nothing, and takes over when the first has stopped', async () => {
    await using first = await WhatsAppFixture.open();
    await using second = await WhatsAppFixture.make({ server: first.server, database: first.path });
    await second.channel.start(second.receive);
    await second.until(() => second.count('closed') === 1, 'the second process is told to wait');
    expect(second.channel.state(ACCOUNT)).toEqual({ kind: 'standby', reason: 'another process runs this account' });
    await using ann = await connectPerson(first.server, ANN, 'Ann');
    await ann.say(NUMBER, 'one');
    await first.arrived('one');

    await first.channel.stop();
    second.clock.advance(5_000);
    await second.isOpen();
    await ann.say(NUMBER, 'two');
    await second.arrived('two');
    expect([first.arrivals.length, second.arrivals.length]).toEqual([1, 1]);
  });
});

describe('the connection', () => {
  it.each([500, 503])('[WHA-05] after close code %i it connects again, after a while', async (code) => {
    await using t = await WhatsAppFixture.open();
    t.server.faults.streamError(NUMBER, code);
    await t.until(() => t.count('closed') === 1, 'the connection is closed');
    expect(t.events.at(-1)).toMatchObject({ kind: 'closed', code, action: 'retry' });
    expect(t.channel.state(ACCOUNT).kind).toBe('waiting');
    t.clock.advance(5_000);
    await t.isOpen(2);
  });

  it('[WHA-05] after a break without a word it connects again', async () => {
    await using t = await WhatsAppFixture.open();
    t.server.faults.cut(NUMBER);
    await t.until(() => t.count('closed') === 1, 'the connection is closed');
    t.clock.advance(5_000);
    await t.isOpen(2);
  });

  it('[WHA-05] when another program connects as the same device it stops, and does not fight', async () => {
    await using t = await WhatsAppFixture.open();
    t.server.faults.streamError(NUMBER, 'conflict');
    await t.until(() => t.count('closed') === 1, 'the connection is closed');
    expect(t.events.at(-1)).toMatchObject({ kind: 'closed', code: 440, action: 'stopped' });
    expect(t.channel.state(ACCOUNT).kind).toBe('stopped');
    t.clock.advance(3_600_000);
    expect(t.clock.armed).toBe(0);
  });

  it('[WHA-05] after a stop nothing is armed any more', async () => {
    await using t = await WhatsAppFixture.open();
    await t.channel.stop();
    expect(t.clock.armed).toBe(0);
  });
});

describe('messages that come in', () => {
  it('[WHA-03] a message is durable before WhatsApp is told that it has arrived', async () => {
    const stored = Promise.withResolvers<void>();
    const reached = Promise.withResolvers<void>();
    await using t = await WhatsAppFixture.open({
      receive: async () => {
        reached.resolve();
        await stored.promise;
        return undefined;
      },
    });
    await using ann = await connectPerson(t.server, ANN, 'Ann');
    const id = await ann.say(NUMBER, 'hello');
    await reached.promise;
    expect(t.receipts(id)).toEqual([]);
    stored.resolve();
    await t.receipted(id);
    expect(t.outcomes).toEqual(['accepted']);
  });

  it('[WHA-03] a message that cannot be stored is not acknowledged, comes again, and can still be read', async () => {
    const disk = { full: true };
    await using t = await WhatsAppFixture.open({
      receive: async () => {
        if (disk.full) throw new Error('no space');
        return undefined;
      },
    });
    await using ann = await connectPerson(t.server, ANN, 'Ann');
    const first = await ann.say(NUMBER, 'one');
    await t.until(() => t.count('closed') === 1, 'the connection is closed');
    const second = await ann.say(NUMBER, 'two');
    await t.until(() => t.server.phone(NUMBER).pending() === 2, 'both messages wait at the server');
    expect(t.receipts(first)).toEqual([]);

    disk.full = false;
    t.clock.advance(5_000);
    await Promise.all([t.receipted(first), t.receipted(second)]);
    expect(t.arrivals.map(({ chat }) => chat.text)).toEqual(['one', 'two']);
    expect([t.receipts(first), t.receipts(second)]).toEqual([['inactive'], ['inactive']]);
    expect(t.server.sent({ id: first })[0]?.resends).toBe(0);
    const later = await ann.say(NUMBER, 'three');
    await t.receipted(later);
  });

  it('[WHA-03] a message in a group, and the key that came with it, are stored together or come again together', async () => {
    const disk = { full: true };
    await using t = await WhatsAppFixture.open({
      receive: async () => {
        if (disk.full) throw new Error('no space');
        return undefined;
      },
    });
    await using ann = await connectPerson(t.server, ANN, 'Ann');
    const group = t.server.createGroup('Team', [ANN, NUMBER]);
    const first = await ann.say(group.id, 'one');
    await t.until(() => t.count('closed') === 1, 'the connection is closed');
    disk.full = false;
    t.clock.advance(5_000);
    await t.receipted(first);
    await t.receipted(await ann.say(group.id, 'two'));
    expect(t.arrivals.map(({ chat }) => chat.text)).toEqual(['one', 'two']);
    expect(t.server.sent({ id: first })[0]?.resends).toBe(0);
  });

  it('[WHA-03] a message that was stored, but whose receipt was lost, is acknowledged when it comes again, and not taken twice', async () => {
    await using t = await WhatsAppFixture.open();
    await using ann = await connectPerson(t.server, ANN, 'Ann');
    t.loseReceiptOf('hello');
    const id = await ann.say(NUMBER, 'hello');
    await t.until(() => t.count('closed') === 1, 'the connection is closed');
    expect([t.arrivals.length, t.receipts(id)]).toEqual([1, []]);
    t.clock.advance(5_000);
    await t.receipted(id);
    expect(t.arrivals).toHaveLength(1);
    expect(t.server.phone(NUMBER).pending()).toBe(0);
  });

  it('[WHA-03] a copy of a message is acknowledged and not taken', async () => {
    await using t = await WhatsAppFixture.open();
    await using ann = await connectPerson(t.server, ANN, 'Ann');
    const id = await ann.say(NUMBER, 'hello');
    await t.receipted(id);
    await t.server.faults.redeliver(NUMBER);
    await t.receipted(id, 2);
    expect(t.receipts(id)).toEqual(['inactive', 'inactive']);
    expect(t.arrivals).toHaveLength(1);
  });

  it('[WHA-03] what was said while the account was away is taken in order when it is back', async () => {
    await using t = await WhatsAppFixture.open();
    await using ann = await connectPerson(t.server, ANN, 'Ann');
    await t.receipted(await ann.say(NUMBER, 'before'));
    await t.channel.stop();
    const texts = Array.from({ length: 20 }, (_, index) => `offline ${index}`);
    for (const text of texts) await ann.say(NUMBER, text);
    await t.restart();
    await t.arrived('offline 19');
    expect(t.arrivals.map(({ chat }) => chat.text)).toEqual(['before', ...texts]);
    await t.until(() => t.server.phone(NUMBER).pending() === 0, 'nothing waits at the server');
  });

  it('[WHA-03] what is said while that is being taken comes after it, and can be read', async () => {
    const reached = Promise.withResolvers<void>();
    const stored = Promise.withResolvers<void>();
    await using t = await WhatsAppFixture.open({
      receive: async () => {
        reached.resolve();
        await stored.promise;
        return undefined;
      },
    });
    await using ann = await connectPerson(t.server, ANN, 'Ann');
    const group = t.server.createGroup('Team', [ANN, NUMBER]);
    await t.channel.stop();
    const offline = Array.from({ length: 10 }, (_, index) => `offline ${index}`);
    for (const text of offline) await ann.say(NUMBER, text);
    await ann.say(group.id, 'with the key of the group');
    await t.restart();
    await reached.promise;
    const live = await ann.say(group.id, 'live');
    await t.until(() => t.server.events().some((e) => e.type === 'delivered' && e.id === live), 'it is on the socket');
    stored.resolve();
    await t.receipted(live);
    expect(t.arrivals.map(({ chat }) => chat.text)).toEqual([...offline, 'with the key of the group', 'live']);
    expect(t.server.sent({ id: live })[0]?.resends).toBe(0);
  });

  it('[WHA-03] neither its own messages nor those of its owner are taken for messages to it', async () => {
    await using t = await WhatsAppFixture.open();
    await using owner = await connectPerson(t.server, NUMBER, 'Atlas');
    await using ann = await connectPerson(t.server, ANN, 'Ann');
    await t.send('d1', ANN_ID, { text: 'from the agent' });
    await ann.heard('from the agent');
    await owner.heard('from the agent');
    const id = await owner.say(ANN, 'from the owner');
    await t.receipted(id);
    await ann.say(NUMBER, 'from ann');
    await t.arrived('from ann');
    expect(t.arrivals).toHaveLength(1);
  });

  it('[SEC-01] what the gate refuses is not taken, and what follows can be read', async () => {
    await using t = await WhatsAppFixture.open({
      receive: async ({ chat }) => (chat.text === 'spam' ? 'refused' : undefined),
    });
    await using ann = await connectPerson(t.server, ANN, 'Ann');
    const id = await ann.say(NUMBER, 'spam');
    await t.receipted(id);
    await t.server.faults.redeliver(NUMBER);
    await t.receipted(id, 2);
    await ann.say(NUMBER, 'hello');
    await t.arrived('hello');
    expect(t.outcomes).toEqual(['refused', 'accepted']);
  });
});

describe('messages that go out', () => {
  it('[WHA-04] a message is sent when WhatsApp has acknowledged it, and never again', async () => {
    await using t = await WhatsAppFixture.open();
    await using ann = await connectPerson(t.server, ANN, 'Ann');
    expect(await t.send('d1', ANN_ID, { text: 'hello' })).toEqual({ kind: 'sent' });
    const { id } = await ann.heard('hello');
    expect(id).toMatch(/^3EB0[0-9A-F]{18}$/);
    await t.restart();
    expect(await t.send('d1', ANN_ID, { text: 'hello' })).toEqual({ kind: 'sent' });
    expect(t.server.sent({ from: NUMBER })).toMatchObject([{ id, times: 1 }]);
  });

  it.each([true, false])(
    '[WHA-04] without an acknowledgement it is said to be unknown, sent again with the same id, and seen once (arrived: %s)',
    async (deliver) => {
      await using t = await WhatsAppFixture.open();
      await using ann = await connectPerson(t.server, ANN, 'Ann');
      t.server.faults.loseAcks(1, { deliver });
      const sending = t.send('d1', ANN_ID, { text: 'hello' });
      sending.catch(() => undefined);
      const sent = await t.until(() => t.server.sent({ from: NUMBER })[0], 'the message is at the server');
      t.clock.advance(20_000);
      await expect(sending).rejects.toMatchObject({
        code: 'CHANNEL_SEND_FAILED',
        message: expect.stringContaining('unknown whether the message arrived'),
      });
      await t.restart();
      expect(await t.send('d1', ANN_ID, { text: 'hello' })).toEqual({ kind: 'sent' });
      await t.send('d2', ANN_ID, { text: 'next' });
      await ann.heard('next');
      expect(t.server.sent({ id: sent.id })[0]?.times).toBe(2);
      expect(new Set(ann.messages.filter(({ text }) => text === 'hello').map(({ id }) => id))).toEqual(
        new Set([sent.id]),
      );
      expect(ann.unreadable).toEqual([]);
    },
  );

  it('[WHA-04] of a long text, what was acknowledged is not sent again', async () => {
    await using t = await WhatsAppFixture.open();
    await using ann = await connectPerson(t.server, ANN, 'Ann');
    const text = Array.from({ length: 30 }, (_, index) => `${index} ${'word '.repeat(80)}`).join('\n\n');
    t.server.on((event) => {
      if (event.type === 'acknowledged' && t.server.sent({ from: NUMBER }).length === 1) t.server.faults.loseAcks(1);
    });
    const sending = t.send('d1', ANN_ID, { text });
    sending.catch(() => undefined);
    await t.until(() => t.server.sent({ from: NUMBER }).length === 2, 'the second part is at the server');
    t.clock.advance(20_000);
    await expect(sending).rejects.toMatchObject({ code: 'CHANNEL_SEND_FAILED' });
    expect(await t.send('d1', ANN_ID, { text })).toEqual({ kind: 'sent' });
    expect(t.server.sent({ from: NUMBER }).map(({ times }) => times)).toEqual([1, 2, 1, 1]);
    const parts = new Map(ann.messages.map((message) => [message.id, message.text]));
    await ann.waitFor(() => new Set(ann.messages.map(({ id }) => id)).size === 4, 'hears all parts');
    for (const message of ann.messages) parts.set(message.id, message.text);
    expect([...parts.values()].join('')).toBe(text);
  });

  it('[WHA-04] what WhatsApp refuses is refused, in words; an error that nobody knows is tried again', async () => {
    await using t = await WhatsAppFixture.open();
    await using _ann = await connectPerson(t.server, ANN, 'Ann');
    t.server.faults.refuseWith(463);
    expect(await t.send('d1', ANN_ID, { text: 'hello' })).toEqual({
      kind: 'refused',
      reason: 'WhatsApp does not let this number write to people who have not written to it',
    });
    t.server.faults.refuseWith(599);
    await expect(t.send('d2', ANN_ID, { text: 'hello' })).rejects.toMatchObject({ code: 'CHANNEL_SEND_FAILED' });
    expect(await t.send('d3', '555-0100', { text: 'hello' })).toMatchObject({ kind: 'refused' });
    const others = t.server.createGroup('Others', [ANN]);
    expect(await t.send('d4', others.id, { text: 'hello' })).toMatchObject({ kind: 'refused' });
  });

  it('[WHA-04] while there is no connection a message waits, and costs no attempt', async () => {
    await using t = await WhatsAppFixture.open();
    t.server.faults.cut(NUMBER);
    await t.until(() => t.count('closed') === 1, 'the connection is closed');
    expect(await t.send('d1', ANN_ID, { text: 'hello' })).toMatchObject({ kind: 'later' });
  });

  it('[WHA-05] a recipient who cannot decrypt a message gets another copy, after a restart too', async () => {
    await using t = await WhatsAppFixture.open();
    await using ann = await connectPerson(t.server, ANN, 'Ann');
    await t.send('d1', ANN_ID, { text: 'one' });
    await ann.heard('one');
    await ann.disconnect();
    await t.send('d2', ANN_ID, { text: 'two' });
    ann.session.forgetSessions();
    await t.restart();
    await ann.connect();
    await ann.heard('two');
  });
});

describe('people and groups', () => {
  it('[WHA-05] a person is one, whichever of the two ids a message comes from', async () => {
    await using t = await WhatsAppFixture.open();
    await using ann = await connectPerson(t.server, ANN, 'Ann');
    const lid = `${t.server.phone(ANN).lid}@lid`;
    await ann.say(NUMBER, 'by number');
    await ann.say(`${t.server.phone(NUMBER).lid}@lid`, 'by hidden id');
    await t.arrived('by hidden id');
    for (const { chat } of t.arrivals) {
      expect(chat.peer).toEqual({ kind: 'dm', id: ANN_ID });
      expect(chat.sender).toEqual({ id: ANN_ID, name: 'Ann', aliases: [lid] });
    }
    expect(t.sessions.person(lid, null)).toEqual({ id: ANN_ID, lid, phone: ANN_ID, name: 'Ann' });
    await t.send('d1', lid, { text: 'to the hidden id' });
    await ann.heard('to the hidden id');
  });

  it('[WHA-05] in a group, a mention by hidden id and an answer to its words are meant for the account', async () => {
    await using t = await WhatsAppFixture.open();
    await using ann = await connectPerson(t.server, ANN, 'Ann');
    const group = t.server.createGroup('Team', [ANN, BOB, NUMBER]);
    await ann.say(group.id, 'to nobody');
    await ann.say(group.id, `@${NUMBER} to you`, { mentions: [NUMBER] });
    await ann.say(group.id, `@${BOB} to him`, { mentions: [BOB] });
    await t.send('d1', group.id, { text: 'I am here' });
    const { id } = await ann.heard('I am here');
    await ann.say(group.id, 'an answer', { quoted: id });
    const answer = await t.arrived('an answer');
    expect(t.arrivals.map(({ chat }) => chat.addressed)).toEqual([false, true, false, true]);
    expect(answer.chat.peer).toEqual({ kind: 'group', id: group.id, name: 'Team' });
    expect(answer.chat.sender.id).toBe(ANN_ID);
    expect(answer.chat.replyTo).toBe(`${ACCOUNT}:${group.id}:${id}`);
  });

  it('[WHA-05] who is mentioned in a group is known by name, or by number until they have said something', async () => {
    await using t = await WhatsAppFixture.open({ agentsIn: () => ['Atlas'] });
    await using ann = await connectPerson(t.server, ANN, 'Ann');
    await using bob = await connectPerson(t.server, BOB, 'Bob\nBuilder');
    const group = t.server.createGroup('Team', [ANN, BOB, NUMBER]);
    const [own, bobs] = [NUMBER, BOB].map((number) => t.server.phone(number).lid);
    const text = `@${own} and @${bobs} is this right?`;
    const ask = async (id: string) => {
      const mentions = [NUMBER, BOB];
      await ann.say(group.id, `@${NUMBER} and @${BOB} is this right?`, { id, mentions });
      return await t.until(() => t.arrivals.find((arrival) => arrival.id.endsWith(id)), `${id} has arrived`);
    };
    expect((await ask('FIRST')).chat).toMatchObject({
      text,
      addressed: true,
      mentions: { [`${own}`]: 'Atlas', [`${bobs}`]: BOB },
    });
    await bob.say(group.id, 'It is.');
    await t.arrived('It is.');
    await t.restart();
    expect((await ask('SECOND')).chat).toMatchObject({
      text,
      mentions: { [`${own}`]: 'Atlas', [`${bobs}`]: 'Bob Builder' },
    });
  });

  it('[WHA-05] a member whose id is in an answer is mentioned by it, when it is sent again too', async () => {
    await using t = await WhatsAppFixture.open();
    await using ann = await connectPerson(t.server, ANN, 'Ann');
    const group = t.server.createGroup('Team', [ANN, BOB, NUMBER]);
    const bobs = t.server.phone(BOB).lid;
    const text = `@${ANN} ask @${bobs}, not @15559999, a@${BOB} or @${BOB}0`;
    t.server.faults.loseAcks(1);
    const sending = t.send('d1', group.id, { text });
    sending.catch(() => undefined);
    const first = await ann.heard(text);
    expect([...first.mentions].sort()).toEqual([ANN, BOB]);
    t.clock.advance(20_000);
    await expect(sending).rejects.toMatchObject({ code: 'CHANNEL_SEND_FAILED' });
    // What was decided the first time counts.
    t.server.removeFromGroup(group.id, BOB);
    await t.restart();
    expect(await t.send('d1', group.id, { text })).toEqual({ kind: 'sent' });
    const again = await ann.waitFor(() => ann.messages.filter(({ id }) => id === first.id)[1], 'hears it again');
    expect(again.mentions).toEqual(first.mentions);

    // Words that a program reads, and words for one person, mention nobody.
    await t.send('d2', group.id, { text: `for @${ANN} alone`, verbatim: true });
    expect((await ann.heard(`for @${ANN} alone`)).mentions).toEqual([]);
    await t.send('d3', ANN_ID, { text: `you are @${ANN}` });
    expect((await ann.heard(`you are @${ANN}`)).mentions).toEqual([]);
  });

  it('[WHA-05] an answer, and the caption of a file, mentions and quotes at the same time', async () => {
    await using t = await WhatsAppFixture.open();
    await using ann = await connectPerson(t.server, ANN, 'Ann');
    const group = t.server.createGroup('Team', [ANN, NUMBER]);
    const said = await ann.say(group.id, 'a question');
    const { id } = await t.arrived('a question');
    const folder = temporaryFolder();
    const path = join(folder.path, 'report.txt');
    writeFileSync(path, 'the report');
    const file = { path, mime: 'text/plain', name: 'report.txt' };
    await t.send('d1', group.id, { text: `@${ANN} here it is`, file, replyTo: id });
    folder.remove();
    expect(await ann.heard(`@${ANN} here it is`)).toMatchObject({ mentions: [ANN], quotedId: said });
    await t.send('d2', group.id, { text: `@${ANN} and so on`, replyTo: id });
    expect(await ann.heard(`@${ANN} and so on`)).toMatchObject({ mentions: [ANN], quotedId: said });
  });

  it('[WHA-05] what a message answers comes with it, and who said that', async () => {
    await using t = await WhatsAppFixture.open({ agentsIn: () => ['Atlas'] });
    await using ann = await connectPerson(t.server, ANN, 'Ann');
    await using bob = await connectPerson(t.server, BOB, 'Bob');
    const group = t.server.createGroup('Team', [ANN, BOB, NUMBER]);
    await t.send('d1', group.id, { text: 'It is teal.' });
    const { id } = await ann.heard('It is teal.');
    await ann.say(group.id, 'Is it?', { quoted: id });
    expect((await t.arrived('Is it?')).chat.quoted).toEqual({ text: 'It is teal.', sender: 'Atlas' });

    const bobs = await bob.say(group.id, 'look', { image: Buffer.from('picture') });
    await ann.heard('look');
    await ann.say(group.id, 'I see', { quoted: bobs });
    expect((await t.arrived('I see')).chat.quoted).toEqual({ text: 'look', sender: 'Bob' });

    await t.send('d2', ANN_ID, { text: 'Between us.' });
    const { id: secret } = await ann.heard('Between us.');
    await ann.say(NUMBER, 'Sure.', { quoted: secret });
    expect((await t.arrived('Sure.')).chat.quoted).toEqual({ text: 'Between us.', sender: 'Atlas' });
    await ann.say(NUMBER, 'Bye.');
    expect((await t.arrived('Bye.')).chat).not.toHaveProperty('quoted');
  });

  it('[WHA-05] a group that gets another member is written to with them', async () => {
    await using t = await WhatsAppFixture.open();
    await using ann = await connectPerson(t.server, ANN, 'Ann');
    await using bob = await connectPerson(t.server, BOB, 'Bob');
    const group = t.server.createGroup('Team', [ANN, NUMBER]);
    await t.send('d1', group.id, { text: 'two of us' });
    await ann.heard('two of us');
    t.server.addToGroup(group.id, BOB);
    await t.receipted(await bob.say(group.id, 'hello'));
    await t.send('d2', group.id, { text: 'three of us' });
    await bob.heard('three of us');
  });

  it.each(['dm', 'group'])(
    '[WHA-05] an answer quotes what it answers, and a reaction is put to it (%s)',
    async (kind) => {
      await using t = await WhatsAppFixture.open();
      await using ann = await connectPerson(t.server, ANN, 'Ann');
      const group = t.server.createGroup('Team', [ANN, NUMBER]);
      const said = await ann.say(kind === 'dm' ? NUMBER : group.id, 'a question');
      const { id, chat } = await t.arrived('a question');
      await t.restart();
      await t.send('d1', chat.peer.id, { text: 'an answer', replyTo: id });
      expect(await ann.heard('an answer')).toMatchObject({ quotedId: said });
      await t.send('d2', chat.peer.id, { reaction: '👍', replyTo: id });
      const { reaction } = await ann.waitFor(() => ann.messages.find((message) => message.reaction), 'gets a reaction');
      expect(reaction).toMatchObject({ to: said, emoji: '👍' });
      await ann.react(said, '❤️');
      await ann.say(NUMBER, 'the end');
      await t.arrived('the end');
      expect(t.arrivals).toHaveLength(2);
    },
  );

  it('[WHA-05] [TOL-03] a reaction to what the account has said names it by our own id, whichever part it is put to', async () => {
    await using t = await WhatsAppFixture.open();
    await using ann = await connectPerson(t.server, ANN, 'Ann');
    const own = await ann.say(NUMBER, 'a question');
    await t.arrived('a question');
    await t.send('d1', ANN_ID, { text: 'word '.repeat(1_500) });
    const parts = await ann.waitFor(() => ann.messages.length === 2 && ann.messages, 'hears both parts');
    await t.restart();
    const reactions = [];
    for (const { id } of parts) reactions.push(await ann.react(id, '👍🏽'));
    // Taken back, to what she has said herself, and to what nobody has said.
    const [first = ''] = parts.map(({ id }) => id);
    const ignored = [await ann.react(first, ''), await ann.react(own, '👍')];
    await ann.say(NUMBER, 'the end');
    await t.arrived('the end');
    const arrived = t.arrivals.slice(1, -1).map(({ chat }) => chat);
    expect(arrived).toHaveLength(2);
    for (const chat of arrived) {
      expect(chat).toMatchObject({ sender: { id: ANN_ID }, text: '', reaction: { emoji: '👍🏽', to: 'd1' } });
    }
    // WhatsApp is told that each has come; only words are marked as read.
    for (const id of [...reactions, ...ignored]) await t.receipted(id);
    t.channel.typing(ACCOUNT, { kind: 'dm', id: ANN_ID }, true);
    await t.until(
      () => t.server.events().some((event) => event.type === 'receipt' && event.kind === 'read'),
      'it is read',
    );
    for (const id of reactions) expect(t.receipts(id)).not.toContain('read');
  });

  it('[WHA-03] [TOL-03] a reaction whose receipt was lost is taken once', async () => {
    await using t = await WhatsAppFixture.open();
    await using ann = await connectPerson(t.server, ANN, 'Ann');
    await t.send('d1', ANN_ID, { text: 'May I?' });
    const { id } = await ann.heard('May I?');
    // It is the one arrival without words.
    t.loseReceiptOf('');
    const reaction = await ann.react(id, '👍');
    await t.until(() => t.count('closed') > 0, 'the connection is lost');
    t.clock.advance(5_000);
    await t.isOpen(2);
    await t.receipted(reaction);
    expect(t.arrivals.map(({ chat }) => chat.reaction)).toEqual([{ emoji: '👍', to: 'd1' }]);
  });

  it('[WHA-05] files come and go', async () => {
    await using t = await WhatsAppFixture.open();
    await using ann = await connectPerson(t.server, ANN, 'Ann');
    const picture = Buffer.alloc(50_000, 'picture');
    await ann.say(NUMBER, 'look', { image: picture });
    const [media] = (await t.arrived('look')).chat.media ?? [];
    if (!media) throw new Error('no file has come');
    expect(media).toMatchObject({ kind: 'image', mime: 'image/jpeg', bytes: picture.length });
    expect(Buffer.from(await t.channel.fetch(ACCOUNT, media, 50_000))).toEqual(picture);
    await expect(t.channel.fetch(ACCOUNT, media, 49_999)).rejects.toMatchObject({ code: 'MEDIA_UNAVAILABLE' });
    await expect(t.channel.fetch(ACCOUNT, { ...media, bytes: null }, 49_999)).rejects.toMatchObject({
      code: 'MEDIA_UNAVAILABLE',
    });

    const folder = temporaryFolder();
    const path = join(folder.path, 'report.txt');
    writeFileSync(path, 'the report');
    const file = { path, mime: 'text/plain', name: 'report.txt' };
    expect(await t.send('d1', ANN_ID, { text: 'here it is', file })).toEqual({ kind: 'sent' });
    expect(await ann.heard('here it is')).toMatchObject({ media: { fileName: 'report.txt' } });
    folder.remove();
    expect(await t.send('d2', ANN_ID, { text: 'again', file })).toMatchObject({ kind: 'refused' });
  });

  it('[WHA-05] a file that is gone, or is not the one that was sent, is not there', async () => {
    await using t = await WhatsAppFixture.open();
    await using ann = await connectPerson(t.server, ANN, 'Ann');
    await ann.say(NUMBER, 'look', { image: Buffer.from('picture') });
    const [media] = (await t.arrived('look')).chat.media ?? [];
    const source = z.record(z.string(), z.json()).parse(media?.source);
    const fetch = (changes: Record<string, string | number>): Promise<Uint8Array> =>
      t.channel.fetch(
        ACCOUNT,
        { kind: 'image', mime: 'image/jpeg', bytes: null, source: { ...source, ...changes } },
        999,
      );
    expect(Buffer.from(await fetch({})).toString()).toBe('picture');
    for (const changes of [
      { url: `${String(source['url']).slice(0, -3)}AAA` },
      { sha256: Buffer.alloc(32).toString('base64') },
      { mediaKey: 7 },
    ]) {
      await expect(fetch(changes)).rejects.toMatchObject({ code: 'MEDIA_UNAVAILABLE' });
    }
    t.server.faults.cut(NUMBER);
    await t.until(() => t.count('closed') === 1, 'the connection is closed');
    await expect(fetch({})).rejects.toMatchObject({ code: 'CHANNEL_SEND_FAILED' });
  });

  it('[SEC-03] a file is not fetched from where the sender says, but from WhatsApp', async () => {
    await using t = await WhatsAppFixture.open();
    await using ann = await connectPerson(t.server, ANN, 'Ann');
    await ann.say(NUMBER, 'look', { image: Buffer.from('picture') });
    const [media] = (await t.arrived('look')).chat.media ?? [];
    if (!media || typeof media.source !== 'object') throw new Error('no file has come');
    const source = { ...media.source, url: 'http://localhost:1/secret' };
    await expect(t.channel.fetch(ACCOUNT, { ...media, source }, 1_000)).rejects.toMatchObject({
      code: 'MEDIA_UNAVAILABLE',
      message: 'The file is not on a server of WhatsApp.',
    });
  });

  it('[WHA-05] people see that their messages are read, and that an answer is written', async () => {
    await using t = await WhatsAppFixture.open();
    await using ann = await connectPerson(t.server, ANN, 'Ann');
    const id = await ann.say(NUMBER, 'hello');
    const { chat } = await t.arrived('hello');
    await t.receipted(id);
    t.channel.typing(ACCOUNT, chat.peer, true);
    await ann.waitFor(() => ann.typingOf(NUMBER) === 'composing', 'sees that somebody writes');
    await ann.reached(id, 'read');
    t.channel.typing(ACCOUNT, chat.peer, false);
    await ann.waitFor(() => ann.typingOf(NUMBER) === 'available', 'sees that nobody writes');
  });
});
