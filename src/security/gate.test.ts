import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { agentId } from '../domain/addresses.ts';
import type { ChatIn } from '../domain/chat.ts';
import { ManualClock } from '../lib/manual-clock.ts';
import {
  DEFAULT_AGENT_MAX_LENGTH,
  DEFAULT_AGENT_RATE_LIMIT,
  DEFAULT_MAX_LENGTH,
  DEFAULT_RATE_LIMIT,
  DEFAULT_UNLISTED_RATE_LIMIT,
  Gate,
  type GatePolicy,
} from './gate.ts';

const OPEN: GatePolicy = {
  allowlist: null,
  blocklist: [],
  rateLimit: DEFAULT_RATE_LIMIT,
  unlistedRateLimit: null,
  listed: [],
  agentRateLimit: DEFAULT_AGENT_RATE_LIMIT,
  maxLength: DEFAULT_MAX_LENGTH,
  agentMaxLength: DEFAULT_AGENT_MAX_LENGTH,
};

const ATLAS = '+15550100001';
const NOVA = '+15550100002';

function says(sender: string, text = 'hello', channel = 'local'): ChatIn {
  return { channel, account: 'atlas_001', peer: { kind: 'dm', id: sender }, sender: { id: sender }, text };
}

function gate(policy: Partial<GatePolicy> = {}, clock = new ManualClock()): Gate {
  return new Gate({ ...OPEN, ...policy }, clock);
}

const blocked = { allow: false, reason: 'blocked', notify: 'nobody' };
const allowed = { allow: true };

describe('Gate: who', () => {
  it('[SEC-01] without lists everybody may speak', () => {
    expect(gate().check(says(ATLAS))).toEqual(allowed);
  });

  it('[SEC-01] [SEC-05] the blocklist applies whether the allowlist is off or names the sender', () => {
    for (const allowlist of [null, [ATLAS]]) {
      expect(gate({ allowlist, blocklist: ['+1 555 010-0001'] }).check(says(ATLAS))).toEqual(blocked);
    }
  });

  it('[SEC-01] a stranger is dropped in silence, and the owner hears of each one once', () => {
    const closed = gate({ allowlist: [ATLAS] });
    const stranger = { allow: false, reason: 'not-allowed' };
    expect(closed.check(says(NOVA))).toEqual({ ...stranger, notify: 'owner' });
    expect(closed.check(says(NOVA))).toEqual({ ...stranger, notify: 'nobody' });
    expect(closed.check(says('00 1 555 010 0002'))).toEqual({ ...stranger, notify: 'nobody' });
    expect(closed.check(says('+15550100003'))).toEqual({ ...stranger, notify: 'owner' });
  });

  it('[SEC-01] an empty allowlist lets nobody in', () => {
    expect(gate({ allowlist: [] }).check(says(ATLAS)).allow).toBe(false);
  });

  it('[SEC-01] spellings of one number are one sender', () => {
    const closed = gate({ allowlist: ['+1 (555) 010-0001'] });
    expect(closed.check(says('15550100001:7@s.whatsapp.net'))).toEqual(allowed);
  });

  it('[SEC-01] [SEC-05] commands and long texts of a stranger get the same answer as anything else', () => {
    for (const text of ['!copilot hi', '!agents', '', 'x'.repeat(DEFAULT_MAX_LENGTH + 1)]) {
      expect(gate({ allowlist: [ATLAS] }).check(says(NOVA, text))).toMatchObject({ reason: 'not-allowed' });
      expect(gate({ blocklist: [NOVA] }).check(says(NOVA, text))).toEqual(blocked);
    }
  });

  it('[SEC-01] [SEC-05] no part of a listed identity and nothing that contains it is taken for it', () => {
    const identity = fc.stringMatching(/^(\+[1-9]\d{6,14}|[a-z][a-z0-9_.]{1,20})$/);
    const extra = fc.stringMatching(/^[a-z0-9]{1,5}$/);
    fc.assert(
      fc.property(identity, extra, fc.nat(), (listed, more, cut) => {
        const others = [
          listed + more,
          more + listed,
          listed.slice(0, cut % listed.length),
          listed.slice(1 + (cut % listed.length)),
        ];
        const impostors = others.filter((other) => other !== listed && `+${other}` !== listed);
        const closed = gate({ allowlist: [listed] });
        const open = gate({ blocklist: [listed] });
        for (const impostor of impostors) {
          expect(closed.check(says(impostor)).allow).toBe(false);
          expect(open.check(says(impostor))).toEqual(allowed);
        }
        expect(closed.check(says(listed))).toEqual(allowed);
        expect(open.check(says(listed))).toEqual(blocked);
      }),
    );
  });
});

