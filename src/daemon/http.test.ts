import { describe, expect, it } from 'vitest';
import { ParleyError } from '../domain/errors.ts';
import { type Health, healthServer, listen } from './http.ts';

const health = (changes: Partial<Health> = {}): Health => ({
  agents: ['Atlas', 'Nova'],
  startedAt: 1_000,
  now: () => 61_400,
  check: async () => undefined,
  metrics: () => 'parley_messages 7\n',
  ...changes,
});

describe('the health server', () => {
  it('[OBS-01] says that the process is alive, whatever else is wrong', async () => {
    const app = healthServer(health({ check: () => Promise.reject(new Error('no')) }));
    const reply = await app.inject('/health');
    expect([reply.statusCode, reply.json()]).toEqual([200, { status: 'ok', agents: 2, uptime: 60 }]);
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
