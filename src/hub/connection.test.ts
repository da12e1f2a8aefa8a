import { once } from 'node:events';
import { createConnection } from 'node:net';
import { describe, expect, it } from 'vitest';
import { HUB_TEST_SECRET, type HubFixture, openHub } from '../../test/support/hub.ts';
import { ManualClock } from '../lib/manual-clock.ts';

describe('registering', () => {
  it('[HUB-03] gives an id, and tells the others', async () => {
    await using hub = await openHub();
    const first = await hub.join('first');
    const second = await hub.connect();
    second.register('network-ai', { workspace: 'ai-comms', skills: ['networking', 'automation'] });
    expect(await second.next('registered')).toEqual({
      type: 'registered',
      agentId: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/),
      message: expect.any(String),
      session: expect.any(String),
    });
    const about = { type: 'event', name: 'network-ai', workspace: 'ai-comms', skills: ['networking', 'automation'] };
    expect(await first.next('event')).toEqual({ ...about, event: 'agent-joined' });
    second.socket.close();
    expect(await first.next('event')).toEqual({ ...about, event: 'agent-left' });
    expect(second.frames).toEqual([]);
  });

  it('[HUB-03] is refused with 4003 to a wrong secret', async () => {
    await using hub = await openHub();
    for (const secret of ['wrong', '', undefined]) {
      const client = await hub.connect();
      client.register('a', { secret });
      expect((await client.next('error'))['error']).toMatch(/secret is wrong/);
      expect((await client.closed).code).toBe(4003);
    }
  });

  it('[HUB-03] is refused with 4004 when the hub is full', async () => {
    await using hub = await openHub({ maxAgents: 1 });
    const first = await hub.join('first');
    const second = await hub.connect();
    second.register('second');
    expect((await second.closed).code).toBe(4004);
    first.socket.terminate();
    await expect.poll(async () => (await hub.ask('/health')).body['agents']).toBe(0);
    await hub.join('second');
  });

  it.each([
    ['null', 'null'],
    ['a secret that is a number', { type: 'register', name: 'a', secret: 123 }],
    ['no frame but a word', 'hello'],
    ['nothing', ''],
    ['bytes', Buffer.from([0, 159, 146, 150])],
    ['a list', []],
    ['another frame', { type: 'ping' }],
    ['a message', { type: 'agent-message', message: 'x' }],
    ['a name that is a path', { type: 'register', name: '../../x', secret: HUB_TEST_SECRET }],
    ['a name that is no text', { type: 'register', name: {}, secret: HUB_TEST_SECRET }],
    ['a name of JavaScript', { type: 'register', name: '__proto__', secret: HUB_TEST_SECRET }],
    ['skills that are no list', { type: 'register', name: 'a', skills: 'x', secret: HUB_TEST_SECRET }],
    ['JSON that is very deep', '['.repeat(5_000)],
  ])('[HUB-03] [HUB-06] [SEC-05] is what comes first, or it is 4001: %s', async (_what, frame) => {
    await using hub = await openHub();
    const honest = await hub.join('honest');
    const client = await hub.connect();
    client.send(frame);
    await client.next('error');
    expect((await client.closed).code).toBe(4001);
    honest.send({ type: 'ping' });
    await honest.next('pong');
  });

  it('[HUB-04] [SEC-05] has a deadline, or it is 4001', async () => {
    const clock = new ManualClock();
    await using hub = await openHub({ clock });
    const client = await hub.connect();
    await client.settled();
    clock.advance(9_999);
    await client.settled();
    expect(client.frames).toEqual([]);
    clock.advance(1);
    expect((await client.closed).code).toBe(4001);
  });

  it('[HUB-06] is all that 16 KiB are for: what is longer is cut off', async () => {
    await using hub = await openHub();
    const client = await hub.connect();
    client.send({ type: 'register', name: 'a', secret: 'x'.repeat(200_000) });
    expect((await client.closed).code).toBe(1006);
  });
});

