import '../support/whatsapp-server/quiet-libsignal.ts';
import { randomBytes } from 'node:crypto';
import {
  type BinaryNode,
  Curve,
  proto,
  S_WHATSAPP_NET,
  signedKeyPair,
  WA_ADV_DEVICE_SIG_PREFIX,
  xmppSignedPreKey,
} from 'baileys';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { silentLogger } from '../../src/lib/logger.ts';
import { connectPerson, WhatsAppPerson } from '../support/whatsapp-person.ts';
import { createRoot } from '../support/whatsapp-server/certificate.ts';
import { RawClient } from '../support/whatsapp-server/client/raw-client.ts';
import { certifyDevice, verifyDeviceSignature } from '../support/whatsapp-server/device-identity.ts';
import type { ServerEvent } from '../support/whatsapp-server/events.ts';
import { FrameReader, frameOf } from '../support/whatsapp-server/frames.ts';
import { startWhatsAppServer, type WhatsAppServer } from '../support/whatsapp-server/server.ts';
import { stanza } from '../support/whatsapp-server/stanza.ts';

const ALICE = '15550000001';
const BOB = '15550000002';
const CAROL = '15550000003';

/** What the server itself did wrong. */
const errors: unknown[] = [];
let server: WhatsAppServer;
let alice: WhatsAppPerson;
let bob: WhatsAppPerson;
let carol: WhatsAppPerson;

beforeAll(async () => {
  server = await startWhatsAppServer({ logger: { ...silentLogger, error: (fields) => void errors.push(fields) } });
  [alice, bob, carol] = await Promise.all([
    connectPerson(server, ALICE, 'Alice'),
    connectPerson(server, BOB, 'Bob'),
    connectPerson(server, CAROL, 'Carol'),
  ]);
});

afterAll(async () => {
  await Promise.all([alice, bob, carol].map((person) => person.stop()));
  await server.stop();
  expect(errors).toEqual([]);
});

let lastNumber = 15_550_001_000;
/** The number of somebody whom nobody has met. */
function newNumber(): string {
  lastNumber += 1;
  return String(lastNumber);
}

/** The next event of a kind, from when this is called. */
function next<T extends ServerEvent['type']>(
  type: T,
  accept: (event: Extract<ServerEvent, { type: T }>) => boolean = () => true,
): Promise<Extract<ServerEvent, { type: T }>> {
  return new Promise((resolve) => {
    const stop = server.on((event) => {
      if (!isOf(event, type) || !accept(event)) return;
      stop();
      resolve(event);
    });
  });
}

function isOf<T extends ServerEvent['type']>(event: ServerEvent, type: T): event is Extract<ServerEvent, { type: T }> {
  return event.type === type;
}

/** What happened to a message, in order. */
function story(id: string): string[] {
  return server.events().flatMap((event) => {
    if (!('id' in event) || event.id !== id) return [];
    return [event.type === 'receipt' ? `receipt: ${event.kind}` : event.type];
  });
}

