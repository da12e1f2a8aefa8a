import { describe, expect, it } from 'vitest';
import { openTestSpool, type SpoolFixture } from '../../test/support/spool.ts';
import { agentId } from '../domain/addresses.ts';
import { type Logger, silentLogger } from '../lib/logger.ts';
import type { Health } from '../links/agent-http/health.ts';
import { cardOfHttpAgent, type HttpAgent } from '../links/agent-http/http-agent.ts';
import { SqliteRegistry } from '../registry/sqlite-registry.ts';
import { HttpAgents } from './http-agents.ts';

const MINUTE_MS = 60_000;

const coder: HttpAgent = {
  id: agentId('coder'),
  name: 'Coder',
  url: 'https://coder.example',
  apiKey: 'hush',
  skills: ['code'],
  describesItself: false,
  allow: 'public',
};
const onPort: HttpAgent = {
  id: agentId('agent-4001'),
  name: 'Agent 4001',
  url: 'http://127.0.0.1:4001',
  apiKey: null,
  skills: [],
  describesItself: true,
  allow: 'loopback',
};

/** Agents whose health is as the test says; those that it does not name are away. */
function watching(t: SpoolFixture, agents: readonly HttpAgent[], logger: Logger = silentLogger) {
  const directory = new SqliteRegistry(t.db, { clock: t.clock });
  const health: Record<string, Health> = {};
  const healthOf = async ({ id }: HttpAgent): Promise<Health | null> => health[id] ?? null;
  const start = () => HttpAgents.start({ agents, directory, logger, clock: t.clock, healthOf });
  /** Lets `ms` pass, and what is looked at then be seen. */
  const pass = async (ms: number): Promise<void> => {
    t.clock.advance(ms);
    await t.settled();
  };
  return { directory, health, start, pass };
}

const statusOf = (directory: SqliteRegistry, { id }: HttpAgent) => directory.get(id)?.status;

describe('agents that are reached over HTTP', () => {
  it('[TEM-01] are registered, without their keys', async () => {
    await using t = openTestSpool();
    const { directory, start } = watching(t, [coder, onPort]);
    const agents = await start();
    expect(directory.list()).toMatchObject([cardOfHttpAgent(onPort), cardOfHttpAgent(coder)]);
    expect(directory.get(coder.id)).toMatchObject({
      transport: 'agent-http',
      capabilities: ['code'],
      metadata: { agent_url: 'https://coder.example' },
    });
    expect(JSON.stringify(directory.list())).not.toContain('hush');
    await agents.stop();
  });

  it('[TEM-01] are as present as their last answer', async () => {
    await using t = openTestSpool();
    const { directory, health, start, pass } = watching(t, [coder, onPort]);
    health['coder'] = {};
    const agents = await start();
    for (let minute = 0; minute < 6; minute++) await pass(MINUTE_MS);
    expect([statusOf(directory, coder), statusOf(directory, onPort)]).toEqual(['active', 'inactive']);
    delete health['coder'];
    health['agent-4001'] = {};
    for (let minute = 0; minute < 6; minute++) await pass(MINUTE_MS);
    expect([statusOf(directory, coder), statusOf(directory, onPort)]).toEqual(['inactive', 'active']);
    await agents.stop();
  });

  it('[TEM-01] do not count as there because Parley was started again', async () => {
    await using t = openTestSpool();
    const { directory, health, start, pass } = watching(t, [coder, onPort]);
    health['agent-4001'] = { name: 'Poet', skills: ['verse'] };
    const first = await start();
    await t.settled();
    await first.stop();
    delete health['agent-4001'];
    await pass(60 * MINUTE_MS);
    const second = await start();
    expect(directory.list()).toMatchObject([
      { id: 'agent-4001', name: 'Poet', capabilities: ['verse'], status: 'offline' },
      { id: 'coder', status: 'offline' },
    ]);
    await second.stop();
  });

  it('[TEM-01] are registered anew when something else is said of them', async () => {
    await using t = openTestSpool();
    const { directory, start } = watching(t, [coder, onPort]);
    await directory.register({ ...cardOfHttpAgent(coder), metadata: { agent_url: 'https://elsewhere.example' } });
    await directory.register({ ...cardOfHttpAgent(onPort), transport: 'sqlite', name: 'Somebody' });
    const agents = await start();
    expect(directory.list()).toMatchObject([cardOfHttpAgent(onPort), cardOfHttpAgent(coder)]);
    await agents.stop();
  });

  it('[TEM-01] on ports are called what they call themselves, at once and when that changes; listed ones are not', async () => {
    await using t = openTestSpool();
    const { directory, health, start, pass } = watching(t, [coder, onPort]);
    health['coder'] = { name: 'Boss', skills: ['everything'] };
    health['agent-4001'] = { name: 'Poet', skills: ['verse'] };
    const agents = await start();
    await t.settled();
    expect(directory.find('poet')).toMatchObject([{ id: 'agent-4001', capabilities: ['verse'] }]);
    expect(directory.get(coder.id)).toMatchObject({ name: 'Coder', capabilities: ['code'] });
    health['agent-4001'] = { name: 'Bard' };
    await pass(MINUTE_MS);
    expect(directory.get(onPort.id)).toMatchObject({ name: 'Bard', capabilities: [] });
    await agents.stop();
  });

  it.each(['coder', 'CODER', 'Coder'])(
    '[TEM-01] [SEC-05] on ports do not take the name of another: %s',
    async (name) => {
      await using t = openTestSpool();
      const { directory, health, start } = watching(t, [coder, onPort]);
      health['agent-4001'] = { name };
      const agents = await start();
      await t.settled();
      expect(directory.get(onPort.id)).toMatchObject({ name: 'Agent 4001' });
      await agents.stop();
    },
  );

  it('[TEM-01] are still looked at when one could not be noted', async () => {
    await using t = openTestSpool();
    const errors: object[] = [];
    const logger = { ...silentLogger, error: (fields: object) => errors.push(fields) };
    const { directory, health, start, pass } = watching(t, [coder, onPort], logger);
    health['coder'] = {};
    const agents = await start();
    await t.settled();
    directory.heartbeat = () => Promise.reject(new Error('The disk is full.'));
    await pass(MINUTE_MS);
    expect(errors).toEqual([{ agent: 'coder', error: 'The disk is full.' }]);
    await agents.stop();
  });

  it('[TEM-01] are not waited for at the end', async () => {
    await using t = openTestSpool();
    const directory = new SqliteRegistry(t.db, { clock: t.clock });
    const healthOf = (_agent: HttpAgent, _clock: unknown, signal?: AbortSignal) =>
      new Promise<Health>((resolve) => signal?.addEventListener('abort', () => resolve({ name: 'Late' })));
    const armed = t.clock.armed;
    const agents = await HttpAgents.start({
      agents: [onPort],
      directory,
      logger: silentLogger,
      clock: t.clock,
      healthOf,
    });
    await agents.stop();
    expect(directory.get(onPort.id)).toMatchObject({ name: 'Agent 4001' });
    expect(t.clock.armed).toBe(armed);
  });
});