describe('Gate: how much', () => {
  it('[SEC-01] 20 messages a minute for each sender, however it spells itself', () => {
    const clock = new ManualClock();
    const open = gate({}, clock);
    for (let i = 0; i < 20; i++) {
      const spelling = i % 2 === 0 ? ATLAS : '15550100001@s.whatsapp.net';
      expect(open.check(says(spelling, '!status'))).toEqual(allowed);
      clock.advance(1000);
    }
    expect(open.check(says(ATLAS))).toEqual({ allow: false, reason: 'rate-limited', notify: 'sender' });
    expect(open.check(says(ATLAS))).toEqual({ allow: false, reason: 'rate-limited', notify: 'nobody' });
    expect(open.check(says(NOVA))).toEqual(allowed);
    expect(open.check(says(ATLAS, 'hello', 'other'))).toEqual(allowed);
    clock.advance(40_000);
    expect(open.check(says(ATLAS))).toEqual(allowed);
    expect(open.check(says(ATLAS)).allow).toBe(false);
  });

  it('[TRC-02] somebody on no list is heard 60 times an hour, and told once, as is the owner', () => {
    const clock = new ManualClock();
    const open = gate({ unlistedRateLimit: DEFAULT_UNLISTED_RATE_LIMIT, listed: ['+1 555 010 0002'] }, clock);
    const refused = { allow: false, reason: 'too-many' };
    for (let i = 0; i < 60; i++) {
      for (const sender of [ATLAS, NOVA]) expect(open.check(says(sender))).toEqual(allowed);
      clock.advance(30_000);
    }
    expect(open.check(says(ATLAS))).toEqual({ ...refused, notify: 'both' });
    expect(open.check(says(ATLAS))).toEqual({ ...refused, notify: 'nobody' });
    expect(open.check(says(NOVA))).toEqual(allowed);
    clock.advance(1_800_000);
    expect(open.check(says(ATLAS))).toEqual(allowed);
  });

  it('[TRC-02] whoever is on the allowlist is on a list', () => {
    const closed = gate({ unlistedRateLimit: { max: 1, windowMs: 60_000 }, allowlist: [ATLAS] });
    for (let i = 0; i < 9; i++) expect(closed.check(says(ATLAS))).toEqual(allowed);
  });

  it('[SEC-01] without a limit nobody is limited', () => {
    const open = gate({ rateLimit: null, agentRateLimit: null });
    for (let i = 0; i < 1000; i++) {
      expect(open.check(says(ATLAS))).toEqual(allowed);
      expect(open.checkAgent(agentId('nova_001'), 1)).toEqual(allowed);
    }
  });

  it('[SEC-01] 10,000 UTF-16 code units come in, one more does not', () => {
    expect(gate().check(says(ATLAS, 'x'.repeat(10_000)))).toEqual(allowed);
    expect(gate().check(says(ATLAS, '👋'.repeat(5000)))).toEqual(allowed);
    expect(gate().check(says(ATLAS, '👋'.repeat(5001)))).toEqual({
      allow: false,
      reason: 'too-long',
      notify: 'sender',
    });
  });

  it('[SEC-01] a message that is too long counts', () => {
    const open = gate({ rateLimit: { max: 1, windowMs: 1000 }, maxLength: 3 });
    expect(open.check(says(ATLAS, 'long'))).toMatchObject({ reason: 'too-long' });
    expect(open.check(says(ATLAS, 'ok'))).toMatchObject({ reason: 'rate-limited' });
  });

  it('[SEC-01] [SEC-05] what others do never changes the verdict on a sender', () => {
    const event = fc.record({
      sender: fc.constantFrom(ATLAS, NOVA, '+15550100003', 'bolt', '+155501000011'),
      wait: fc.integer({ min: 0, max: 300 }),
      text: fc.constantFrom('a', 'too long', '!agents'),
    });
    const allowlist = fc.option(fc.subarray([ATLAS, NOVA, 'bolt']));
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), allowlist, fc.boolean(), (events, allowlist, block) => {
        const verdicts = (only: string | null) => {
          const clock = new ManualClock();
          const policy = {
            allowlist,
            blocklist: block ? [NOVA] : [],
            rateLimit: { max: 3, windowMs: 1000 },
            maxLength: 7,
          };
          const tested = gate(policy, clock);
          return events.flatMap(({ sender, wait, text }) => {
            clock.advance(wait);
            if (only !== null && sender !== only) return [];
            const verdict = tested.check(says(sender, text));
            return sender === ATLAS ? [verdict] : [];
          });
        };
        expect(verdicts(null)).toEqual(verdicts(ATLAS));
      }),
    );
  });
});

describe('Gate: agents', () => {
  const nova = agentId('nova_001');

  it('[SEC-01] an agent needs no place on the allowlist, and the blocklist keeps it out', () => {
    expect(gate({ allowlist: [ATLAS] }).checkAgent(nova, 5)).toEqual(allowed);
    expect(gate({ blocklist: ['Nova_001'] }).checkAgent(nova, 5)).toEqual(blocked);
    expect(gate({ blocklist: ['nova_00', 'nova_0011'] }).checkAgent(nova, 5)).toEqual(allowed);
  });

  it('[SEC-01] 240 messages a minute, counted apart from what people say; nobody is told', () => {
    const clock = new ManualClock();
    const open = gate({ rateLimit: { max: 1, windowMs: 60_000 } }, clock);
    for (let i = 0; i < 240; i++) expect(open.checkAgent(nova, 5)).toEqual(allowed);
    expect(open.checkAgent(nova, 5)).toEqual({ allow: false, reason: 'rate-limited', notify: 'nobody' });
    expect(open.checkAgent(agentId('bolt_001'), 5)).toEqual(allowed);
    expect(open.check(says('nova_001'))).toEqual(allowed);
    clock.advance(60_000);
    expect(open.checkAgent(nova, 5)).toEqual(allowed);
  });

  it('[SEC-01] an agent is told that its message is too long', () => {
    expect(gate().checkAgent(nova, DEFAULT_AGENT_MAX_LENGTH + 1)).toEqual({
      allow: false,
      reason: 'too-long',
      notify: 'sender',
    });
  });
});
