import type { LookupAddress } from 'node:dns';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { serving } from '../../test/support/http-server.ts';
import { temporaryFolder } from '../../test/support/spool.ts';
import type { Clock } from '../lib/clock.ts';
import { ManualClock } from '../lib/manual-clock.ts';
import { ForwardProxy, MAX_CONNECTIONS, type NetworkPolicy } from './forward-proxy.ts';

const address = (ip: string): LookupAddress => ({ address: ip, family: ip.includes(':') ? 6 : 4 });
const at = (...ips: readonly string[]) => ({ resolve: async () => ips.map(address) });
/** Every name is this machine, which is allowed: what else is looked at is the same. */
const LOCAL = { allow: 'loopback', ...at('127.0.0.1') } as const;

/** A proxy with a client that speaks in bytes. */
class TestProxy implements AsyncDisposable {
  readonly #folder = temporaryFolder();
  readonly #proxy: ForwardProxy;
  readonly path = join(this.#folder.path, 's');

  constructor(policy: NetworkPolicy, clock: Clock) {
    this.#proxy = new ForwardProxy(policy, clock);
  }

  static async open(policy: Partial<NetworkPolicy> = {}, clock: Clock = new ManualClock()): Promise<TestProxy> {
    const proxy = new TestProxy({ hosts: ['host.example:*'], ...LOCAL, ...policy }, clock);
    await proxy.#proxy.listen(proxy.path);
    return proxy;
  }

  async connect(): Promise<Socket> {
    const socket = connect(this.path);
    socket.on('error', () => {});
    await once(socket, 'connect');
    return socket;
  }

  /** All that is said until the connection ends. */
  async says(...lines: readonly string[]): Promise<string> {
    const socket = await this.connect();
    socket.write(lines.join('\r\n'), 'latin1');
    return await rest(socket);
  }

  /** What is said to a request without a body. */
  async to(line: string, ...headers: readonly string[]): Promise<string> {
    return await this.says(`${line} HTTP/1.1`, 'Host: other.example', ...headers, '', '');
  }

  close(): Promise<void> {
    return this.#proxy[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
    this.#folder.remove();
  }
}

async function rest(socket: Socket): Promise<string> {
  let said = '';
  socket.setEncoding('latin1').on('data', (text: string) => {
    said += text;
  });
  await once(socket, 'close').catch(() => {});
  return said;
}

/** A server that answers requests with `here`, and what it has been asked. */
async function answering() {
  const seen: { method: unknown; url: unknown; headers: IncomingMessage['headersDistinct']; body: string }[] = [];
  const server = await serving(async (request, response) => {
    const body = (await request.toArray()).join('');
    seen.push({ method: request.method, url: request.url, headers: request.headersDistinct, body });
    response.setHeader('x-answer', 'yes').end('here');
  });
  return { seen, host: `host.example:${server.port}`, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

/** A server of plain bytes. */
async function listening(onConnection: (socket: Socket) => void) {
  const sockets: Socket[] = [];
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.push(socket.on('error', () => {}));
    onConnection(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    sockets,
    host: `host.example:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

describe('a request to an allowed host', () => {
  it('[TOL-02] gets there with its body, and its answer back', async () => {
    await using server = await answering();
    await using proxy = await TestProxy.open();
    const said = await proxy.to(`PUT http://${server.host}/a/b?c=d#e`, 'Content-Length: 5', 'X-Word: one', '', 'hello');
    expect(said).toMatch(/^HTTP\/1\.1 200 OK\r\n.*x-answer: yes\r\n.*\r\n\r\nhere$/s);
    expect(server.seen).toMatchObject([
      { method: 'PUT', url: '/a/b?c=d', headers: { 'x-word': ['one'] }, body: 'hello' },
    ]);
  });

  it.each([
    ['as it is', ['host.example:*'], 'host.example'],
    ['in upper case', ['Host.EXAMPLE:*'], 'HOST.example'],
    ['with the dot of the root', ['host.example:*'], 'host.example.'],
    ['below a pattern', ['*.example:*'], 'host.example'],
    ['that every host is', ['*:*'], 'some_host.example'],
    ['as IDNA has it', ['xn--bcher-kva.example:*'], 'xn--bcher-kva.example'],
  ])('[TOL-02] gets there by a name %s, and so does a tunnel', async (_what, hosts, name) => {
    await using server = await answering();
    await using proxy = await TestProxy.open({ hosts });
    const target = server.host.replace('host.example', name);
    expect(await proxy.to(`GET http://${target}/`)).toContain('here');
    const tunnel = await proxy.to(`CONNECT ${target}`, '', 'GET / HTTP/1.1', 'Host: x', 'Connection: close');
    expect(tunnel).toMatch(/^HTTP\/1\.1 200 Connection Established\r\n\r\nHTTP\/1\.1 200 OK.*here/s);
    expect(server.seen).toHaveLength(2);
  });

  it('[TOL-02] tells the host the name that was looked at, whatever the client called it', async () => {
    await using server = await answering();
    await using proxy = await TestProxy.open();
    for (const host of ['Host: secret.example', 'Host: host.example\r\nHost: secret.example', 'host:'])
      await proxy.says(`GET http://HOST.example:${server.host.split(':')[1]}/ HTTP/1.1`, host, '', '');
    expect(server.seen.map(({ headers }) => headers['host'])).toEqual([[server.host], [server.host], [server.host]]);
  });

  it('[TOL-02] brings along nothing that was for the proxy alone', async () => {
    await using server = await answering();
    await using proxy = await TestProxy.open();
    const own = ['Connection: x-mine, Content-Length', 'X-Mine: 1', 'Proxy-Connection: keep-alive', 'TE: trailers'];
    const more = ['Keep-Alive: 5', 'Upgrade: websocket', 'Expect: 100-continue', 'Proxy-Authorization: Basic YTpi'];
    const said = await proxy.to(`POST http://${server.host}/`, ...own, ...more, 'Content-Length: 2', 'X: 1', '', 'ab');
    expect(said).toContain('here');
    expect(server.seen).toHaveLength(1);
    const [{ headers, body } = { headers: {}, body: '' }] = server.seen;
    expect({ ...headers }).toEqual({ connection: ['close'], 'content-length': ['2'], host: [server.host], x: ['1'] });
    expect(body).toBe('ab');
  });

  it('[TOL-02] gets the answer without what was for the proxy alone, and in one way of saying where it ends', async () => {
    const answer = [
      'HTTP/1.1 200 OK',
      'Connection: x-own',
      'X-Own: 1',
      'Keep-Alive: 5',
      'Set-Cookie: a',
      'Set-Cookie: b',
    ];
    await using server = await listening((socket) =>
      socket.end([...answer, 'Transfer-Encoding: chunked', '', '2', 'ab', '0', '', ''].join('\r\n')),
    );
    await using proxy = await TestProxy.open();
    const [head = '', body] = (await proxy.to(`GET http://${server.host}/`)).split('\r\n\r\n');
    expect(head.toLowerCase().split('\r\n').slice(1).sort()).toEqual(
      ['connection: close', 'set-cookie: a', 'set-cookie: b', 'transfer-encoding: chunked']
        .concat(head.match(/^date: .*$/im)?.[0].toLowerCase() ?? [])
        .sort(),
    );
    expect(body).toBe('2\r\nab\r\n0');
  });

  it.each([
    ['that breaks off', 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc', /^HTTP\/1\.1 200 .*abc$/s],
    ['that is none', 'hello\r\n\r\n', /^HTTP\/1\.1 502 /],
    ['with two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab', /^HTTP\/1\.1 502 /],
    ['that changes the protocol', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n', /^HTTP\/1\.1 502 /],
    ['of nothing', '', /^HTTP\/1\.1 502 /],
  ])('[TOL-02] ends the connection after an answer %s', async (_what, raw, expected) => {
    await using server = await listening((socket) => socket.end(raw));
    await using proxy = await TestProxy.open();
    expect(await proxy.to(`GET http://${server.host}/`)).toMatch(expected);
  });
});

describe('a tunnel', () => {
  it('[TOL-02] carries bytes both ways, also after the client has said all', async () => {
    await using server = await listening(async (socket) => {
      const heard = (await socket.toArray()).join('');
      socket.end(`heard ${heard}`);
    });
    await using proxy = await TestProxy.open();
    const socket = await proxy.connect();
    socket.write(`CONNECT ${server.host} HTTP/1.1\r\nHost: ${server.host}\r\n\r\nearly `);
    await once(socket, 'data');
    socket.end('late');
    expect(await rest(socket)).toBe('heard early late');
  });

  it('[TOL-02] carries bytes both ways, also after the host has said all', async () => {
    const heard = Promise.withResolvers<string>();
    await using server = await listening(async (socket) => {
      socket.end('hello');
      heard.resolve((await socket.toArray()).join(''));
    });
    await using proxy = await TestProxy.open();
    const socket = connect({ path: proxy.path, allowHalfOpen: true });
    socket.write(`CONNECT ${server.host} HTTP/1.1\r\nHost: ${server.host}\r\n\r\n`);
    await once(socket.resume(), 'end');
    socket.end('late');
    expect(await heard.promise).toBe('late');
  });

  it('[TOL-02] ends for the host when the client goes, and for the client when the host goes', async () => {
    await using server = await listening((socket) => socket.write('hello'));
    await using proxy = await TestProxy.open();
    for (const goes of ['client', 'host']) {
      const client = await proxy.connect();
      client.write(`CONNECT ${server.host} HTTP/1.1\r\nHost: x\r\n\r\n`);
      await once(client, 'data');
      await expect.poll(() => server.sockets.length).toBe(goes === 'client' ? 1 : 2);
      const host = server.sockets.at(-1);
      if (!host) throw new Error('nobody has connected');
      const [gone, other] = goes === 'client' ? [client, host] : [host, client];
      const closed = once(other, 'close');
      other.resume().on('end', () => other.end());
      gone === host ? host.resetAndDestroy() : client.destroy();
      await closed;
    }
  });
});

describe('a request that is refused', () => {
  it.each([
    [
      'CONNECT evil.example:443',
      403,
      /evil\.example is not an allowed host; allowed are host\.example:\*\. .*sandbox\.network/,
    ],
    ['GET http://evil.example/', 403, /evil\.example is not an allowed host.*sandbox\.network/],
    ['GET http://host.example.evil.example/', 403, /not an allowed host/],
    ['CONNECT badhost.example:443', 403, /not an allowed host/],
    ['CONNECT host.example..:443', 403, /not an allowed host/],
    ['CONNECT 1.1.1.1:443', 403, /1\.1\.1\.1 is not an allowed host/],
    ['CONNECT [2606:4700::1111]:443', 403, /not an allowed host/],
    ['GET http://ev%69l.example/', 403, /evil\.example is not an allowed host/],
    ['GET http://host.example%2eevil.example/', 403, /host\.example\.evil\.example is not/],
    ['GET http://host.example@evil.example/', 403, /user name/],
    ['GET http://me:pw@host.example/', 403, /user name/],
    ['GET http://evil.example\\@host.example/', 400, /Bad Request/],
    ['CONNECT host.example', 400, /host and a port/],
    ['CONNECT host.example:', 400, /host and a port/],
    ['CONNECT host.example:99999', 400, /host and a port/],
    ['CONNECT me@host.example:443', 400, /host and a port/],
    ['CONNECT ho%73t.example:443', 400, /host and a port/],
    ['CONNECT host.example/:443', 400, /host and a port/],
    ['CONNECT http://host.example:443', 400, /host and a port/],
    ['GET /', 400, /This is a proxy/],
    ['OPTIONS *', 400, /This is a proxy/],
    ['GET https://host.example/', 400, /This is a proxy/],
    ['GET ftp://host.example/', 400, /This is a proxy/],
    ['GET http:host.example', 400, /This is a proxy|Bad Request/],
    ['GET http://b\xc3\xbccher.example/', 400, /This is a proxy|Bad Request/],
  ])('[TOL-02] is told why: %s', async (line, status, reason) => {
    const asked: string[] = [];
    const resolve = async (host: string) => {
      asked.push(host);
      return [address('127.0.0.1')];
    };
    await using proxy = await TestProxy.open({ resolve });
    const said = await proxy.to(line);
    expect(said).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(said).toMatch(reason);
    expect(asked).toEqual([]);
  });

  it.each([
    '127.0.0.1',
    '2130706433',
    '0x7f.1',
    '0177.0.0.1',
    '127.1',
    '0.0.0.0',
    '10.0.0.1',
    '100.64.0.1',
    '169.254.169.254',
    '[::1]',
    '[::]',
    '[::ffff:127.0.0.1]',
    '[::ffff:a9fe:a9fe]',
    '[64:ff9b::7f00:1]',
    '[fd00::1]',
    '[fe80::1]',
  ])('[TOL-02] [SEC-05] is one to %s, even where every host is allowed', async (host) => {
    await using server = await answering();
    await using proxy = await TestProxy.open({ hosts: ['*:*'], allow: 'public' });
    const port = server.host.split(':')[1];
    for (const line of [`GET http://${host}:${port}/`, `CONNECT ${host}:${port}`])
      expect(await proxy.to(line)).toMatch(/^HTTP\/1\.1 403 .* has an address that is not public/s);
    expect(server.seen).toEqual([]);
  });

  it.each([
    [['127.0.0.1']],
    [['10.0.0.7']],
    [['169.254.169.254']],
    [['::ffff:10.0.0.7']],
    [['fd00::7']],
    [['1.1.1.1', '127.0.0.1']],
    [['::1', '2606:4700::1111']],
  ])('[TOL-02] [SEC-05] is one to an allowed name at %j, and the address stays untold', async (ips) => {
    await using server = await answering();
    await using proxy = await TestProxy.open({ allow: 'public', ...at(...ips) });
    for (const line of [`GET http://${server.host}/`, `CONNECT ${server.host}`]) {
      const said = await proxy.to(line);
      expect(said).toMatch(/^HTTP\/1\.1 403 .*host\.example has an address that is not public/s);
      for (const ip of ips) expect(said).not.toContain(ip);
    }
    expect(server.seen).toEqual([]);
  });

  it('[TOL-02] [SEC-05] is one to a name that leads elsewhere a moment later', async () => {
    await using server = await answering();
    const answers = [['127.0.0.1'], ['10.0.0.7']];
    await using proxy = await TestProxy.open({ resolve: async () => (answers.shift() ?? []).map(address) });
    expect(await proxy.to(`GET http://${server.host}/`)).toContain('here');
    expect(await proxy.to(`GET http://${server.host}/`)).toMatch(/^HTTP\/1\.1 403 /);
    expect(server.seen).toHaveLength(1);
  });

  it.each([
    ['has no address', at()],
    ['has nobody there', at('127.0.0.1')],
  ])('[TOL-02] is one to a host that %s', async (_what, found) => {
    await using proxy = await TestProxy.open(found);
    for (const line of ['GET http://host.example:1/', 'CONNECT host.example:1'])
      expect(await proxy.to(line)).toMatch(/^HTTP\/1\.1 502 .*host\.example:1 cannot be reached: /s);
  });
});

describe('what could be taken for another request', () => {
  const INNER = 'GET /inner HTTP/1.1\r\nHost: secret.example\r\n\r\n';
  const CHUNKED = `${INNER.length.toString(16)}\r\n${INNER}\r\n0\r\n\r\n`;

  it.each([
    ['a length and chunks', ['Content-Length: 4', 'Transfer-Encoding: chunked']],
    ['chunks and a length', ['Transfer-Encoding: chunked', 'Content-Length: 4']],
    ['two lengths', ['Content-Length: 0', `Content-Length: ${CHUNKED.length}`]],
    ['a length of another kind', ['Content-Length: +4']],
    ['a list of lengths', ['Content-Length: 4, 4']],
    ['chunks and something after', ['Transfer-Encoding: chunked, identity']],
    ['something like chunks', ['Transfer-Encoding: xchunked']],
    ['a space before the colon', ['Transfer-Encoding : chunked']],
    ['a folded line', ['X: 1', ' Transfer-Encoding: chunked']],
    ['a carriage return', ['X: 1\rTransfer-Encoding: chunked']],
    ['a NUL', ['X: \0']],
  ])('[TOL-02] [SEC-05] is refused as a whole: %s', async (_what, headers) => {
    await using server = await answering();
    await using proxy = await TestProxy.open();
    const said = await proxy.to(`POST http://${server.host}/`, ...headers, '', CHUNKED);
    expect(said).toMatch(/^HTTP\/1\.1 400 Bad Request/);
    expect(server.seen.filter(({ url }) => url === '/inner')).toEqual([]);
    expect(server.seen).toEqual([]);
  });

  it.each(['GET', 'HEAD', 'DELETE', 'OPTIONS', 'POST'])(
    '[TOL-02] [SEC-05] is the body of a %s in chunks, and stays that',
    async (method) => {
      await using server = await answering();
      await using proxy = await TestProxy.open();
      const headers = ['Transfer-Encoding: chunked', 'Connection: transfer-encoding'];
      await proxy.to(`${method} http://${server.host}/outer`, ...headers, '', CHUNKED);
      expect(server.seen).toMatchObject([
        { url: '/outer', headers: { 'transfer-encoding': ['chunked'] }, body: INNER },
      ]);
    },
  );

  it('[TOL-02] [SEC-05] comes after a request, and is not read', async () => {
    await using server = await answering();
    await using proxy = await TestProxy.open();
    const outer = [`GET http://${server.host}/outer HTTP/1.1`, 'Host: x', '', ''].join('\r\n');
    const inner = outer.replace('outer', 'inner');
    const said = await proxy.says(`${outer}${inner}${inner}`);
    expect(said.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(1);
    expect(said).toMatch(/Connection: close/i);
    await proxy.says(`${outer}CONNECT ${server.host} HTTP/1.1\r\nHost: x\r\n\r\n${inner}`);
    expect(server.seen.filter(({ url }) => url !== '/outer')).toEqual([]);
  });

  it('[TOL-02] [SEC-05] comes after a tunnel that was refused, and is not read', async () => {
    await using server = await answering();
    await using proxy = await TestProxy.open();
    const said = await proxy.to('CONNECT evil.example:443', '', `GET http://${server.host}/ HTTP/1.1`, 'Host: x');
    expect(said.match(/HTTP\/1\.1 /g)).toHaveLength(1);
    expect(server.seen).toEqual([]);
  });
});

describe('the limits of a proxy', () => {
  it('[TOL-02] headers are of a bounded size', async () => {
    await using proxy = await TestProxy.open();
    expect(await proxy.to('GET http://host.example/', `X: ${'x'.repeat(20_000)}`)).toMatch(/^HTTP\/1\.1 431 /);
  });

  it('[TOL-02] so many connections are open at a time, and no more', async () => {
    await using proxy = await TestProxy.open();
    const open = await Promise.all(Array.from({ length: MAX_CONNECTIONS }, () => proxy.connect()));
    const [first] = open;
    expect(await proxy.to('GET /')).toBe('');
    first?.destroy();
    await expect.poll(() => proxy.to('GET /')).toMatch(/^HTTP\/1\.1 400 /);
    for (const socket of open) socket.destroy();
  });

  it('[TOL-02] a client that takes its time with a request is not waited for', async () => {
    const clock = new ManualClock();
    await using proxy = await TestProxy.open({}, clock);
    const socket = await proxy.connect();
    socket.write('GET http://host.example/ HTTP/1.1\r\nX');
    await expect.poll(() => clock.armed).toBe(2);
    clock.advance(10_000);
    expect(await rest(socket)).toBe('');
    await expect.poll(() => clock.armed).toBe(0);
  });

  it('[TOL-02] a host that cannot be reached in time is not waited for', async () => {
    const clock = new ManualClock();
    const asked = Promise.withResolvers<void>();
    const resolve = () => {
      asked.resolve();
      return new Promise<never>(() => {});
    };
    await using proxy = await TestProxy.open({ resolve }, clock);
    const said = proxy.to('CONNECT host.example:443');
    await asked.promise;
    clock.advance(10_000);
    expect(await said).toMatch(/^HTTP\/1\.1 504 host\.example did not answer in 10 s/);
  });

  it('[TOL-02] a connection on which nothing passes is ended, and no other', async () => {
    const clock = new ManualClock();
    await using server = await listening((socket) => socket.pipe(socket));
    await using proxy = await TestProxy.open({}, clock);
    const socket = await proxy.connect();
    socket.write(`CONNECT ${server.host} HTTP/1.1\r\nHost: x\r\n\r\n`);
    await once(socket, 'data');
    for (let n = 0; n < 3; n++) {
      socket.write('more');
      await once(socket, 'data');
      clock.advance(60_000);
      await turn();
      expect(socket.destroyed || socket.readableEnded).toBe(false);
    }
    const ended = rest(socket);
    clock.advance(60_000);
    expect(await ended).toBe('');
    await expect.poll(() => server.sockets.map((one) => one.destroyed || one.readableEnded)).toEqual([true]);
  });

  it('[TOL-02] names are looked up a few at a time', async () => {
    let most = 0;
    let now = 0;
    const waiting: (() => void)[] = [];
    const resolve = async () => {
      most = Math.max(most, ++now);
      await new Promise<void>((go) => waiting.push(go));
      now--;
      return [];
    };
    await using proxy = await TestProxy.open({ resolve });
    const said = Promise.all(Array.from({ length: 6 }, () => proxy.to('CONNECT host.example:443')));
    for (let n = 0; n < 6; n++) {
      await expect.poll(() => waiting.length).toBeGreaterThan(0);
      waiting.shift()?.();
    }
    expect((await said).every((one) => one.startsWith('HTTP/1.1 502'))).toBe(true);
    expect(most).toBe(2);
  });
});

describe('the end of a proxy', () => {
  it('[TOL-02] is the end of everything that is open', async () => {
    const clock = new ManualClock();
    const hosts: Promise<unknown>[] = [];
    await using server = await listening((socket) => hosts.push(once(socket.resume(), 'end')));
    const asked = Promise.withResolvers<void>();
    const resolve = async (host: string) => {
      if (host === 'host.example') return [address('127.0.0.1')];
      asked.resolve();
      return await new Promise<never>(() => {});
    };
    await using proxy = await TestProxy.open({ hosts: ['*:*'], resolve }, clock);
    const begun = [
      '',
      `CONNECT ${server.host} HTTP/1.1\r\nHost: x\r\n\r\n`,
      `GET http://${server.host}/ HTTP/1.1\r\nHost: x\r\n\r\n`,
      'CONNECT slow.example:443 HTTP/1.1\r\nHost: x\r\n\r\n',
    ];
    const ends = begun.map(async (text) => {
      const socket = await proxy.connect();
      socket.write(text);
      return await rest(socket);
    });
    await asked.promise;
    await expect.poll(() => server.sockets.length).toBe(2);
    await proxy.close();
    await Promise.all(ends);
    await Promise.all(hosts);
    expect(clock.armed).toBe(0);
    await expect(proxy.connect()).rejects.toThrow(/ENOENT|ECONNREFUSED/);
  });

  it('[TOL-02] that comes while a client waits for a connection leaves none', async () => {
    await using server = await listening(() => {});
    const asked = Promise.withResolvers<void>();
    const found = Promise.withResolvers<void>();
    const resolve = async () => {
      asked.resolve();
      await found.promise;
      return [address('127.0.0.1')];
    };
    await using proxy = await TestProxy.open({ resolve });
    const said = proxy.to(`CONNECT ${server.host}`);
    await asked.promise;
    await proxy.close();
    found.resolve();
    expect(await said).toBe('');
    await turn();
    expect(server.sockets).toEqual([]);
  });
});
