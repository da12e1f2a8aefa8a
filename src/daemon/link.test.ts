import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { wireMessage } from '../../test/support/relay.ts';
import { mailbox, openTestSpool, temporaryFolder } from '../../test/support/spool.ts';
import { agentId } from '../domain/addresses.ts';
import { silentLogger } from '../lib/logger.ts';
import { type MessageV2, parseMessageV2 } from '../protocol/message-v2.ts';
import { acceptFor, startLink } from './link.ts';

const RELAY = 'http://relay:8420';

function message(to: string, changes: object = {}): MessageV2 {
  const parsed = parseMessageV2(wireMessage('alice', to, { id: 'msg_1', ...changes }));
  if (!parsed.ok) throw parsed.error;
  return parsed.value;
}

describe('a message that was fetched from a relay', () => {
  it('[REL-04] is in the mailbox once, however often it was fetched', async () => {
    await using t = openTestSpool();
    const accept = acceptFor(agentId('bob'), RELAY, t.spool, t.clock);
    for (let i = 0; i < 3; i++) await accept(message('bob'));
    expect(await t.spool.claim(mailbox('bob'), { limit: 10 })).toMatchObject([{ message: { id: 'msg_1' } }]);
  });

  it('[REL-04] is in the mailbox of each that fetched it: a broadcast', async () => {
    await using t = openTestSpool();
    for (const agent of ['bob', 'carol', 'bob', 'carol'])
      await acceptFor(agentId(agent), RELAY, t.spool, t.clock)(message('*'));
    for (const agent of ['bob', 'carol'])
      expect(await t.spool.claim(mailbox(agent), { limit: 10 })).toMatchObject([{ message: { body: 'Hello' } }]);
  });
});

describe('a link', () => {
  it.each([
    ['an agent that is not here', 'nobody', 'AGENT_UNKNOWN'],
    ['what is no agent', '../x', 'AGENT_UNKNOWN'],
  ])('[REL-04] does not begin for %s', async (_what, agent, code) => {
    const { path, remove } = temporaryFolder();
    const settings = { databasePath: join(path, 'a.db'), pulls: [{ agent, url: 'http://relay' }], secretOf: () => 'x' };
    await expect(startLink(settings, { logger: silentLogger })).rejects.toMatchObject({ code });
    remove();
  });
});
