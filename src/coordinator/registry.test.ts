import { describe, expect, it } from 'vitest';
import { openTestCoordinator } from '../../test/support/coordinator.ts';

describe('the registry', () => {
  it('[DSC-02] [DSC-03] registers, finds, replaces and forgets agents', async () => {
    await using t = await openTestCoordinator('sqlite', []);
    const { registry } = t.coordinator;
    await registry.register({ id: 'nova', capabilities: ['research', 'cite'], device: 'server' });
    await registry.register({ id: 'bolt', name: 'Bolt', capabilities: ['code'], device: 'laptop', transport: 'file' });
    expect(registry.get('nova')).toMatchObject({
      name: 'nova',
      transport: 'sqlite',
      status: 'active',
      lastSeen: t.clock.now(),
    });
    expect(registry.list().map(({ id }) => id)).toEqual(['bolt', 'nova']);
    expect(registry.findByCapability('cite').map(({ id }) => id)).toEqual(['nova']);
    t.clock.advance(6 * 60_000);
    await registry.heartbeat('bolt');
    expect(registry.list({ status: 'inactive' }).map(({ id }) => id)).toEqual(['nova']);
    await registry.register({ id: 'nova', capabilities: [], device: 'elsewhere', metadata: { relay_url: 'x' } });
    expect(registry.get('nova')).toMatchObject({ device: 'elsewhere', status: 'active', metadata: { relay_url: 'x' } });
    expect(await registry.deregister('nova')).toBe(true);
    expect(await registry.deregister('nova')).toBe(false);
    expect(registry.get('nova')).toBeNull();
  });

  it.each([
    ['an id with a slash', { id: '../x' }, 'id: must have 1 to 64'],
    ['a capability of two lines', { capabilities: ['a\nb'] }, 'capabilities.0: must be one line'],
    ['no device', { device: '' }, 'device: must be one line'],
    ['a strange transport', { transport: 'Pigeon!' }, 'transport: must be a word'],
  ])('[DSC-02] %s is refused', async (_what, wrong, said) => {
    await using t = await openTestCoordinator('sqlite', []);
    const profile = { id: 'nova', capabilities: [], device: 'here', ...wrong };
    await expect(t.coordinator.registry.register(profile)).rejects.toMatchObject({
      code: 'MESSAGE_INVALID',
      message: expect.stringContaining(said),
    });
    expect(t.coordinator.registry.list()).toEqual([]);
  });

  it('[DSC-02] who polls or sends counts as seen', async () => {
    await using t = await openTestCoordinator('sqlite');
    t.clock.advance(10 * 60_000);
    await t.coordinator.poll('bob');
    await t.coordinator.send({ from: 'alice', to: 'carol' });
    expect(t.coordinator.registry.list({ status: 'active' }).map(({ id }) => id)).toEqual(['alice', 'bob']);
  });
});
