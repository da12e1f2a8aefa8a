import { describe, expect, it } from 'vitest';
import { HubClient } from '../../src/client/index.ts';
import { HUB_TEST_SECRET } from '../support/hub.ts';
import { HubProcess } from '../support/hub-process.ts';
import { temporaryFolder } from '../support/spool.ts';

describe('an agent whose hub is killed', () => {
  it('[HUB-04] [HUB-07] is back with it, and answers what it was given before, once', async () => {
    const { path: folder, remove } = temporaryFolder();
    using _folder = { [Symbol.dispose]: remove };
    const options = { folder, env: { HUB_SECRET: HUB_TEST_SECRET }, flags: ['--db', 'hub.db'] };
    const work = Promise.withResolvers<string>();
    const given = Promise.withResolvers<void>();
    const back = Promise.withResolvers<void>();
    const done: string[] = [];
    let connections = 0;

    await using before = await HubProcess.start(options);
    const client = new HubClient({ url: before.url, secret: HUB_TEST_SECRET });
    await using agent = client.join({
      name: 'atlas',
      onTask: async ({ message }) => {
        done.push(message);
        given.resolve();
        return work.promise;
      },
      onState: ({ status }) => {
        if (status === 'connected' && ++connections === 2) back.resolve();
      },
    });
    await agent.ready;
    const id = await client.queue('atlas', 'plan', { sender: 'admin' });
    await given.promise;
    await before.kill();
    expect(await client.task('atlas', 'x').catch(({ code }) => code)).toBe('unavailable');
    await using _after = await HubProcess.start({ ...options, port: Number(new URL(before.url).port) });
    await back.promise;
    work.resolve('planned');
    await expect.poll(() => client.taskStatus(id)).toMatchObject({ status: 'done', response: 'planned' });
    expect(done).toEqual(['plan']);
  });
});
