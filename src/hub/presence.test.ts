import { describe, expect, it } from 'vitest';
import { type HubClient, openHub } from '../../test/support/hub.ts';
import { ManualClock } from '../lib/manual-clock.ts';

/** What a client was told, and no call has taken, in a word each. */
async function told(client: HubClient): Promise<string[]> {
  await client.settled();
  return client.frames.splice(0).map(({ event, name }) => `${String(event)} ${String(name)}`);
}

describe('who comes and goes', () => {
  it('[HUB-03] is told at once, and when many do, of all together, to each what came after it', async () => {
    const clock = new ManualClock();
    await using hub = await openHub({ clock });
    const first = await hub.join('first');
    const second = await hub.join('second');
    expect(await told(first)).toEqual([]);
    clock.advance(100);
    expect(await told(first)).toEqual(['agent-joined second']);

    const third = await hub.join('third');
    (await hub.join('passing')).socket.close();
    await expect.poll(async () => (await hub.ask('/health')).body['agents']).toBe(3);
    const fourth = await hub.join('fourth', { skills: ['x'.repeat(100)] });
    expect(await told(first)).toEqual([]);
    clock.advance(100);
    const rest = ['agent-joined passing', 'agent-left passing', 'agent-joined fourth'];
    for (const client of [first, second]) expect(await told(client)).toEqual(['agent-joined third', ...rest]);
    expect(await told(third)).toEqual(rest);
    expect(await told(fourth)).toEqual([]);

    clock.advance(100);
    await hub.join('fifth');
    expect(await told(first)).toEqual(['agent-joined fifth']);
  });
});