describe('linking', () => {
  it('[WHA-06] works by the code that the device shows, and not by another one', async () => {
    const number = newNumber();
    const failures: string[] = [];
    await using dora = await connectPerson(server, number, 'Dora', {
      link: async (socket) => {
        await socket.requestPairingCode(number);
        await server.enterPairingCode('WRONG123', number).catch(({ message }: Error) => failures.push(message));
        const code = await socket.requestPairingCode(number);
        await server.enterPairingCode(code, number, 'Dora');
      },
    });
    expect(failures).toEqual(['the code is not the one that the device shows']);
    expect(server.phone(number)).toMatchObject({ name: 'Dora', devices: [1] });
    await dora.say(BOB, 'from Dora');
    expect(await bob.heard('from Dora')).toMatchObject({ from: number });
  });

  it('[WHA-06] waits for a device that asks for the code', async () => {
    const number = newNumber();
    const entered = server.enterPairingCode('ABCD1234', number);
    await using _dora = await connectPerson(server, number, 'Dora', {
      link: async (socket) => {
        await socket.requestPairingCode(number, 'ABCD1234');
        await entered;
      },
    });
    expect(server.phone(number).devices).toEqual([1]);
  });

  it('[WHA-06] refuses what is not a QR code, or not one that a device shows now', async () => {
    await expect(server.scan('nonsense', ALICE)).rejects.toThrow('not a QR code');
    const key = randomBytes(32).toString('base64');
    await expect(server.scan(`https://wa.me#2@old,${key},${key},${key},1`, ALICE)).rejects.toThrow('no device shows');
  });

  it('[WHA-06] puts a second device beside the first, and everybody encrypts for both', async () => {
    const number = newNumber();
    await using phone = await connectPerson(server, number, 'Dora');
    await alice.say(number, 'to one');
    await phone.heard('to one');
    await using tablet = await connectPerson(server, number, 'Dora');
    await alice.say(number, 'to both');
    await Promise.all([phone.heard('to both'), tablet.heard('to both')]);
    await phone.say(ALICE, 'from one');
    expect(await tablet.heard('from one')).toMatchObject({ from: number, chat: ALICE });
    expect(server.phone(number).devices).toEqual([1, 2]);
    await tablet.disconnect();
    tablet.session.forgetSessions();
    await tablet.connect();
    await phone.say(ALICE, 'from one, again');
    expect(await tablet.heard('from one, again')).toMatchObject({ from: number, chat: ALICE });
    server.unlink(number, 1);
    await phone.waitFor(() => phone.closes.includes(401), 'is thrown out');
    await expect(phone.connect()).rejects.toThrow('401');
    await alice.say(number, 'to the other');
    await tablet.heard('to the other');
    expect(server.phone(number).devices).toEqual([2]);
  });
});

describe('two people', () => {
  it('[WHA-06] write to each other, and see what became of it', async () => {
    const id = await alice.say(BOB, 'hello');
    expect(await bob.heard('hello')).toMatchObject({ id, from: ALICE, chat: ALICE, isOffline: false });
    await alice.reached(id, 'delivered');
    await bob.read(id);
    await alice.reached(id, 'read');
    expect(story(id).filter((what) => what !== 'ack')).toEqual([
      'message',
      'acknowledged',
      'delivered',
      'receipt: delivered',
      'receipt: read',
    ]);
    await bob.say(`${server.phone(ALICE).lid}@lid`, 'to the hidden id');
    expect(await alice.heard('to the hidden id')).toMatchObject({ from: BOB, chat: BOB });
    await bob.say(ALICE, 'hi', { quoted: id });
    expect(await alice.heard('hi')).toMatchObject({ from: BOB, chat: BOB, quotedId: id });
  });

  it('[WHA-05] react, edit, delete', async () => {
    const id = await alice.say(BOB, 'original');
    await bob.heard('original');
    await bob.react(id, '👍');
    const reaction = await alice.waitFor(() => alice.messages.find((message) => message.reaction), 'sees a reaction');
    expect(reaction.reaction).toEqual({ to: id, emoji: '👍' });
    await alice.edit(id, 'better');
    expect(await bob.heard('better')).toMatchObject({ edits: id });
    await alice.remove(id);
    await bob.waitFor(() => bob.messages.find(({ deletes }) => deletes === id), 'sees the message go');
  });

  it('[WHA-05] see each other type', async () => {
    await alice.type(BOB);
    await bob.waitFor(() => bob.typingOf(ALICE) === 'composing', 'sees Alice type');
    await alice.type(BOB, 'paused');
    await bob.waitFor(() => bob.typingOf(ALICE) === 'available', 'sees Alice pause');
  });

  it('[WHA-05] send pictures and documents', async () => {
    const image = randomBytes(100_000);
    await alice.say(BOB, 'look', { image });
    const { media } = await bob.heard('look');
    expect(media).toMatchObject({ kind: 'image', mimetype: 'image/jpeg' });
    expect(await media?.read()).toEqual(image);
    const document = { content: randomBytes(1000), mimetype: 'application/pdf', fileName: 'plan.pdf' };
    await bob.say(ALICE, 'the plan', { document });
    const received = (await alice.heard('the plan')).media;
    expect(received).toMatchObject({ kind: 'document', mimetype: 'application/pdf', fileName: 'plan.pdf' });
    expect(await received?.read()).toEqual(document.content);
  });

  it('[WHA-05] send long texts', async () => {
    const text = 'x'.repeat(70_000);
    await alice.say(CAROL, text);
    await carol.heard(text);
  });
});

