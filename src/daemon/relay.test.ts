import { statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { wireMessage } from '../../test/support/relay.ts';
import { temporaryFolder } from '../../test/support/spool.ts';
import { agentId } from '../domain/addresses.ts';
import { systemClock } from '../lib/clock.ts';
import { silentLogger } from '../lib/logger.ts';
import { RelayClient } from '../links/http/relay-client.ts';
import { parseMessageV2 } from '../protocol/message-v2.ts';
import { startRelay, withRelaySecrets } from './relay.ts';

describe('a relay as it is started', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  beforeEach(() => {
    folder = temporaryFolder();
  });
  afterEach(() => folder.remove());

  const settingsOf = (name: string, port = 0) => ({
    databasePath: join(folder.path, `${name}.db`),
    host: '127.0.0.1',
    port,
    trustedProxies: [],
    secretOf: () => null,
  });
  const secretFor = (name: string, agent: string): Promise<string> =>
    withRelaySecrets(settingsOf(name), (secrets) => secrets.replace(agentId(agent), 0));

  it('[REL-03] keeps secrets where only its owner can read them', async () => {
    await secretFor('one', 'alice');
    expect(statSync(join(folder.path, 'one.db')).mode & 0o777).toBe(0o600);
  });

  it('[REL-02] is one of several in a process, and what it has accepted is there when it starts again', async () => {
    const [one, two] = [
      await startRelay(settingsOf('one'), { logger: silentLogger }),
      await startRelay(settingsOf('two'), { logger: silentLogger }),
    ];
    const [alice, bob] = [await secretFor('one', 'alice'), await secretFor('one', 'bob')];
    const message = parseMessageV2(wireMessage('alice', 'bob', { id: 'msg_1' }));
    if (!message.ok) throw message.error;
    const clock = systemClock;
    await new RelayClient({ url: one.url, agent: 'alice', secret: alice }, { clock }).send(message.value);
    await expect(
      new RelayClient({ url: two.url, agent: 'alice', secret: alice }, { clock }).send(message.value),
    ).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    await one.stop();
    await two.stop();

    const again = await startRelay(settingsOf('one'), { logger: silentLogger });
    const inbox = new RelayClient({ url: again.url, agent: 'bob', secret: bob }, { clock });
    const poll = { limit: 10, leaseSeconds: 60, waitSeconds: 0 };
    expect(await inbox.poll(poll, new AbortController().signal)).toMatchObject([{ id: 'msg_1' }]);
    await again.stop();
  });

  it('[REL-02] says which port it cannot have', async () => {
    const one = await startRelay(settingsOf('one'), { logger: silentLogger });
    const port = Number(new URL(one.url).port);
    await expect(startRelay(settingsOf('two', port), { logger: silentLogger })).rejects.toMatchObject({
      code: 'PORT_IN_USE',
    });
    await one.stop();
  });
});
