import { describe, expect, it } from 'vitest';
import { PERSON, type Script, type World } from '../../test/support/agents.ts';
import { openSpoolAt } from '../../test/support/spool.ts';
import { messageId } from '../domain/addresses.ts';
import { SqliteApprovals } from '../store/approvals.ts';
import { SqliteAuditLog } from '../store/audit-log.ts';
import { decide } from './approval-decisions.ts';
import { AFTERWARDS, audited, BOSS, Deployment, heardBy, last, open, restart, statusOf } from './approvals.fixture.ts';

const CHIEF = { sender: 'chief' };

/** The id of the message that shows a request to somebody. */
function noticeOf(world: World, number = 1, peer = 'boss'): string {
  const notice = world.said.find(({ text, ...said }) => said.peer.id === peer && text.includes(`!approve ${number} `));
  if (!notice) throw new Error(`nobody has shown ${number} to ${peer}`);
  return notice.id;
}

async function asked(deployment: Deployment, sender = 'boss'): Promise<World> {
  const world = await open(deployment);
  await world.tell('Atlas', 'please deploy', { sender });
  return world;
}

async function react(world: World, emoji: string, to = noticeOf(world), saying: object = BOSS): Promise<string> {
  const outcome = await world.react('Atlas', emoji, to, saying);
  await world.idle();
  return outcome;
}

/** As `parley reject 1` does it, in a process of its own; resolves with whether it was first. */
async function rejectElsewhere({ db: { path }, clock }: World): Promise<boolean> {
  const { db, spool } = openSpoolAt(path, clock);
  const records = { approvals: new SqliteApprovals(db), audit: new SqliteAuditLog(db, { clock }) };
  const decision = { status: 'rejected', by: 'root', actor: 'command line: root', why: null } as const;
  const decided = decide(records, 1, decision, clock.now());
  const receipts = decided.ok ? await spool.send([decided.value.message], decided.value.also) : [];
  await spool.close();
  await db.close();
  return receipts.some(({ duplicate }) => !duplicate);
}

describe('a reaction to the message that shows a request', () => {
  it.each(['👍', '👍🏿', '👍🏻', '👍\ufe0f', '✅', '✅\ufe0f'])('[TOL-03] %s approves it', async (emoji) => {
    const deployment = new Deployment();
    await using world = await asked(deployment);
    expect(await react(world, emoji)).toBe('accepted');
    expect(deployment.calls).toEqual(['production']);
    expect(heardBy(world, 'boss').slice(2)).toEqual([
      '1 is approved: Atlas, deploy.',
      'Result: [approved: deploy]\n{"ok":true,"deployed":"production"}',
    ]);
    expect(audited(world)).toEqual(['approval.asked atlas', 'approval.approved boss', 'approval.done atlas']);
  });

  it.each(['👎', '👎🏽', '❌', '❌\ufe0f'])('[TOL-03] %s rejects it', async (emoji) => {
    const deployment = new Deployment();
    await using world = await asked(deployment);
    await react(world, emoji);
    expect(last(world)).toBe('Pity: [rejected: deploy]');
    expect(audited(world)).toEqual(['approval.asked atlas', 'approval.rejected boss']);
    expect(deployment.calls).toEqual([]);
  });

  it.each(['❤️', '😂', '👍👍', '👌', '!approve 1', ''])('[TOL-03] %j says nothing to anybody', async (emoji) => {
    await using world = await asked(new Deployment());
    const [turns, said, messages] = [world.turns.length, world.said.length, world.messages().length];
    expect(await react(world, emoji)).toBe('refused');
    expect([world.turns.length, world.said.length, world.messages().length]).toEqual([turns, said, messages]);
    expect(statusOf(world)).toBe('waiting');
  });

  it('[TOL-03] counts once, however often it comes', async () => {
    const deployment = new Deployment();
    await using world = await asked(deployment);
    const again = { ...BOSS, id: 'reaction' };
    const outcomes = [await react(world, '👍', undefined, again), await react(world, '👍', undefined, again)];
    expect(outcomes).toEqual(['accepted', 'duplicate']);
    expect(heardBy(world, 'boss').filter((text) => text.startsWith('1 is approved'))).toHaveLength(1);
    expect(deployment.calls).toHaveLength(1);
  });

  it('[TOL-03] to one that is decided is answered as the command is', async () => {
    const deployment = new Deployment();
    await using world = await asked(deployment);
    await world.tell('Nova', '!reject 1', CHIEF);
    await react(world, '👍');
    expect(last(world)).toBe('1 has been rejected by chief already.');
    expect(deployment.calls).toEqual([]);
  });

  it('[TOL-03] of several requests decides the one that it is put to', async () => {
    const deployment = new Deployment();
    const asksTwice: Script = async (turn) => {
      for (const target of ['one', 'two']) await turn.use('deploy', { target });
      return 'They wait.';
    };
    await using world = await open(deployment, { agents: { Atlas: asksTwice } });
    await world.tell('Atlas', 'go', BOSS);
    await react(world, '👍', noticeOf(world, 2));
    expect([statusOf(world, 1), statusOf(world, 2), deployment.calls]).toEqual(['waiting', 'done', ['two']]);
  });
});