describe('a group', () => {
  it('[WHA-06] carries messages, replies and mentions', async () => {
    const { id: group } = await alice.socket.groupCreate('team', [bob.jid, carol.jid]);
    const id = await alice.say(group, 'first');
    await bob.heard('first');
    expect(await carol.heard('first')).toMatchObject({ from: ALICE, chat: group });
    await bob.say(group, `@${CAROL} look`, { quoted: id, mentions: [CAROL] });
    const reply = await carol.heard(`@${server.phone(CAROL).lid} look`);
    expect(reply).toMatchObject({ from: BOB, chat: group, quotedId: id, mentions: [CAROL] });
    expect(reply.raw.message?.extendedTextMessage?.contextInfo?.mentionedJid).toEqual([
      `${server.phone(CAROL).lid}@lid`,
    ]);
    await alice.reached(id, 'delivered');
    await carol.read(id);
    await alice.reached(id, 'read');
    await carol.type(group);
    await bob.waitFor(() => bob.typing.find(({ from, chat }) => from === CAROL && chat === group), 'sees Carol type');
  });

  it('[WHA-06] has those in it who were added and not removed', async () => {
    const { id: group } = server.createGroup('duo', [ALICE, BOB]);
    await alice.say(group, 'two of us');
    await bob.heard('two of us');
    server.addToGroup(group, CAROL);
    await alice.say(group, 'three of us');
    await carol.heard('three of us');
    server.removeFromGroup(group, BOB);
    await alice.say(group, 'without Bob');
    await carol.heard('without Bob');
    expect(bob.messages.map(({ text }) => text)).not.toContain('without Bob');
    await expect(bob.socket.groupMetadata(group)).rejects.toThrow('forbidden');
  });
});

