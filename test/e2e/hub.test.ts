import { writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { selfSignedCertificate } from '../support/certificate.ts';
import { askHub, HUB_TEST_SECRET, HubClient } from '../support/hub.ts';
import { HubProcess } from '../support/hub-process.ts';
import { ParleyProcess } from '../support/process.ts';
import { temporaryFolder } from '../support/spool.ts';

/** A folder for one test. */
function workplace(): Disposable & { readonly folder: string } {
  const { path, remove } = temporaryFolder();
  return { folder: path, [Symbol.dispose]: remove };
}

describe('parley hub', () => {
  it('[HUB-01] [HUB-03] serves agents and those who give them tasks, and says goodbye', async () => {
    using place = workplace();
    await using hub = await HubProcess.start({ ...place, env: { HUB_SECRET: HUB_TEST_SECRET } });
    using agent = await HubClient.join(hub.url, 'network-ai');
    agent.answerAll();
    const body = { agent: 'network-ai', message: 'list running processes', sender: 'admin' };
    expect((await askHub(hub.url, '/task', { body })).body['response']).toBe('done: list running processes');
    expect((await askHub(hub.url, '/task', { body, secret: 'wrong' })).status).toBe(401);
    const stopped = hub.stop();
    await agent.next('event', ({ event }) => event === 'hub-shutdown');
    expect((await agent.closed).code).toBe(1001);
    expect(await stopped).toBe(0);
  });

  it('[HUB-01] reads its secrets again on SIGHUP: for a time both are right, and nobody is thrown out', async () => {
    using place = workplace();
    const file = join(place.folder, 'secrets');
    writeFileSync(file, 'old\n');
    await using hub = await HubProcess.start({ ...place, env: { HUB_SECRET_FILE: 'secrets' } });
    using early = await HubClient.join(hub.url, 'early', { secret: 'old' });
    const statuses = async () =>
      Promise.all(['old', 'new'].map(async (secret) => (await askHub(hub.url, '/agents', { secret })).status));
    const reload = (text: string): void => {
      writeFileSync(file, text);
      hub.process.signal('SIGHUP');
    };
    expect(await statuses()).toEqual([200, 401]);
    reload('old\nnew\n');
    await expect.poll(statuses).toEqual([200, 200]);
    reload('new\n');
    await expect.poll(statuses).toEqual([401, 200]);
    reload('');
    await expect.poll(() => hub.process.errors).toMatch(/the old ones stay/);
    expect((await askHub(hub.url, '/agents', { secret: 'new' })).status).toBe(200);
    early.answerAll();
    const body = { agent: 'early', message: 'x' };
    expect((await askHub(hub.url, '/task', { body, secret: 'new' })).body['success']).toBe(true);
  });

  it('[HUB-01] speaks TLS', async () => {
    using place = workplace();
    const { cert: ca, key } = selfSignedCertificate();
    writeFileSync(join(place.folder, 'cert.pem'), ca);
    writeFileSync(join(place.folder, 'key.pem'), key);
    const env = { HUB_SECRET: HUB_TEST_SECRET, TLS_CERT_PATH: 'cert.pem', TLS_KEY_PATH: 'key.pem' };
    await using hub = await HubProcess.start({ ...place, env });
    expect(hub.url).toMatch(/^https:/);
    using agent = await HubClient.join(hub.url, 'a', { ca });
    expect(agent.frames).toEqual([]);
    const status = await new Promise((resolve, reject) => {
      const headers = { authorization: `Bearer ${HUB_TEST_SECRET}` };
      request(new URL('/agents', hub.url), { ca, headers, agent: false }, (reply) => {
        reply.resume();
        resolve(reply.statusCode);
      })
        .on('error', reject)
        .end();
    });
    expect(status).toBe(200);
  });

  it('[HUB-07] keeps what waits in its database', async () => {
    using place = workplace();
    const options = { ...place, env: { HUB_SECRET: HUB_TEST_SECRET }, flags: ['--db', 'hub.db'] };
    const body = { agent: 'a', message: 'x', queue: true, id: 'mine' };
    {
      await using hub = await HubProcess.start(options);
      expect((await askHub(hub.url, '/task', { body })).status).toBe(202);
    }
    await using hub = await HubProcess.start(options);
    using agent = await HubClient.join(hub.url, 'a');
    agent.answerAll();
    await expect
      .poll(async () => (await askHub(hub.url, '/tasks/mine')).body)
      .toMatchObject({ status: 'done', response: 'done: x' });
  });

  it.each([
    ['in production', { NODE_ENV: 'production' }, []],
    ['for other machines', {}, ['--host', '0.0.0.0']],
  ])('[HUB-01] does not start without a secret %s', async (_where, env, flags) => {
    using place = workplace();
    await using hub = new ParleyProcess(['hub', ...flags], { ...place, env });
    expect(await hub.ended).toEqual({ code: 78, signal: null });
    expect(hub.errors).toMatch(/HUB_SECRET: is required/);
  });

  it('[HUB-01] says when its port is taken', async () => {
    using place = workplace();
    await using hub = await HubProcess.start(place);
    await using second = new ParleyProcess(['hub', '--port', new URL(hub.url).port], place);
    expect((await second.ended).code).toBe(69);
    expect(second.errors).toMatch(/used by another program/);
  });
});
