import { describe, expect, it } from 'vitest';
import { openTestSpool, type SpoolFixture } from '../../test/support/spool.ts';
import { acceptOnce } from '../delivery/accept-once.ts';
import type { Carrier } from '../delivery/inbound.ts';
import { agentId } from '../domain/addresses.ts';
import type { ChatIn } from '../domain/chat.ts';
import { inParts } from '../protocol/parts.ts';
import { Gate, type GatePolicy } from '../security/gate.ts';
import { SqliteEnvelopeParts } from '../store/envelope-parts.ts';
import { chatCarrier } from './chat-carrier.ts';

const ATLAS = agentId('atlas');
const POLICY: GatePolicy = {
  allowlist: ['+15550100'],
  blocklist: ['+15550666'],
  rateLimit: null,
  unlistedRateLimit: null,
  listed: [],
  agentRateLimit: null,
  maxLength: 10,
  agentMaxLength: 64_000,
};

const ENVELOPE = JSON.stringify({
  protocol: 'ai-comms',
  version: '1.0',
  id: 'msg_1',
  from: { agentId: 'nova_001', agentName: 'Nova' },
  to: { agentId: 'atlas', agentName: 'Atlas' },
  intent: 'chat',
  payload: 'x'.repeat(5_000),
  conversationId: 'conv_1',
  timestamp: '2026-01-01T00:00:00.000Z',
});

const chat = (text: string, sender = '+15550002', aliases?: string[]): ChatIn => ({
  channel: 'whatsapp',
  account: 'atlas',
  peer: { kind: 'dm', id: sender },
  sender: { id: sender, ...(aliases && { aliases }) },
  text,
  at: 1_000,
});

class Line {
  readonly name = 'whatsapp';
  readonly #number = '+15550001';
  numberOf(): string {
    return this.#number;
  }
}

function carrierOn(t: SpoolFixture, policy: Partial<GatePolicy> = {}): Carrier {
  return chatCarrier({
    channel: new Line(),
    gate: new Gate({ ...POLICY, ...policy }, t.clock),
    parts: new SqliteEnvelopeParts(t.db, { clock: t.clock }),
    commit: (writes) =>
      t.db.write((tx) => {
        for (const write of writes) write(tx);
      }),
  });
}

/** Takes a text in as `inbound` does; the message that it became. */
async function take(t: SpoolFixture, carrier: Carrier, said: ChatIn): Promise<string | null> {
  const read = carrier.read(said, ATLAS);
  if (!read?.verdict.allow) return null;
  if (!read.message) await carrier.commit(read.also);
  else await acceptOnce(t.spool, read.message, read.also);
  return read.message?.body ?? null;
}

describe('what other agents say over a chat platform', () => {
  it('[WHA-05] an envelope is for the agent, with how it came; the allowlist of people does not count', async () => {
    await using t = openTestSpool();
    const read = carrierOn(t).read(chat(ENVELOPE, '99@lid', ['+15550002']), ATLAS);
    expect(read).toMatchObject({ verdict: { allow: true }, message: { id: 'msg_1', from: 'agent:nova_001' } });
    const via = {
      transport: 'whatsapp',
      phone: '+15550002',
      to: '+15550001',
      postedAt: 1_000,
      metadata: { whatsapp: '99@lid' },
    };
    expect(read?.message?.payload).toEqual({ type: 'envelope', data: { via } });
  });

  it('[PRO-01] what people say is left to people', async () => {
    await using t = openTestSpool();
    for (const text of ['hello', '{}', '{"protocol":"smtp"}', ''])
      expect(carrierOn(t).read(chat(text), ATLAS)).toBeNull();
  });

  it('[SEC-01] who is blocked, or sends too much, is not carried', async () => {
    await using t = openTestSpool();
    expect(carrierOn(t).read(chat(ENVELOPE, '99@lid', ['+15550666']), ATLAS)?.verdict).toMatchObject({
      reason: 'blocked',
    });
    const limited = carrierOn(t, { agentRateLimit: { max: 1, windowMs: 60_000 } });
    const verdicts = [1, 2].map(() => limited.read(chat(ENVELOPE), ATLAS)?.verdict.allow);
    expect(verdicts).toEqual([true, false]);
    const broken = JSON.stringify({ protocol: 'ai-comms', from: 'nobody' });
    expect(carrierOn(t).read(chat(broken), ATLAS)?.verdict).toMatchObject({ allow: false });
  });

  it('[WHA-05] [SPL-06] parts in any order, some twice, some after a restart, make the envelope once', async () => {
    await using t = openTestSpool();
    const parts = inParts(ENVELOPE, 1_000);
    const order = [...parts.keys()].reverse().flatMap((index) => [index, index]);
    const taken: (string | null)[] = [];
    for (const index of order) taken.push(await take(t, carrierOn(t), chat(parts[index] ?? '')));
    expect(taken.filter((text) => text !== null)).toEqual([ENVELOPE]);
    expect(await t.spool.claim('agent:atlas' as never, { limit: 9 })).toMatchObject([{ message: { body: ENVELOPE } }]);
  });

  it('[SEC-05] nobody adds a part to what somebody else sends', async () => {
    await using t = openTestSpool();
    const parts = inParts(ENVELOPE, 1_000);
    for (const [index, part] of parts.entries()) {
      expect(await take(t, carrierOn(t), chat(part, index === 0 ? '+15559999' : '+15550002'))).toBeNull();
    }
  });
});