describe('a person who was away', () => {
  it('[WHA-06] gets what was sent, once and in order', async () => {
    const { id: group } = server.createGroup('late', [ALICE, BOB]);
    await bob.disconnect();
    for (const text of ['late 1', 'late 2', 'late 3']) await alice.say(BOB, text);
    const last = await alice.say(group, 'late in the group');
    await alice.reached(last, 'sent');
    expect(server.phone(BOB).pending()).toBe(4);
    const received = next('receipt', (event) => event.id === last);
    await bob.connect();
    expect(await bob.heard('late in the group')).toMatchObject({ isOffline: true });
    const heard = bob.messages.filter(({ text }) => text.startsWith('late')).map(({ text }) => text);
    expect(heard).toEqual(['late 1', 'late 2', 'late 3', 'late in the group']);
    await received;
    expect(server.phone(BOB).pending(1)).toBe(0);
  });

  it('[WHA-03] gets again what it had not said that it has', async () => {
    server.faults.cutAfter(BOB, 'delivered');
    const id = await alice.say(BOB, 'into the void');
    await bob.waitFor(() => bob.closes.at(-1) === 428, 'is cut off');
    expect(server.phone(BOB).pending()).toBe(1);
    await bob.connect();
    await alice.reached(id, 'delivered');
    expect(await bob.heard('into the void')).toMatchObject({ id });
    expect(story(id).filter((what) => what === 'delivered').length).toBeGreaterThan(1);
    expect(server.phone(BOB).pending()).toBe(0);
  });

  it('[WHA-06] asks for another copy of what it cannot read in a group', async () => {
    const { id: group } = server.createGroup('forgetful', [ALICE, BOB, CAROL]);
    await alice.say(group, 'before the loss of keys');
    await bob.heard('before the loss of keys');
    await bob.disconnect();
    bob.session.forgetSessions();
    await bob.connect();
    const id = await alice.say(group, 'after the loss of keys');
    expect(await bob.heard('after the loss of keys')).toMatchObject({ id, chat: group });
    expect(server.sent({ id })).toEqual([{ id, from: ALICE, to: group, times: 1, resends: 1 }]);
    expect(carol.messages.filter((message) => message.id === id)).toHaveLength(1);
  });

  it('[WHA-06] asks for another copy of what it cannot read', async () => {
    await bob.disconnect();
    bob.session.forgetSessions();
    await bob.connect();
    const id = 'RETRIED';
    const refused = next('ack', (event) => event.id === id && event.error !== null);
    await alice.say(BOB, 'after the loss', { id });
    expect(await bob.heard('after the loss')).toMatchObject({ id });
    await alice.reached(id, 'delivered');
    expect(bob.unreadable).toContain(id);
    expect(story(id)).toContain('receipt: retry');
    expect(server.sent({ id })).toEqual([{ id, from: ALICE, to: BOB, times: 1, resends: 1 }]);
    await refused;
    expect(server.phone(BOB).pending()).toBe(0);
  });
});

describe('a fault', () => {
  it('[WHA-06] no acknowledgement: the message is sent again under its id', async () => {
    server.faults.loseAcks(1, { deliver: false });
    const id = await alice.say(BOB, 'lost', { id: 'LOST1' });
    await alice.say(BOB, 'lost', { id });
    await bob.heard('lost');
    await alice.reached(id, 'delivered');
    server.faults.loseAcks(1);
    await alice.say(BOB, 'taken', { id: 'LOST2' });
    await bob.heard('taken');
    await alice.reached('LOST2', 'delivered');
    expect(story('LOST2')).not.toContain('acknowledged');
    expect(server.sent({ to: BOB }).slice(-2)).toEqual([
      { id: 'LOST1', from: ALICE, to: BOB, times: 2, resends: 0 },
      { id: 'LOST2', from: ALICE, to: BOB, times: 1, resends: 0 },
    ]);
  });

  it('[WHA-06] the connection breaks before the acknowledgement', async () => {
    server.faults.cutAfter(ALICE, 'message');
    const id = await alice.say(BOB, 'last words');
    await alice.waitFor(() => alice.closes.at(-1) === 428, 'is cut off');
    await bob.heard('last words');
    expect(story(id)).not.toContain('acknowledged');
    expect(alice.status(id)).toBe('sending');
    await alice.connect();
    await alice.reached(id, 'delivered');
  });

  it('[WHA-06] an error in the acknowledgement', async () => {
    server.faults.refuseWith(463);
    const id = await alice.say(BOB, 'refused');
    await alice.reached(id, 'refused');
    expect(story(id)).toEqual(['message', 'acknowledged']);
  });

  it('[WHA-06] acknowledged, but never delivered', async () => {
    server.faults.drop(1);
    const id = await alice.say(BOB, 'dropped');
    await alice.say(BOB, 'kept');
    await bob.heard('kept');
    expect(alice.status(id)).toBe('sent');
    expect(bob.messages.map(({ text }) => text)).not.toContain('dropped');
  });

  it('[WHA-06] delivered once more', async () => {
    const id = await alice.say(BOB, 'twice');
    await alice.reached(id, 'sent');
    const refused = next('ack', (event) => event.id === id && event.error !== null);
    await server.faults.redeliver(BOB, { after: 'receipt' });
    await refused;
    expect(story(id)).toEqual(['message', 'acknowledged', 'delivered', 'receipt: delivered', 'delivered', 'ack']);
    expect(bob.messages.filter(({ text }) => text === 'twice')).toHaveLength(1);
    expect(server.phone(BOB).pending()).toBe(0);
  });

  it('[WHA-06] held back, and out of order', async () => {
    server.faults.hold();
    server.faults.reorder(true);
    const id = await alice.say(CAROL, 'first of two');
    await alice.reached(await alice.say(CAROL, 'second of two'), 'sent');
    expect(story(id)).not.toContain('delivered');
    server.faults.release();
    await carol.heard('first of two');
    server.faults.reorder(false);
    const heard = carol.messages.map(({ text }) => text).filter((text) => text.endsWith('of two'));
    expect(heard).toEqual(['second of two', 'first of two']);
  });

  it('[WHA-06] no one-time prekeys are left: a session begins without, and more are uploaded', async () => {
    server.faults.exhaustPrekeys(BOB);
    const uploaded = next('prekeys', ({ number }) => number === BOB);
    await using dora = await connectPerson(server, newNumber(), 'Dora');
    await dora.say(BOB, 'without a prekey');
    await bob.heard('without a prekey');
    expect((await uploaded).stored).toBeGreaterThan(0);
  });
});

