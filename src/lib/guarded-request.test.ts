import type { LookupAddress } from 'node:dns';
import { createServer as createTlsServer } from 'node:https';
import { describe, expect, it } from 'vitest';
import { selfSignedCertificate } from '../../test/support/certificate.ts';
import { serving } from '../../test/support/http-server.ts';
import { type GuardedRequest, guardedRequest, type RequestSurroundings } from './guarded-request.ts';
import { ManualClock } from './manual-clock.ts';

const ask = (url: string, changes: Partial<GuardedRequest> = {}, surroundings: RequestSurroundings = {}) =>
  guardedRequest(
    { url: new URL(url), allow: 'loopback', timeoutMs: 60_000, maxBytes: 1000, ...changes },
    { clock: new ManualClock(), ...surroundings },
  );

const address = (ip: string): LookupAddress => ({ address: ip, family: ip.includes(':') ? 6 : 4 });

/** A resolver that knows one answer for every name, and which names it was asked for. */
function resolving(...ips: readonly string[]) {
  const asked: string[] = [];
  const resolve = async (host: string): Promise<readonly LookupAddress[]> => {
    asked.push(host);
    return ips.map(address);
  };
  return { asked, resolve };
}

/** A server that answers `here`, and how often it did. */
async function counting() {
  const seen = { requests: 0, connections: 0 };
  const server = await serving((_request, response) => {
    seen.requests++;
    response.end('here');
  });
  server.server.on('connection', () => seen.connections++);
  return { ...server, seen };
}

describe('a request to an allowed address', () => {
  it('[SEC-05] brings method, headers and body there, and the answer back', async () => {
    await using server = await serving(async (request, response) => {
      const body = (await request.toArray()).join('');
      response.writeHead(418, { 'x-echo': String(request.headers['x-word']) }).end(`${request.method} ${body}`);
    });
    const asked = { method: 'POST', headers: { 'x-word': 'hello' }, body: '✓' } as const;
    const answer = await ask(`${server.url}/path`, asked);
    expect(answer).toMatchObject({ ok: true, value: { status: 418, headers: { 'x-echo': 'hello' } } });
    expect(answer.ok && answer.value.body.toString()).toBe('POST ✓');
  });

  it('[SEC-05] goes by the name to the address that was looked at, and calls the host by its name', async () => {
    const hosts: unknown[] = [];
    await using server = await serving(({ headers }, response) => {
      hosts.push(headers.host);
      response.end();
    });
    const { asked, resolve } = resolving('127.0.0.1');
    expect(await ask(`http://agent.example:${server.port}/`, {}, { resolve })).toMatchObject({ ok: true });
    expect([asked, hosts]).toEqual([['agent.example'], [`agent.example:${server.port}`]]);
  });

  it('[SEC-05] tries the next address when nobody is at the first', async () => {
    await using server = await counting();
    const { resolve } = resolving('::1', '127.0.0.1');
    const url = `http://agent.example:${server.port}/`;
    expect(await ask(url, {}, { resolve })).toMatchObject({ ok: true });
  });

  it('[SEC-05] resolves names by itself', async () => {
    await using server = await counting();
    expect(await ask(`http://localhost:${server.port}/`)).toMatchObject({ ok: true });
  });

  it('[SEC-05] needs no address at all to be refused where any is allowed', async () => {
    await using server = await counting();
    expect(await ask(server.url, { allow: 'any' })).toMatchObject({ ok: true, value: { status: 200 } });
  });
});

describe('a request to another address', () => {
  it.each([
    '127.0.0.1',
    '2130706433',
    '0x7f.1',
    '0177.0.0.1',
    '127.1',
    '0.0.0.0',
    '[::1]',
    '[::ffff:127.0.0.1]',
    '[::]',
    '[fd00::1]',
    '100.64.0.1',
    '169.254.169.254',
  ])('[SEC-05] is not made when the URL names it: %s', async (host) => {
    await using server = await counting();
    const { asked, resolve } = resolving('1.1.1.1');
    const answer = await ask(`http://${host}:${server.port}/`, { allow: 'public' }, { resolve });
    expect(answer).toMatchObject({ ok: false, error: { kind: 'blocked' } });
    expect([server.seen, asked]).toEqual([{ requests: 0, connections: 0 }, []]);
  });

  it.each([
    ['localhost.', ['127.0.0.1']],
    ['printer.example', ['10.0.0.7']],
    ['printer.example', ['::ffff:10.0.0.7']],
    ['half.example', ['1.1.1.1', '127.0.0.1']],
    ['half.example', ['::1', '2606:4700::1111']],
    ['cloud.example', ['169.254.169.254']],
  ])('[SEC-05] is not made when %s resolves to it: %j', async (host, ips) => {
    await using server = await counting();
    const { resolve } = resolving(...ips);
    const answer = await ask(`http://${host}:${server.port}/`, { allow: 'public' }, { resolve });
    expect(answer).toMatchObject({
      ok: false,
      error: { kind: 'blocked', reason: expect.stringMatching(/is not a public address$/) },
    });
    expect(server.seen).toEqual({ requests: 0, connections: 0 });
  });

  it('[SEC-05] is not made when the name resolves to another one a moment later', async () => {
    await using server = await counting();
    const answers = [['127.0.0.1'], ['10.0.0.7']];
    const resolve = async () => (answers.shift() ?? []).map(address);
    const url = `http://rebind.example:${server.port}/`;
    expect(await ask(url, {}, { resolve })).toMatchObject({ ok: true });
    expect(await ask(url, {}, { resolve })).toMatchObject({ ok: false, error: { kind: 'blocked' } });
    expect(server.seen.requests).toBe(1);
  });

  it('[SEC-05] is not made over a connection that another rule has left open', async () => {
    await using server = await counting();
    const url = `http://agent.example:${server.port}/`;
    const surroundings = resolving('127.0.0.1');
    expect(await ask(url, { allow: 'any' }, surroundings)).toMatchObject({ ok: true });
    expect(await ask(url, { allow: 'public' }, surroundings)).toMatchObject({ error: { kind: 'blocked' } });
    expect(server.seen).toEqual({ requests: 1, connections: 1 });
  });

  it('[SEC-05] of the Internet is not made where only this machine is meant', async () => {
    const { resolve } = resolving('1.1.1.1');
    const expected = { ok: false, error: { kind: 'blocked', reason: '1.1.1.1 is not a loopback address' } };
    expect(await ask('http://agent.example/', {}, { resolve })).toEqual(expected);
    expect(await ask('http://1.1.1.1/', {}, { resolve })).toEqual(expected);
  });

  it.each([301, 302, 303, 307, 308])('[SEC-05] is not made because of a redirect (%i)', async (status) => {
    await using target = await counting();
    await using server = await serving((_request, response) =>
      response.writeHead(status, { location: target.url }).end(),
    );
    expect(await ask(server.url)).toMatchObject({ ok: true, value: { status, headers: { location: target.url } } });
    expect(target.seen.requests).toBe(0);
  });
});