describe('a name', () => {
  it('[HUB-04] [SEC-05] belongs to one connection: another is refused, and the first stays', async () => {
    await using hub = await openHub();
    const first = await hub.join('a');
    for (const session of [undefined, 'wrong']) {
      const second = await hub.connect();
      second.register('a', { session });
      expect((await second.closed).code).toBe(4003);
    }
    first.answerAll();
    expect((await hub.ask('/task', { body: { agent: 'a', message: 'x' } })).body['response']).toBe('done: x');
  });

  it('[HUB-04] is taken over with the session, again and again', async () => {
    await using hub = await openHub();
    const first = await hub.connect();
    first.register('a');
    const { session, agentId } = await first.next('registered');
    const second = await hub.connect();
    second.register('a', { session });
    const again = await second.next('registered');
    expect(again['session']).toBe(session);
    expect(again['agentId']).not.toBe(agentId);
    expect((await first.closed).code).toBe(4001);
    const third = await hub.join('a', { session });
    third.answerAll();
    expect((await hub.ask('/task', { body: { agent: 'a', message: 'x' } })).body['success']).toBe(true);
    expect((await hub.ask('/agents')).body['agents']).toHaveLength(1);
  });

  it('[HUB-07] keeps its open tasks: whoever takes it over, or comes back, is given them again', async () => {
    await using hub = await openHub();
    const first = await hub.connect();
    first.register('a');
    const { session } = await first.next('registered');
    const asked = hub.ask('/task', { body: { agent: 'a', message: 'x' } });
    const task = await first.next('task');
    const second = await hub.join('a', { session });
    expect(await second.next('task')).toEqual(task);
    second.socket.terminate();
    await expect.poll(async () => (await hub.ask('/health')).body['agents']).toBe(0);
    const third = await hub.join('a');
    expect(await third.next('task')).toEqual(task);
    third.send({ type: 'task-response', requestId: task['requestId'], response: 'at last' });
    expect((await asked).body['response']).toBe('at last');
  });
});

describe('an agent', () => {
  it('[HUB-04] that says nothing is asked, and leaves after 90 s', async () => {
    const clock = new ManualClock();
    await using hub = await openHub({ clock });
    const other = await hub.join('other');
    const agent = await hub.join('silent');
    await agent.settled();
    agent.socket.pong = () => undefined;
    let asked = 0;
    agent.socket.on('ping', () => asked++);
    // As a machine that was cut off: nothing that it says arrives.
    agent.socket.pause();
    for (const ms of [30_000, 30_000, 29_999]) {
      clock.advance(ms);
      await other.settled();
    }
    expect((await hub.ask('/health')).body['agents']).toBe(2);
    clock.advance(1);
    await other.next('event', ({ event }) => event === 'agent-left');
    expect((await hub.ask('/health')).body['agents']).toBe(1);
    agent.socket.resume();
    expect((await agent.closed).code).toBe(1006);
    expect(asked).toBe(2);
  });

  it('[HUB-03] may ask whether the hub is there', async () => {
    await using hub = await openHub();
    const agent = await hub.join('a');
    agent.send({ type: 'ping' });
    agent.send({ type: 'pong' });
    await agent.next('pong');
    await agent.settled();
    expect(agent.frames).toEqual([]);
  });

  it('[HUB-03] sends messages to another', async () => {
    await using hub = await openHub();
    const [a, b] = [await hub.join('a'), await hub.join('b')];
    a.send({ type: 'agent-message', target: 'b', message: { any: ['JSON', null] } });
    expect(await b.next('agent-message')).toEqual({
      type: 'agent-message',
      from: 'a',
      message: { any: ['JSON', null] },
    });
  });

  it('[HUB-04] [SEC-05] is told when its message could not be delivered', async () => {
    await using hub = await openHub();
    const a = await hub.join('a');
    a.send({ type: 'agent-message', target: 'b', message: 'x' });
    expect((await a.next('error'))['error']).toMatch(/^b is not connected.*not delivered/);
  });

  it('[HUB-06] answers only its own tasks', async () => {
    await using hub = await openHub();
    const [a, b] = [await hub.join('a'), await hub.join('b')];
    const asked = hub.ask('/task', { body: { agent: 'a', message: 'x' } });
    const { requestId } = await a.next('task');
    b.send({ type: 'task-response', requestId, response: 'forged' });
    b.send({ type: 'task-progress', requestId, progress: 'forged' });
    await b.next('error');
    await b.next('error');
    a.send({ type: 'task-response', requestId, response: 'true' });
    expect((await asked).body['response']).toBe('true');
  });

  it('[HUB-06] [SEC-05] may make a few mistakes, and is then closed', async () => {
    await using hub = await openHub();
    const agent = await hub.join('a');
    const mistakes = [
      null,
      {},
      { type: 'nothing' },
      { type: 'agent-message' },
      { type: 'agent-message', message: 'no target' },
      { type: 'agent-message', target: 5, message: 'x' },
      { type: 'task-response' },
      { type: 'task-response', requestId: {}, response: 1 },
      { type: 'register', name: 'a' },
      Buffer.from('{"type":"ping"}'),
    ];
    for (const mistake of mistakes) agent.send(mistake);
    for (const _ of mistakes) await agent.next('error');
    agent.send({ type: 'ping' });
    await agent.next('pong');
    agent.send('one too many');
    expect((await agent.closed).code).toBe(1008);
  });

  it('[HUB-06] that sends too fast is closed with 4006', async () => {
    await using hub = await openHub({ clock: new ManualClock() });
    const agent = await hub.join('a');
    for (let n = 0; n < 500; n++) agent.send({ type: 'ping' });
    expect((await agent.closed).code).toBe(4006);
  });

  it.each([
    ['a frame of more than 1 MiB', 1009, ['x'.repeat(1024 * 1024 + 5_000)]],
    ['a flood of fragments', 1008, Array.from({ length: 300 }, () => 'x')],
  ])('[HUB-06] that sends %s is closed', async (_what, code, fragments) => {
    await using hub = await openHub();
    const agent = await hub.join('a');
    for (const [n, part] of fragments.entries()) agent.socket.send(part, { fin: n === fragments.length - 1 });
    expect((await agent.closed).code).toBe(code);
  });
});

