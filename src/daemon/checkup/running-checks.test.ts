import { createServer, type RequestListener, type Server } from 'node:http';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { AccountHealth } from '../account-health.ts';
import { close, healthServer, listen } from '../http.ts';
import { checkRunning } from './running-checks.ts';

const HOST = '127.0.0.1';
const WARNING = { name: 'account', outcome: 'warning' };

const account = (state: AccountHealth['state'], reason: string | null = null): AccountHealth => ({
  ...{ channel: 'whatsapp', account: 'atlas', state, reason },
});

/** The port of a Parley with these accounts. */
async function run(...accounts: readonly AccountHealth[]): Promise<number> {
  const app = healthServer({
    ...{ agents: ['Atlas'], startedAt: 0, now: () => 0, check: async () => undefined, metrics: () => '' },
    accounts: () => accounts,
  });
  onTestFinished(() => close(app));
  return Number(new URL(await listen(app, { host: HOST, port: 0 })).port);
}

/** The port of another program. */
async function serve(answer: RequestListener): Promise<{ port: number; server: Server }> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  return { port: typeof address === 'object' && address ? address.port : 0, server };
}

describe('what parley doctor says of the Parley that runs', () => {
  it('[CLI-02] [OBS-01] that its accounts are connected, here or elsewhere', async () => {
    const port = await run(account('open'), account('standby', 'another process runs this account'));
    expect(await checkRunning({ host: HOST, port })).toMatchObject([
      { name: 'running', outcome: 'ok', detail: `1 agent(s), at http://127.0.0.1:${port}/` },
      { name: 'account', outcome: 'ok', detail: 'whatsapp account atlas is connected' },
      { name: 'account', outcome: 'ok', detail: expect.stringContaining('another process runs this account') },
    ]);
  });

  it.each([
    ['linking', null, /at http:\/\/127\.0\.0\.1:\d+\/whatsapp .* run: parley pair atlas$/],
    ['unlinked', 'the phone has removed this device', /run: parley pair atlas$/],
    ['stopped', 'another program has connected as this device', /start Parley again; .* parley pair atlas --force$/],
    ['waiting', 'the connection was lost', /by itself/],
    ['connecting', null, /by itself/],
    ['paused', 'the access token is not valid any more (190)', /access token/],
  ] as const)('[CLI-02] [OBS-01] what mends an account that is %s', async (state, reason, fix) => {
    const [, found] = await checkRunning({ host: HOST, port: await run(account(state, reason)) });
    expect(found).toMatchObject({ ...WARNING, fix: expect.stringMatching(fix) });
    if (reason !== null) expect(found?.detail).toContain(reason);
  });

  it('[CLI-02] that none does, where nothing answers', async () => {
    const { port, server } = await serve(() => undefined);
    await new Promise((resolve) => server.close(resolve));
    expect(await checkRunning({ host: HOST, port })).toEqual([
      {
        name: 'running',
        outcome: 'ok',
        detail: `not running: nothing answers at http://127.0.0.1:${port}/`,
        fix: null,
      },
    ]);
  });

  it.each<[string, RequestListener]>([
    ['something else', (_request, response) => response.end('<html>')],
    ['nothing, in time', () => undefined],
  ])('[CLI-02] that another program has its port, which answers %s', async (_what, answer) => {
    const { port } = await serve(answer);
    expect(await checkRunning({ host: HOST, port })).toMatchObject([
      { name: 'running', outcome: 'warning', detail: expect.stringContaining('does not answer as a Parley does') },
    ]);
  });

  it('[CLI-02] nothing, where that would take another machine, or a guess', async () => {
    const detail = expect.stringMatching(/^not asked/);
    for (const http of [
      { host: '192.0.2.1', port: 9090 },
      { host: 'parley.example', port: 9090 },
      { host: HOST, port: 0 },
    ]) {
      expect(await checkRunning(http)).toEqual([{ name: 'running', outcome: 'ok', detail, fix: null }]);
    }
  });

  it('[CLI-02] asks one that listens everywhere on this machine', async () => {
    const port = await run(account('open'));
    expect(await checkRunning({ host: '0.0.0.0', port })).toMatchObject([{ outcome: 'ok' }, { name: 'account' }]);
  });

  it('[CLI-02] does not follow to another address', async () => {
    let asked = 0;
    const { port: other } = await serve((_request, response) => {
      asked++;
      response.end();
    });
    const { port } = await serve((_request, response) =>
      response.writeHead(302, { location: `http://127.0.0.1:${other}/` }).end(),
    );
    expect(await checkRunning({ host: HOST, port })).toMatchObject([{ name: 'running', outcome: 'warning' }]);
    expect(asked).toBe(0);
  });
});
