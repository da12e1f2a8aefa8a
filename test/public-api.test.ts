import { execFile } from 'node:child_process';
import { existsSync, globSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { AgentCard } from '../src/domain/agent-card.ts';
import {
  agentAddress,
  agentId,
  conversationId,
  listAgents,
  messageId,
  openSpool,
  ParleyError,
  startTrace,
} from '../src/index.ts';
import { ManualClock } from '../src/lib/manual-clock.ts';
import { SqliteRegistry } from '../src/registry/sqlite-registry.ts';
import { Database } from '../src/spool/sqlite/database.ts';
import { fileLinks } from './support/documents.ts';
import { PROJECT } from './support/source-files.ts';
import { temporaryFolder } from './support/spool.ts';
import { connectPerson, startWhatsAppServer } from './support/testing.ts';

const CARD: AgentCard = {
  id: agentId('nova_001'),
  name: 'Nova',
  capabilities: ['research'],
  device: 'laptop',
  transport: 'sqlite',
  phone: null,
  provider: 'demo',
  metadata: {},
};

describe('the package, used from code', () => {
  const clock = new ManualClock();
  let folder: ReturnType<typeof temporaryFolder>;
  let path: string;
  beforeEach(() => {
    folder = temporaryFolder();
    path = join(folder.path, 'coordination.db');
  });
  afterEach(() => folder.remove());

  it('sends, claims and settles a message, and leaves the file closed', async () => {
    const id = messageId('hello-1');
    const to = agentAddress(agentId('nova_001'));
    {
      await using spool = await openSpool(path, { clock });
      const from = agentAddress(agentId('atlas_001'));
      const conversation = conversationId('conv-1');
      const payload = { type: 'text', data: { text: 'Hello' } };
      await spool.send([{ id, from, deliveries: [{ to }], conversation, payload, trace: startTrace(id, null) }]);
      const [delivery] = await spool.claim(to);
      expect(delivery?.message.payload).toEqual(payload);
      if (delivery) await spool.settle(delivery.lease, { kind: 'ack' });
      expect(spool.status(id)).toMatchObject([{ status: 'acked' }]);
    }
    // SQLite takes these two away when the last connection closes.
    expect([`${path}-wal`, `${path}-shm`].filter((file) => existsSync(file))).toEqual([]);
  });

  it('[RUN-04] a spool may be closed twice, also at once', async () => {
    const spool = await openSpool(path, { clock });
    await Promise.all([spool.close(), spool.close()]);
    await spool.close();
    await expect(spool.send([])).rejects.toMatchObject({ code: 'SPOOL_CLOSED' });
  });

  it('a file that is not a database is told and left as it was', async () => {
    writeFileSync(path, 'something else entirely, and long enough to have a header in it');
    await expect(openSpool(path)).rejects.toBeInstanceOf(ParleyError);
    await expect(listAgents({ databasePath: path })).rejects.toMatchObject({ code: 'DATABASE_CORRUPT' });
  });

  it('[DSC-04] lists the agents of a database, by capability too', async () => {
    const db = new Database(path, { clock });
    const registry = new SqliteRegistry(db, { clock });
    await registry.register(CARD);
    await registry.register({ ...CARD, id: agentId('bolt_001'), name: 'Bolt', capabilities: ['code'] });
    await db.close();

    const named = async (filter: Parameters<typeof listAgents>[0]): Promise<string[]> =>
      (await listAgents({ databasePath: path, clock, ...filter })).map(({ name }) => name);
    expect(await named({})).toEqual(['Bolt', 'Nova']);
    expect(await named({ capability: 'research' })).toEqual(['Nova']);
    expect(await named({ status: 'offline' })).toEqual([]);
  });

  it('[DSC-04] a database that is not there has no agents, and is not made', async () => {
    rmSync(path, { force: true });
    expect(await listAgents({ databasePath: path })).toEqual([]);
    expect(existsSync(path)).toBe(false);
  });
});

describe('parleyd/testing', () => {
  it('[WHA-06] is a WhatsApp of its own, with people on it', async () => {
    await using server = await startWhatsAppServer();
    await using ann = await connectPerson(server, '15550000001', 'Ann');
    await using bob = await connectPerson(server, '15550000002', 'Bob');
    const id = await ann.say('15550000002', 'hello');
    expect(await bob.heard('hello')).toMatchObject({ id, from: '15550000001' });
    await ann.reached(id, 'delivered');
  });
});

describe('the package', () => {
  const SERVER_GUIDE = 'test/support/whatsapp-server/README.md';
  const guides = globSync('docs/guides/*.md', { cwd: PROJECT });

  /** The files in it, but for those that a build makes. */
  async function packed(): Promise<ReadonlySet<string>> {
    const args = ['pack', '--dry-run', '--ignore-scripts', '--json'];
    const { stdout } = await promisify(execFile)('npm', args, { cwd: PROJECT });
    const [{ files }] = z
      .tuple([z.object({ files: z.array(z.object({ path: z.string() })) })])
      .parse(JSON.parse(stdout));
    return new Set(files.map(({ path }) => path));
  }

  it('[WHA-06] has the guides in it, and that of the WhatsApp server', async () => {
    const files = await packed();
    expect(guides.length).toBeGreaterThan(5);
    expect([...guides, SERVER_GUIDE, 'README.md', 'CHANGELOG.md'].filter((path) => !files.has(path))).toEqual([]);
    // Of our tests, nothing else.
    expect([...files].filter((path) => path.startsWith('test/'))).toEqual([SERVER_GUIDE]);
  });

  it('[WHA-06] is explained by its README, part by part', () => {
    const text = readFileSync(join(PROJECT, 'README.md'), 'utf8');
    const { exports } = z
      .object({ exports: z.record(z.string(), z.unknown()) })
      .parse(JSON.parse(readFileSync(join(PROJECT, 'package.json'), 'utf8')));
    const parts = Object.keys(exports).filter((name) => name !== '.');
    expect(parts.filter((name) => !text.includes(`\`parleyd${name.slice(1)}\``))).toEqual([]);
    expect(fileLinks(text)).toEqual(expect.arrayContaining([SERVER_GUIDE, 'docs/guides/hub.md']));
  });
});