describe('an address', () => {
  const trustedProxies = ['127.0.0.1'];

  it('[HUB-03] has only so many connections: the next is 4005', async () => {
    await using hub = await openHub({ maxPerAddress: 2, trustedProxies });
    const forwardedFor = '192.0.2.1';
    const [first] = [await hub.join('a', { forwardedFor }), await hub.join('b', { forwardedFor })];
    const third = await hub.connect({ forwardedFor });
    expect((await third.closed).code).toBe(4005);
    await hub.join('d', { forwardedFor: '192.0.2.2' });
    first.socket.terminate();
    await expect.poll(async () => (await hub.ask('/health')).body['agents']).toBe(2);
    await hub.join('c', { forwardedFor });
  });

  it('[HUB-06] [SEC-05] does not become another by saying so: 300 sockets are 300 sockets', async () => {
    await using hub = await openHub({ maxPerAddress: 20 });
    const clients = await Promise.allSettled(
      Array.from({ length: 100 }, (_, n) => hub.connect({ forwardedFor: `192.0.2.${n}` })),
    );
    const open = clients.flatMap((client) => (client.status === 'fulfilled' ? [client.value] : []));
    const codes = open.slice(20).map(async (client) => (await client.closed).code);
    expect(new Set(await Promise.all(codes))).toEqual(new Set([4005]));
  });

  it('[HUB-06] [SEC-05] may guess ten secrets, by whatever door, and is then not even asked', async () => {
    const clock = new ManualClock();
    await using hub = await openHub({ clock, trustedProxies });
    const spoofed = (n: number) => ({ 'x-forwarded-for': `198.51.100.${n}, 192.0.2.1` });
    for (let n = 0; n < 9; n++)
      expect((await hub.ask('/agents', { secret: `guess ${n}`, headers: spoofed(n) })).status).toBe(401);
    const client = await hub.connect({ forwardedFor: '192.0.2.1' });
    client.register('a', { secret: 'guess' });
    expect((await client.closed).code).toBe(4003);
    // The secret is right now, and it does not help.
    const locked = await hub.ask('/agents', { headers: spoofed(10) });
    expect([locked.status, Number(locked.headers.get('retry-after'))]).toEqual([429, 6]);
    const barred = await hub.connect({ forwardedFor: '192.0.2.1' });
    expect((await barred.closed).code).toBe(4006);
    expect((await hub.ask('/agents', { headers: { 'x-forwarded-for': '192.0.2.2' } })).status).toBe(200);
    clock.advance(6_000);
    expect((await hub.ask('/agents', { headers: spoofed(11) })).status).toBe(200);
  });

  it('[HUB-02] [HUB-06] that asks too much is told to wait', async () => {
    const clock = new ManualClock();
    await using hub = await openHub({ clock });
    const statuses = new Set<number>();
    for (let n = 0; n < 200; n++) statuses.add((await hub.ask('/health')).status);
    expect([...statuses]).toEqual([200]);
    const { status, headers } = await hub.ask('/health');
    expect([status, headers.get('retry-after')]).toEqual([429, '1']);
    await expect(hub.connect()).rejects.toThrow('429');
    clock.advance(1_000);
    expect((await hub.ask('/health')).status).toBe(200);
  });
});

describe('a hub', () => {
  it('[HUB-01] is one of several in a process', async () => {
    await using one = await openHub();
    await using two = await openHub({ maxAgents: 1 });
    await one.join('a');
    await two.join('a');
    await one.join('b');
    const agents = async (hub: HubFixture) => (await hub.ask('/health')).body['agents'];
    expect([await agents(one), await agents(two)]).toEqual([2, 1]);
  });

  it('[HUB-06] speaks WebSocket at its own paths, and survives what is no handshake', async () => {
    await using hub = await openHub();
    const { port } = new URL(hub.url);
    for (const head of [
      'GET /elsewhere HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket',
      'GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: no',
      'GET // HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c',
      'POST / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: -5',
    ]) {
      const socket = createConnection({ port: Number(port), host: '127.0.0.1' });
      // It never closes its own side: that is up to the hub.
      socket.resume().write(`${head}\r\n\r\n`);
      await once(socket, 'close');
    }
    await hub.join('a');
  });
});
