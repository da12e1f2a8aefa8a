import { describe, expect, it } from 'vitest';
import { openSpoolAt, openTestSpool, type SpoolFixture } from '../../test/support/spool.ts';
import { agentId } from '../domain/addresses.ts';
import type { AgentCard } from '../domain/agent-card.ts';
import { SqliteRegistry } from './sqlite-registry.ts';

const card = (id: string, changes: Partial<AgentCard> = {}): AgentCard => ({
  id: agentId(id),
  name: id,
  capabilities: [],
  device: 'laptop',
  transport: 'sqlite',
  phone: null,
  provider: null,
  metadata: {},
  ...changes,
});

async function withAgents(t: SpoolFixture, ...cards: AgentCard[]): Promise<SqliteRegistry> {
  const registry = new SqliteRegistry(t.db, { clock: t.clock });
  for (const one of cards) await registry.register(one);
  return registry;
}
const idsOf = (agents: readonly { id: string }[]): readonly string[] => agents.map(({ id }) => id);

const MINUTE = 60_000;

describe('the registry', () => {
  it('[DSC-02] keeps the whole card, also when the database is opened again', async () => {
    await using t = openTestSpool();
    const nova = card('nova', { phone: '+44 7700', provider: 'openai', capabilities: ['a'], metadata: { team: 'x' } });
    await withAgents(t, nova);
    const reopened = openSpoolAt(t.path, t.clock);
    const registry = new SqliteRegistry(reopened.db, { clock: t.clock });
    expect(registry.get(nova.id)).toEqual({ ...nova, status: 'active', lastSeen: t.clock.now() });
    await reopened.spool.close();
    await reopened.db.close();
  });

  it('[DSC-02] a card that is registered again replaces the old one', async () => {
    await using t = openTestSpool();
    const registry = await withAgents(t, card('nova', { name: 'Old' }), card('nova', { name: 'New' }));
    expect(registry.list().map(({ name }) => name)).toEqual(['New']);
    expect(registry.find('Old')).toEqual([]);
  });

  it('[DSC-03] finds by capability, by status and by provider, and by all of them', async () => {
    await using t = openTestSpool();
    const registry = await withAgents(
      t,
      card('atlas', { capabilities: ['research', 'code'], provider: 'openai' }),
      card('nova', { capabilities: ['research'], provider: 'groq' }),
    );
    t.clock.advance(10 * MINUTE);
    await registry.register(card('bolt', { capabilities: ['research'], provider: 'openai' }));
    expect(idsOf(registry.list({ capability: 'research' }))).toEqual(['atlas', 'bolt', 'nova']);
    expect(idsOf(registry.list({ capability: 'sear' }))).toEqual([]);
    expect(idsOf(registry.list({ provider: 'openai' }))).toEqual(['atlas', 'bolt']);
    expect(idsOf(registry.list({ status: 'inactive' }))).toEqual(['atlas', 'nova']);
    expect(idsOf(registry.list({ capability: 'research', provider: 'openai', status: 'active' }))).toEqual(['bolt']);
  });

  it('[DSC-03] a silent agent turns inactive, then offline; a heartbeat brings it back', async () => {
    await using t = openTestSpool();
    const registry = await withAgents(t, card('nova'));
    const status = (): string | undefined => registry.get(agentId('nova'))?.status;
    const seen: unknown[] = [];
    for (const minutes of [0, 4.99, 0.01, 54.99, 0.01]) {
      t.clock.advance(minutes * MINUTE);
      seen.push(status());
    }
    expect(seen).toEqual(['active', 'active', 'inactive', 'inactive', 'offline']);
    await registry.heartbeat(agentId('nova'));
    expect(status()).toBe('active');
    await registry.heartbeat(agentId('nobody'));
    expect(idsOf(registry.list())).toEqual(['nova']);
  });

  it('[GRP-02] finds by name whatever the case, all of that name, and by id', async () => {
    await using t = openTestSpool();
    const registry = await withAgents(t, card('n1', { name: 'Nova' }), card('n2', { name: 'nova' }), card('bolt'));
    expect(idsOf(registry.find(' NOVA '))).toEqual(['n1', 'n2']);
    expect(idsOf(registry.find('n2'))).toEqual(['n2']);
    expect(registry.find('nov')).toEqual([]);
    expect(registry.find("' OR 1 = 1 --")).toEqual([]);
  });

  it('[DSC-03] an agent that deregisters is gone', async () => {
    await using t = openTestSpool();
    const registry = await withAgents(t, card('nova'));
    expect(await registry.deregister(agentId('nova'))).toBe(true);
    expect(await registry.deregister(agentId('nova'))).toBe(false);
    expect(registry.list()).toEqual([]);
  });
});