describe('a reaction', () => {
  it('[TOL-03] to any other message does nothing, and counts against nobody', async () => {
    const deployment = new Deployment();
    const gate = { rateLimit: { max: 3, windowMs: 60_000 } };
    await using world = await open(deployment, { gate });
    await world.tell('Atlas', 'please deploy', BOSS);
    const answer = world.said.find(({ text }) => text.startsWith('{'))?.id ?? '';
    const [turns, said, messages] = [world.turns.length, world.said.length, world.messages().length];
    for (const to of [answer, 'msg_unknown', answer, answer, answer]) {
      expect(await react(world, '👍', to)).toBe('refused');
    }
    expect([world.turns.length, world.said.length, world.messages().length]).toEqual([turns, said, messages]);
    expect(world.audit.tail(10).map(({ kind }) => kind)).toEqual(['approval.asked']);
    expect(await react(world, '👍')).toBe('accepted');
    expect(deployment.calls).toHaveLength(1);
  });

  it('[TOL-03] [ADM-01] of somebody who may not give commands decides nothing, and it is audited', async () => {
    const deployment = new Deployment();
    await using world = await asked(deployment, PERSON);
    const [turns, said] = [world.turns.length, world.said.length];
    for (const emoji of ['👍', '❌']) await react(world, emoji, noticeOf(world), { sender: PERSON });
    expect([world.turns.length, world.said.length]).toEqual([turns, said]);
    expect(world.audit.tail(2).map(({ kind, actor, detail }) => `${kind} ${actor} ${detail}`)).toEqual([
      `command.denied ${PERSON} !approve`,
      `command.denied ${PERSON} !reject`,
    ]);
    expect([statusOf(world), deployment.calls]).toEqual(['waiting', []]);
  });

  it('[TOL-03] [SEC-01] passes the gate like all that people say', async () => {
    const deployment = new Deployment();
    await using world = await open(deployment, { gate: { blocklist: ['chief'] } });
    await world.tell('Atlas', 'please deploy', BOSS);
    expect(await react(world, '👍', noticeOf(world), CHIEF)).toBe('refused');
    expect(world.audit.tail(1).map(({ kind, actor }) => `${kind} ${actor}`)).toEqual(['gate.dropped chief']);
    expect(statusOf(world)).toBe('waiting');
  });

  it('[TOL-03] between two messages of a burst does not part them, nor hold them up', async () => {
    const debounceMs = 1_000;
    await using world = await open(new Deployment(), { debounceMs });
    await world.say('Atlas', 'hello', BOSS);
    await world.pass(debounceMs / 2);
    await world.react('Atlas', '❤️', 'msg_unknown', BOSS);
    await world.say('Atlas', 'and more', BOSS);
    await world.pass(debounceMs);
    expect(world.turns.map(({ prompt }) => prompt)).toEqual(['hello\nand more']);
  });

  it('[TOL-03] between two messages of a burst still decides', async () => {
    const deployment = new Deployment();
    const debounceMs = 1_000;
    await using world = await open(deployment, { debounceMs });
    await world.say('Atlas', 'please deploy', BOSS);
    await world.pass(debounceMs);
    await world.say('Atlas', 'hello', BOSS);
    await world.react('Atlas', '👍', noticeOf(world), BOSS);
    await world.say('Atlas', 'and more', BOSS);
    for (let step = 0; step < 3; step++) await world.pass(debounceMs);
    expect(deployment.calls).toEqual(['production']);
    expect(world.turns.some(({ prompt }) => prompt.includes('!approve'))).toBe(false);
  });
});

