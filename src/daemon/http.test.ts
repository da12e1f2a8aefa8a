import { describe, expect, it } from 'vitest';
import { ParleyError } from '../domain/errors.ts';
import type { AccountHealth } from './account-health.ts';
import { type Health, healthServer, listen } from './http.ts';

const account = (state: AccountHealth['state'], reason: string | null = null): AccountHealth => ({
  ...{ channel: 'whatsapp', account: 'atlas', state, reason },
});

const health = (changes: Partial<Health> = {}): Health => ({
  agents: ['Atlas', 'Nova'],
  startedAt: 1_000,
  now: () => 61_400,
  check: async () => undefined,
  accounts: () => [],
  metrics: () => 'parley_messages 7\n',
  ...changes,
});

describe('the health server', () => {
  it('[OBS-01] says that the process is alive, whatever else is wrong', async () => {
    const app = healthServer(health({ check: () => Promise.reject(new Error('no')) }));
    const reply = await app.inject('/health');
    expect([reply.statusCode, reply.json()]).toEqual([200, { status: 'ok', agents: 2, uptime: 60, accounts: [] }]);
  });

  it('[OBS-01] says how its accounts fare, and lives all the same', async () => {
    const lost = account('stopped', 'another program has connected as this device');
    const app = healthServer(health({ accounts: () => [account('open'), lost] }));
    const reply = await app.inject('/health');
    expect([reply.statusCode, reply.json()]).toEqual([
      200,
      { status: 'degraded', agents: 2, uptime: 60, accounts: [account('open'), lost] },
    ]);
  });

  it.each([
    ['open', 'ok', 200],
    ['standby', 'ok', 200],
    ['connecting', 'degraded', 200],
    ['waiting', 'degraded', 200],
    ['paused', 'degraded', 200],
    ['linking', 'degraded', 503],
    ['unlinked', 'degraded', 503],
    ['stopped', 'degraded', 503],
  ] as const)(
    '[OBS-01] [WHA-05] with an account that is %s it is %s, and /ready has %i',
    async (state, status, code) => {
      const app = healthServer(health({ accounts: () => [account(state)] }));
      expect((await app.inject('/health')).json().status).toBe(status);
      expect((await app.inject('/ready')).statusCode).toBe(code);
    },
  );

  it('[OBS-01] [WHA-05] says which accounts take no messages until somebody does something, and why', async () => {
    const lost = account('stopped', 'another program has connected as this device');
    const accounts = [lost, account('open'), { ...account('linking'), account: 'nova' }];
    const reply = await healthServer(health({ accounts: () => accounts })).inject('/ready');
    expect(reply.json()).toEqual({
      status: 'not ready',
      error: {
        code: 'CHANNEL_DISCONNECTED',
        message:
          'No messages are taken: whatsapp account atlas is stopped (another program has connected as this device); whatsapp account nova waits for a phone that links it.',
        hint: expect.stringContaining('/whatsapp'),
      },
    });
  });

  it('[OBS-01] says whether it takes messages', async () => {
    const reply = await healthServer(health()).inject('/ready');
    expect([reply.statusCode, reply.json()]).toEqual([200, { status: 'ready', agents: ['Atlas', 'Nova'] }]);
  });

  it('[OBS-01] and if not, why, and what mends it', async () => {
    const full = new ParleyError('DISK_FULL', 'The disk is full.');
    const reply = await healthServer(health({ check: () => Promise.reject(full) })).inject('/ready');
    expect(reply.statusCode).toBe(503);
    expect(reply.json()).toEqual({
      status: 'not ready',
      error: { code: 'DISK_FULL', message: 'The disk is full.', hint: full.hint },
    });
    const bug = await healthServer(health({ check: () => Promise.reject(new Error('a bug')) })).inject('/ready');
    expect(bug.json().error).toMatchObject({ code: 'INTERNAL', message: 'a bug' });
  });

  it('[SPL-08] [OBS-01] tells Prometheus how things are', async () => {
    const reply = await healthServer(health()).inject('/metrics');
    expect(reply.headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4/);
    expect(reply.body).toBe('parley_messages 7\n');
  });

  it('[OBS-01] listens, and says where; a port that is taken is an error with a hint', async () => {
    const app = healthServer(health());
    const url = await listen(app, { host: '127.0.0.1', port: 0 });
    expect((await fetch(new URL('health', url))).status).toBe(200);
    const { port } = new URL(url);
    const second = healthServer(health());
    await expect(listen(second, { host: '127.0.0.1', port: Number(port) })).rejects.toMatchObject({
      code: 'PORT_IN_USE',
      message: `Port ${port} on 127.0.0.1 is used by another program.`,
      hint: expect.stringContaining('--port'),
    });
    await app.close();
    await second.close();
  });
});