describe('a connection', () => {
  it.each([401, 403, 405, 408, 411, 428, 500, 503])(
    '[WHA-05] ends with the code that the server gives: %i',
    async (code) => {
      const closed = carol.closes.length;
      server.faults.streamError(CAROL, code);
      await carol.waitFor(() => carol.closes[closed] === code, `is thrown out with ${code}`);
      await carol.connect();
    },
  );

  it('[WHA-05] ends with 440 when another client takes over', async () => {
    server.faults.streamError(CAROL, 'conflict');
    await carol.waitFor(() => carol.closes.at(-1) === 440, 'is thrown out');
    await carol.connect();
    const rival = await RawClient.connect(server);
    await rival.logIn(carol.session);
    await carol.waitFor(() => carol.closes.at(-1) === 440 && carol.closes.at(-2) === 440, 'is replaced');
    await carol.connect();
    await rival.closed;
  });

  it('[WHA-05] is made again at once after 515', async () => {
    const connected = next('connected', ({ number }) => number === CAROL);
    server.faults.streamError(CAROL, 515);
    await connected;
    await alice.say(CAROL, 'after the restart');
    await carol.heard('after the restart');
  });

  it('[WHA-06] goes to the server that it is meant for, of several in one process', async () => {
    const root = createRoot();
    await using one = await startWhatsAppServer({ root });
    await using other = await startWhatsAppServer({ root });
    const people = await Promise.all([connectPerson(one, ALICE), connectPerson(other, BOB)]);
    expect([one.phone(ALICE).devices, one.phone(BOB).devices, other.phone(BOB).devices]).toEqual([[1], [], [1]]);
    for (const person of people) await person.stop();
  });
});

