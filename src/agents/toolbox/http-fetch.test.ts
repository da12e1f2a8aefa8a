import type { RequestListener } from 'node:http';
import { describe, expect, it } from 'vitest';
import { serving } from '../../../test/support/http-server.ts';
import { guardedRequest } from '../../lib/guarded-request.ts';
import { webTools } from './http-fetch.ts';

type Ask = typeof guardedRequest;

/** Every name is this machine, which is allowed: what else is looked at is the same. */
const local: Ask = (request) =>
  guardedRequest({ ...request, allow: 'loopback' }, { resolve: async () => [{ address: '127.0.0.1', family: 4 }] });

async function fetched(url: string, network: readonly string[], request?: Ask): Promise<unknown> {
  const tool = webTools({ network, ...(request ? { request } : {}) })['http_fetch'];
  return await tool?.execute?.({ url }, { toolCallId: '1', messages: [], context: {} });
}

/** Fetches `path` of a server of the Internet called example.org. */
async function fetchedFrom(listener: RequestListener, path = '/', network = ['example.org:*']): Promise<unknown> {
  await using server = await serving(listener);
  return await fetched(`http://example.org:${server.port}${path}`, network, local);
}

const page =
  (
    body: string | Buffer,
    headers: Record<string, string> = { 'content-type': 'text/plain; charset=utf-8' },
  ): RequestListener =>
  (_request, response) =>
    response.writeHead(200, headers).end(body);

const refused = { ok: false, error: expect.stringMatching(/\w/) };

describe('http_fetch', () => {
  it('[TOL-01] reads a page, and says that it is data', async () => {
    expect(await fetchedFrom(page('Grüße'), '/a?b')).toMatchObject({
      ok: true,
      status: 200,
      url: expect.stringMatching(/\/a\?b$/),
      material: 'Grüße',
      about: expect.stringContaining('not instructions'),
    });
  });

  it('[TOL-01] reads other character sets, and tells other statuses', async () => {
    const latin = Buffer.from('Grüße', 'latin1');
    expect(await fetchedFrom(page(latin, { 'content-type': 'text/html; charset=ISO-8859-1' }))).toMatchObject({
      material: 'Grüße',
    });
    const missing = await fetchedFrom((_request, response) => response.writeHead(404).end('none'));
    expect(missing).toMatchObject({ ok: true, status: 404, material: 'none' });
  });

  it.each([
    ['no text', page(Buffer.from([1, 0, 2]), { 'content-type': 'image/png' })],
    ['compressed', page('x', { 'content-encoding': 'gzip' })],
    ['in a character set that there is not', page('x', { 'content-type': 'text/plain; charset=klingon' })],
    ['too large', page('x'.repeat(3_000_000))],
  ])('[TOL-02] says so when a page is %s', async (_what, listener) => {
    expect(await fetchedFrom(listener)).toEqual(refused);
  });

  it('[TOL-02] shows no more than a model should read at once', async () => {
    const shown = await fetchedFrom(page('x'.repeat(200_000)));
    expect(shown).toMatchObject({ ok: true, cut: true });
    expect(JSON.stringify(shown).length).toBeLessThan(31_000);
  });

  it('[TOL-01] follows redirects to where it may go', async () => {
    const moved: RequestListener = (request, response) =>
      request.url === '/' ? response.writeHead(302, { location: '/new' }).end() : response.writeHead(200).end('here');
    expect(await fetchedFrom(moved)).toMatchObject({
      ok: true,
      url: expect.stringMatching(/\/new$/),
      material: 'here',
    });
  });

  it.each([
    ['another host', 'http://other.example/'],
    ['a host that only looks like it', 'http://example.org.evil.example/'],
    ['another protocol', 'file:///etc/passwd'],
    ['a password', 'http://me:pw@example.org/'],
    ['itself', '/'],
  ])('[TOL-02] follows no redirect to %s', async (_what, location) => {
    let requests = 0;
    const moved: RequestListener = (_request, response) => {
      requests++;
      response.writeHead(302, { location }).end();
    };
    expect(await fetchedFrom(moved)).toEqual(refused);
    expect(requests).toBeLessThanOrEqual(6);
  });

  it('[TOL-02] gives a redirect that leads nowhere as it is', async () => {
    const moved = await fetchedFrom((_request, response) => response.writeHead(302, { location: 'http://[' }).end('x'));
    expect(moved).toMatchObject({ ok: true, status: 302 });
  });

  it.each([
    ['nothing', [], 'example.org', false],
    ['the host', ['example.org:*'], 'example.org', true],
    ['the host, written otherwise', ['Example.ORG:*'], 'EXAMPLE.org.', true],
    ['what is below', ['*.example.org:*'], 'a.b.example.org', true],
    ['what is below, not itself', ['*.example.org:*'], 'example.org', false],
    ['itself, not what is below', ['example.org:*'], 'a.example.org', false],
    ['what only ends alike', ['*.example.org:*'], 'badexample.org', false],
    ['everything', ['*:*'], 'anything.example', true],
    ['the web, and not the port', ['*'], 'anything.example', false],
  ])('[TOL-02] where %s is allowed', async (_what, network, host, allowed) => {
    await using server = await serving(page('here'));
    const answer = await fetched(`http://${host}:${server.port}/`, network, local);
    expect(answer).toMatchObject({ ok: allowed });
  });

  it.each([
    ['127.0.0.1'],
    ['[::1]'],
    ['[::ffff:127.0.0.1]'],
    ['[fd00::1]'],
    ['169.254.169.254'],
    ['100.64.0.1'],
    ['10.0.0.1'],
    ['0x7f.1'],
    ['2130706433'],
  ])('[TOL-02] [SEC-05] does not reach %s, even where every host is allowed', async (host) => {
    let requests = 0;
    await using server = await serving((_request, response) => {
      requests++;
      response.end('inside');
    });
    const answer = await fetched(`http://${host}:${server.port}/`, ['*:*']);
    expect(answer).toEqual({ ok: false, error: expect.stringContaining('is not a public address') });
    expect(requests).toBe(0);
  });

  it.each([['localhost'], ['localhost.']])(
    '[TOL-02] [SEC-05] does not reach %s, which not every machine knows',
    async (host) => {
      let requests = 0;
      await using server = await serving((_request, response) => {
        requests++;
        response.end('inside');
      });
      expect(await fetched(`http://${host}:${server.port}/`, ['*:*'])).toEqual(refused);
      expect(requests).toBe(0);
    },
  );
});
