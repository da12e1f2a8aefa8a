import { describe, expect, it } from 'vitest';
import { LocalChannel } from '../../src/channels/local/local-channel.ts';
import { inbound } from '../../src/delivery/inbound.ts';
import { agentId } from '../../src/domain/addresses.ts';
import { DEFAULT_BUDGET } from '../../src/domain/trace.ts';
import { SqliteAuditLog } from '../../src/store/audit-log.ts';
import { SqliteChatLog } from '../../src/store/chat-log.ts';
import { openTestSpool, type SpoolFixture } from '../support/spool.ts';

const contact = {
  account: 'atlas',
  agent: { id: 'atlas', name: 'Atlas' },
  phone: '+1 555 0101',
  provider: 'demo',
  model: 'scripted',
  scripted: true,
};

const phoneOn = ({ db, clock }: SpoolFixture): LocalChannel =>
  new LocalChannel({
    log: new SqliteChatLog(db, ['atlas']),
    clock,
    contacts: () => [contact],
    receiptOf: () => 'sent',
    waiting: () => [],
  });

const wayIn = ({ spool, db, clock }: SpoolFixture): ReturnType<typeof inbound> =>
  inbound({
    nameOf: (id) => id,
    spool,
    route: () => ({
      agents: [{ id: agentId('atlas'), rank: 0 }],
      panel: null,
      isCalled: false,
      activation: 'always',
      reason: '',
    }),
    check: () => ({ allow: true }),
    audit: new SqliteAuditLog(db, { clock }),
    budget: DEFAULT_BUDGET,
    ttlMs: 60_000,
    owner: null,
  });

describe('what a person says on the local phone', () => {
  it('[SPL-06] is in the chat as soon as it is accepted: a crash right after that leaves no answer without its question', async () => {
    await using fixture = openTestSpool();
    const receive = wayIn(fixture);
    const channel = phoneOn(fixture);
    await channel.start(async (arrival) => {
      await receive(arrival);
      throw new Error('the process dies here');
    });
    await expect(channel.say({ id: 'm1', account: 'atlas', text: 'Hello' })).rejects.toThrow('dies here');
    expect(phoneOn(fixture).state().messages).toMatchObject([{ id: 'm1', text: 'Hello' }]);
  });

  it('[SPL-06] said again after that is one message and one bubble', async () => {
    await using fixture = openTestSpool();
    const channel = phoneOn(fixture);
    await channel.start(wayIn(fixture));
    const utterance = { id: 'm1', account: 'atlas', text: 'Hello' };
    expect(await channel.say(utterance)).toBe('accepted');
    expect(await channel.say(utterance)).toBe('duplicate');
    expect(channel.state().messages).toHaveLength(1);
    expect(fixture.spool.stats().messages).toBe(1);
  });
});
