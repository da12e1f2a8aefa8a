import { createServer, type RequestListener } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { GraphClient } from './graph-client.ts';

const TOKEN = 'a-token-nobody-knows';
const account = { id: 'atlas', phoneNumberId: '1', accessToken: TOKEN };
const stops: (() => void)[] = [];

/** Another server than the Graph API, and a client that takes it for one. */
async function answering(listener: RequestListener) {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  stops.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
  return { url, client: new GraphClient(account, { graphUrl: `${url}/prefix/`, version: 'v25.0' }) };
}
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

const endless: RequestListener = (_request, response) => {
  const more = (): void => {
    if (!response.destroyed) response.write('x'.repeat(1024 * 1024), more);
  };
  more();
};

describe('the client of the Graph API', () => {
  it('[WHA-02] asks below the address, with the token, and escapes what it is given', async () => {
    const seen: unknown[] = [];
    const { client } = await answering(({ url, headers }, response) => {
      seen.push(url, headers.authorization);
      response.end('{"url":"x"}');
    });
    expect(await client.media('../me?x=1')).toEqual({ kind: 'ok', body: { url: 'x' } });
    expect(seen).toEqual(['/prefix/v25.0/..%2Fme%3Fx%3D1?phone_number_id=1', `Bearer ${TOKEN}`]);
  });

  it('[WHA-02] [SEC-05] does not take the token anywhere by a redirect', async () => {
    const seen: unknown[] = [];
    const { client } = await answering(({ url }, response) => {
      seen.push(url);
      response.writeHead(307, { location: '/elsewhere' }).end();
    });
    expect(await client.postMessage({})).toMatchObject({ kind: 'lost' });
    expect(seen).toEqual(['/prefix/v25.0/1/messages']);
  });

  it.each(['http://example.org/file', 'ftp://example.org/file', 'file:///etc/passwd', 'no address'])(
    '[WHA-02] [SEC-05] does not take the token to %s',
    async (address) => {
      const { client } = await answering((_request, response) => response.end());
      await expect(client.download(address, 10)).rejects.toThrow('not https');
    },
  );

  it('[WHA-02] [SEC-05] reads no answer, and no file, without an end', async () => {
    const { url, client } = await answering(endless);
    expect(await client.postMessage({})).toMatchObject({ kind: 'lost' });
    expect(await client.download(`${url}/file`, 3 * 1024 * 1024)).toBeNull();
  });

  it.each([
    [200, 'no JSON', { kind: 'lost' }],
    [500, '', { kind: 'lost' }],
    [429, '', { kind: 'failed', failure: { status: 429, code: null } }],
    [400, '{"error":"x"}', { kind: 'failed', failure: { status: 400, code: null } }],
    [400, '{"error":{"code":100,"message":"m"}}', { kind: 'failed', failure: { code: 100, details: 'm' } }],
  ])('[WHA-02] understands an answer of %i with %j', async (status, body, expected) => {
    const { client } = await answering((_request, response) => response.writeHead(status).end(body));
    expect(await client.postMessage({})).toMatchObject(expected);
  });

  it('[WHA-02] tells a file that is not there from one that cannot be had now', async () => {
    const { url, client } = await answering((_request, response) => response.writeHead(404).end('gone'));
    expect(await client.download(`${url}/file`, 10)).toMatchObject({ status: 404 });
  });
});