describe('what is not the protocol', () => {
  /** `WA`, the version of the protocol, that of its dictionary; after routing information from before. */
  const INTRO = Buffer.from('454400010000026869' + '57410603', 'hex');
  type Send = (client: RawClient, garbage: Uint8Array) => Promise<void>;
  /** With how often, as a handshake takes its time. */
  const stages: readonly (readonly [string, number, Send])[] = [
    ['instead of the intro', 200, async (client, garbage) => client.send(garbage)],
    ['as the first message of the handshake', 200, async (client, garbage) => client.sendFrame(garbage)],
    [
      'as the last message of the handshake',
      200,
      async (client, garbage) => {
        await client.hello();
        client.sendFrame(garbage);
      },
    ],
    [
      'as a stanza of a device that is not linked',
      30,
      async (client, garbage) => {
        await client.register();
        client.sendFrame(garbage);
      },
    ],
    [
      'as a stanza of a device that is',
      30,
      async (client, garbage) => {
        await client.logIn(stranger.session);
        client.sendFrame(garbage);
      },
    ],
    [
      'as ciphertext',
      30,
      async (client, garbage) => {
        await client.logIn(stranger.session);
        client.send(frameOf(garbage));
      },
    ],
  ];
  let stranger: WhatsAppPerson;

  beforeAll(async () => {
    stranger = await connectPerson(server, newNumber(), 'Dora');
    await stranger.disconnect();
  });

  it.each(stages)('[WHA-06] harms nobody else: garbage %s', async (_stage, numRuns, send) => {
    const garbage = fc.uint8Array({ minLength: 4, maxLength: 200 });
    await fc.assert(
      fc.asyncProperty(garbage, async (bytes) => {
        const client = await RawClient.connect(server);
        await send(client, bytes);
        client.hangUp();
        await client.closed;
      }),
      { numRuns },
    );
    const id = await alice.say(BOB, 'still here');
    await alice.reached(id, 'delivered');
    expect(server.events().filter(({ type }) => type === 'violation').length).toBeGreaterThan(0);
  });

  it('[SEC-05] [WHA-06] is a prekey that the identity of the device has not signed', async () => {
    const { creds } = stranger.session;
    const signed = signedKeyPair(creds.signedIdentityKey, 2);
    const rotation = (signature: Uint8Array): BinaryNode =>
      stanza('iq', { id: 'R', type: 'set', xmlns: 'encrypt', to: S_WHATSAPP_NET }, [
        stanza('rotate', {}, [xmppSignedPreKey({ ...signed, signature })]),
      ]);
    const client = await RawClient.connect(server);
    await client.logIn(stranger.session);
    // What follows the one that is signed is the violation, so that one was taken.
    const violation = next('violation');
    client.sendStanza(rotation(signed.signature));
    client.sendStanza(stanza('surprise'));
    expect(await violation).toMatchObject({ reason: expect.stringContaining('<surprise>') });
    await client.closed;

    const another = await RawClient.connect(server);
    await another.logIn(stranger.session);
    const forgery = next('violation');
    another.sendStanza(rotation(randomBytes(64)));
    await another.closed;
    const reason = 'a signed prekey that its identity has not signed';
    expect(await forgery).toMatchObject({ number: stranger.number, reason });
  });

  it('[SEC-05] [WHA-06] is a registration with a prekey at random', async () => {
    const dora = new WhatsAppPerson(server, newNumber(), { name: 'Dora', link: 'qr' });
    const { creds } = dora.session;
    Object.assign(creds, { signedPreKey: { ...creds.signedPreKey, signature: randomBytes(64) } });
    await expect(dora.connect()).rejects.toThrow('a signed prekey that its identity has not signed');
    await dora.stop();
    expect(server.phone(dora.number).devices).toEqual([]);
  });

  it('[SEC-05] [WHA-06] is a device that has not signed what the phone says of it', () => {
    const phone = Curve.generateKeyPair();
    const device = Curve.generateKeyPair();
    const identity = Buffer.from(device.public);
    const { details } = certifyDevice(phone, { id: 1, identity, secret: randomBytes(32) });
    const signed = Buffer.concat([WA_ADV_DEVICE_SIG_PREFIX, details, identity, phone.public]);
    const answer = (deviceSignature: Uint8Array): Uint8Array =>
      proto.ADVSignedDeviceIdentity.encode({ details, deviceSignature }).finish();
    const verify = (bytes: Uint8Array): void =>
      verifyDeviceSignature(bytes, { details, identity, phone: phone.public });
    expect(() => verify(answer(Curve.sign(device.private, signed)))).not.toThrow();
    for (const signature of [Curve.sign(phone.private, signed), randomBytes(64)]) {
      expect(() => verify(answer(signature))).toThrow('a device that has not signed its identity');
    }
  });

  it('[WHA-06] harms nobody else: words of the protocol in the wrong places', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyStanza, { minLength: 20, maxLength: 20 }), async (stanzas) => {
        const client = await RawClient.connect(server);
        await client.logIn(stranger.session);
        for (const node of stanzas) client.sendStanza(node);
        client.hangUp();
        await client.closed;
      }),
      { numRuns: 15 },
    );
    const id = await alice.say(BOB, 'still here after all');
    await alice.reached(id, 'delivered');
  });

  it('[WHA-06] is told from frames that come in pieces', () => {
    const chunked = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 5 }).chain((frames) => {
      const stream = Buffer.concat([INTRO, ...frames.map(frameOf)]);
      const cuts = fc.array(fc.nat({ max: stream.length }), { maxLength: 10 });
      return cuts.map((at) => ({ frames, stream, cuts: [0, ...at.toSorted((a, b) => a - b), stream.length] }));
    });
    fc.assert(
      fc.property(chunked, ({ frames, stream, cuts }) => {
        const reader = new FrameReader(40);
        const read = cuts.slice(1).flatMap((end, index) => [...reader.read(stream.subarray(cuts[index], end))]);
        expect(read.map((frame) => [...frame])).toEqual(frames.map((frame) => [...frame]));
      }),
    );
  });

  it.each([
    ['a stanza that nobody sends', stanza('surprise')],
    ['a query without an id', stanza('iq', { type: 'get', xmlns: 'usync' })],
    ['a message without a recipient', stanza('message', { id: 'X', type: 'text' })],
    ['a message to nowhere', stanza('message', { id: 'X', type: 'text', to: 'nobody' })],
    ['a message in the clear', stanza('message', { id: 'X', type: 'text', to: `${BOB}@s.whatsapp.net` })],
    ['a message of an unknown kind', message('X', stanza('enc', { v: 2, type: 'rot13' }, Buffer.from('x')))],
    ['a new session of nobody', message('X', stanza('enc', { v: 2, type: 'pkmsg' }, Buffer.from('x')))],
    ['a receipt of an unknown kind', stanza('receipt', { id: 'X', type: 'maybe', to: `${BOB}@s.whatsapp.net` })],
    ['prekeys of nobody', stanza('iq', { id: 'X', type: 'set', xmlns: 'encrypt' }, [stanza('list')])],
  ])('[WHA-06] closes the connection of a client that sends %s', async (_what, node) => {
    const client = await RawClient.connect(server);
    await client.logIn(stranger.session);
    const violation = next('violation');
    client.sendStanza(node);
    await client.closed;
    expect(await violation).toMatchObject({ number: stranger.number });
  });
});