describe('a request that has no answer', () => {
  it('[SEC-05] is given up after its time, while it waits for headers or for more of the body', async () => {
    for (const begin of [false, true]) {
      const clock = new ManualClock();
      await using server = await serving((_request, response) => {
        if (begin) response.write('a');
        clock.advance(60_000);
      });
      expect(await ask(server.url, {}, { clock })).toEqual({
        ok: false,
        error: { kind: 'timed-out', reason: 'there was no answer in 60 s' },
      });
      expect(clock.armed).toBe(0);
    }
  });

  it('[SEC-05] is given up after its time when the name does not resolve', async () => {
    const clock = new ManualClock();
    const resolve = () => {
      clock.advance(60_000);
      return new Promise<never>(() => undefined);
    };
    expect(await ask('http://slow.example/', {}, { clock, resolve })).toMatchObject({ error: { kind: 'timed-out' } });
  });

  it('[SEC-05] is given up when that is asked for, before it or meanwhile', async () => {
    const closing = new AbortController();
    await using server = await serving(() => closing.abort());
    for (let i = 0; i < 2; i++) {
      expect(await ask(server.url, { signal: closing.signal })).toEqual({
        ok: false,
        error: { kind: 'failed', reason: 'it was given up' },
      });
    }
  });

  it('[SEC-05] reads no further than it may', async () => {
    const gone = Promise.withResolvers<void>();
    await using server = await serving((_request, response) => {
      response.on('close', gone.resolve);
      const more = (): void => {
        if (!response.destroyed) response.write('x'.repeat(65_536), more);
      };
      more();
    });
    expect(await ask(server.url)).toMatchObject({ ok: false, error: { kind: 'too-large' } });
    await gone.promise;
  });

  it('[SEC-05] takes an answer of exactly that length', async () => {
    await using server = await serving((_request, response) => response.end('x'.repeat(1000)));
    expect(await ask(server.url)).toMatchObject({ ok: true });
  });

  it.each([
    ['that breaks off', 'HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc'],
    ['that is none', 'hello\r\n\r\n'],
    ['that changes the protocol', 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n'],
    ['of nothing', ''],
  ])('[SEC-05] fails with an answer %s', async (_what, raw) => {
    await using server = await serving(({ socket }) => socket.end(raw));
    expect(await ask(server.url)).toMatchObject({
      ok: false,
      error: { kind: 'failed', reason: expect.stringMatching(/./) },
    });
  });

  it('[SEC-05] says what happened at each address, and when there is none', async () => {
    let port = 0;
    {
      await using server = await counting();
      port = server.port;
    }
    const { resolve } = resolving('127.0.0.1', '127.0.0.2');
    expect(await ask(`http://agent.example:${port}/`, {}, { resolve })).toMatchObject({
      ok: false,
      error: { kind: 'failed', reason: expect.stringMatching(/127\.0\.0\.1:\d+; .*127\.0\.0\.2:\d+/) },
    });
    const nothing = { ok: false, error: { kind: 'failed', reason: 'agent.example has no address' } };
    expect(await ask('http://agent.example/', {}, resolving())).toEqual(nothing);
  });

  it('[SEC-05] fails for another protocol, and for headers that are none', async () => {
    expect(await ask('ftp://127.0.0.1/')).toMatchObject({ error: { kind: 'failed' } });
    const answer = await ask('http://127.0.0.1/', { headers: { authorization: 'Bearer hush\nhush' } });
    expect(answer).toMatchObject({ error: { kind: 'failed' } });
    expect(JSON.stringify(answer)).not.toContain('hush');
  });

  it('[SEC-05] is not sent to a server that cannot prove who it is', async () => {
    const requests: unknown[] = [];
    const tls = createTlsServer(selfSignedCertificate());
    await using server = await serving((request, response) => {
      requests.push(request.url);
      response.end();
    }, tls);
    const answer = await ask(`https://127.0.0.1:${server.port}/`);
    expect([answer, requests]).toMatchObject([
      { error: { kind: 'failed', reason: expect.stringMatching(/self-signed/) } },
      [],
    ]);
  });
});