describe('a decision by a reaction', () => {
  it('[TOL-03] survives a restart: it is a message in a mailbox', async () => {
    const deployment = new Deployment();
    const before = await asked(deployment);
    const notice = noticeOf(before);
    const away = await restart(before, deployment, { away: ['Atlas'] });
    expect(await away.react('Atlas', '👍', notice, AFTERWARDS)).toBe('accepted');
    expect([statusOf(away), deployment.calls]).toEqual(['waiting', []]);
    await using after = await restart(away, deployment);
    await after.idle();
    expect([statusOf(after), deployment.calls]).toEqual(['done', ['production']]);
    expect(await after.react('Atlas', '👍', notice, AFTERWARDS)).toBe('duplicate');
  });

  it('[TOL-03] is one of several that are made at the same moment, whichever way each of them comes', async () => {
    const deployment = new Deployment();
    await using world = await asked(deployment);
    const notice = noticeOf(world);
    const byCommandLine = rejectElsewhere(world);
    await Promise.all([
      world.react('Atlas', '👍', notice, BOSS),
      world.say('Nova', '!reject 1', CHIEF),
      // What a button says.
      world.say('Atlas', '!approve 1', { ...CHIEF, id: 'button' }),
    ]);
    const first = await byCommandLine;
    await world.idle();
    await world.pass(60_000);
    const kinds = audited(world).map((entry) => entry.split(' ')[0]);
    const approved = statusOf(world) === 'done';
    expect(kinds).toEqual(
      approved ? ['approval.asked', 'approval.approved', 'approval.done'] : ['approval.asked', 'approval.rejected'],
    );
    expect(deployment.calls).toHaveLength(approved ? 1 : 0);
    const confirmed = world.said.filter(({ text }) => /^1 is (approved|rejected)/.test(text)).length;
    const toldLate = world.said.filter(({ text }) => /^1 has been (approved|rejected) by/.test(text)).length;
    expect([confirmed, toldLate]).toEqual(first ? [0, 3] : [1, 2]);
  });

  it('[TOL-03] can be made a week later, if that is how long there is', async () => {
    const deployment = new Deployment();
    const week = 7 * 24 * 3_600_000;
    await using world = await open(deployment, { approvalTimeoutMs: week });
    await world.tell('Atlas', 'please deploy', BOSS);
    const notice = noticeOf(world);
    expect(world.said.find(({ id }) => id === notice)?.text).toContain(', within 7 days.');
    await world.pass(week - 1);
    await world.spool.cleanup(world.clock.now());
    expect(world.spool.message(messageId(notice))).toBeNull();
    await react(world, '👍', notice);
    expect(deployment.calls).toEqual(['production']);
  });
});

describe('how long there is', () => {
  it.each([
    [60_000, '1 minute'],
    [3_600_000, '60 minutes'],
    [119 * 60_000, '119 minutes'],
    [2 * 3_600_000, '2 hours'],
    [150 * 60_000, '2 hours 30 minutes'],
    [25 * 3_600_000 + 60_000, '1 day 1 hour 1 minute'],
    [48 * 3_600_000, '2 days'],
  ])('[TOL-03] %i ms are told as %s', async (approvalTimeoutMs, words) => {
    await using world = await open(new Deployment(), { approvalTimeoutMs });
    await world.tell('Atlas', 'please deploy', BOSS);
    expect(last(world)).toContain(`!approve 1 or !reject 1 [why], within ${words}.`);
    await world.pass(approvalTimeoutMs - 1);
    expect(statusOf(world)).toBe('waiting');
    await world.pass(1);
    expect(statusOf(world)).toBe('expired');
  });
});

describe('the buttons of a request', () => {
  it('[TOL-03] say the commands', async () => {
    await using world = await asked(new Deployment());
    const notice = world.said.find(({ id }) => id === noticeOf(world));
    expect(notice?.choices).toEqual([
      { id: '!approve 1', label: 'Approve' },
      { id: '!reject 1', label: 'Reject' },
    ]);
    expect(world.said.filter(({ choices }) => choices !== undefined)).toHaveLength(1);
  });
});