/** Stanzas that a client could send, if it were not for what is in them. */
const anyStanza = fc.letrec<{ node: ReturnType<typeof stanza> }>((tie) => ({
  node: fc
    .tuple(
      fc.constantFrom(
        'iq',
        'message',
        'receipt',
        'ack',
        'chatstate',
        'ib',
        'enc',
        'participants',
        'to',
        'usync',
        'list',
      ),
      fc.dictionary(
        fc.constantFrom('id', 'to', 'type', 'xmlns', 'class', 'jid', 'participant', 'recipient', 'v', 'stage'),
        fc.constantFrom(
          '1',
          '2',
          'get',
          'set',
          'encrypt',
          'usync',
          'w:g2',
          'pkmsg',
          'message',
          'retry',
          `${BOB}@lid`,
          'x@g.us',
        ),
      ),
      fc.option(fc.oneof(fc.uint8Array({ maxLength: 8 }), fc.array(tie('node'), { maxLength: 3 })), { nil: undefined }),
    )
    .map(([tag, attributes, content]) => stanza(tag, attributes, content)),
})).node;

function message(id: string, ciphertext: ReturnType<typeof stanza>): ReturnType<typeof stanza> {
  return stanza('message', { id, type: 'text', to: `${BOB}@s.whatsapp.net` }, [ciphertext]);
}
