import { describe, expect, it } from 'vitest';
import { idOf, openWorld, type Posted, script, type World } from '../../test/support/agents.ts';
import { temporaryFolder } from '../../test/support/spool.ts';
import { agentAddress, conversationId, groupId, messageId } from '../domain/addresses.ts';
import { startTrace } from '../domain/trace.ts';
import type { EnvelopeDraft } from '../protocol/envelope.ts';
import { deriveKeys } from '../protocol/keys.ts';

const KEYS = deriveKeys({ agentSecret: 'test secret', encryptionKey: 'test key' });
const MAX_AGE_MS = 300_000;

const openThree = (options: Partial<Parameters<typeof openWorld>[0]> = {}): Promise<World> =>
  openWorld({ agents: { Atlas: () => 'I am well.', Nova: () => 'I am well.', Bolt: () => 'I am well.' }, ...options });

/** An envelope with every field there is. */
const FULL: Partial<EnvelopeDraft> = {
  replyTo: messageId('post-0'),
  group: { groupId: groupId('grp_1'), groupName: 'Research' },
  trace: { ...startTrace(messageId('root'), idOf('Atlas')), cause: messageId('root'), hop: 1 },
  extra: { 'x-note': 'kept' },
};

/** Changes one field of an envelope, named by its path, on the way. */
const altering =
  (path: string, value: unknown) =>
  (text: string): string => {
    const envelope = JSON.parse(text);
    const names = path.split('.');
    const last = names.pop() ?? '';
    const holder = names.reduce((object, name) => object[name], envelope);
    if (holder[last] === value) throw new Error(`${path} has this value already`);
    if (value === undefined) delete holder[last];
    else holder[last] = value;
    return JSON.stringify(envelope);
  };

/** It was taken out of the mailbox, put on record, and no model saw it; and the agent goes on as if nothing had been. */
async function expectRefused(world: World, message: { id: string }, why: RegExp, turnsBefore = 0): Promise<void> {
  expect(world.turns).toHaveLength(turnsBefore);
  expect(world.spool.status(messageId(message.id)).map(({ status }) => status)).toEqual(['acked']);
  const entry = world.audit.tail(20).find((one) => one.message === message.id);
  expect(entry).toMatchObject({ kind: 'envelope.refused', detail: expect.stringMatching(why) });
  await world.post('Bolt', 'Nova', { payload: 'How are you?' });
  expect(world.turns.slice(turnsBefore).map(({ agent }) => agent)).toEqual(['Nova']);
}

describe('what an agent refuses', () => {
  it.each([
    ['id', 'post-99'],
    ['from.agentId', 'bolt'],
    ['from.agentName', 'Bolt'],
    ['to.agentId', 'bolt'],
    ['to.agentName', 'Bolt'],
    ['group.groupId', 'grp_2'],
    ['group.groupName', 'Cooking'],
    ['intent', 'announce'],
    ['conversationId', 'conv-other'],
    ['timestamp', new Date(Date.UTC(2026, 0, 1, 0, 1)).toISOString()],
    ['replyTo', 'post-77'],
    ['replyTo', undefined],
    ['trace.budget.turns', 1_000],
    ['trace.hop', 0],
    ['trace.origin', 'bolt'],
    ['trace', undefined],
    ['x-note', 'changed'],
    ['x-new', 'added'],
    ['payload', 'in the clear'],
    ['payload.ciphertext', 'AAAA'],
    ['auth.hmac', '0'.repeat(64)],
  ])('[PRO-02] an envelope whose %s was changed to %s', async (path, value) => {
    await using world = await openThree();
    const message = await world.post('Atlas', 'Nova', FULL, { tamper: altering(path, value) });
    await expectRefused(world, message, /bad-signature/);
  });

  it.each<[string, Posted, RegExp]>([
    ['is not signed', { keys: { ...KEYS, signing: null } }, /unsigned/],
    ['lost its signature', { tamper: altering('auth', undefined) }, /unsigned/],
    ['has a signature that is too short', { tamper: altering('auth.hmac', 'abc') }, /unsigned|bad-signature/],
    ['has a signature that is no text', { tamper: altering('auth.hmac', 7) }, /unsigned|bad-signature/],
    ['has something else for a signature', { tamper: altering('auth', [null]) }, /unsigned|bad-signature/],
    ['is signed with another secret', { keys: deriveKeys({ agentSecret: 'x', encryptionKey: 'test key' }) }, /bad-sig/],
    ['is in the clear although a key is set', { keys: { ...KEYS, sealing: null } }, /plaintext/],
    ['is sealed with another key', { keys: deriveKeys({ agentSecret: 'test secret', encryptionKey: 'x' }) }, /unread/],
    ['is of another version', { tamper: altering('version', '9.0') }, /unsupported-version/],
    ['has no timestamp', { tamper: altering('timestamp', undefined) }, /malformed/],
    ['has a garbage timestamp', { tamper: altering('timestamp', 'yesterday') }, /malformed/],
    ['has no sender', { tamper: altering('from', null) }, /malformed/],
    ['is empty', { tamper: () => '' }, /malformed/],
    ['is null', { tamper: () => 'null' }, /malformed/],
    ['is a list', { tamper: () => '[[[]]]' }, /malformed/],
    ['is cut off', { tamper: (text) => text.slice(0, -9) }, /malformed/],
    ['has a prototype for a key', { tamper: () => '{"__proto__":{"protocol":"ai-comms"}}' }, /malformed/],
    ['is longer than any envelope', { tamper: (text) => text + ' '.repeat(256 * 1024) }, /too-large/],
    ['came from another mailbox', { message: { from: agentAddress(idOf('Bolt')) } }, /says that it is from atlas/],
  ])('[SEC-05] [PRO-05] an envelope that %s', async (_what, posted, why) => {
    await using world = await openThree();
    const message = await world.post('Atlas', 'Nova', {}, posted);
    await expectRefused(world, message, why);
  });

  it('[SEC-05] [SPL-01] what is no envelope is a dead letter: who sent it can see why', async () => {
    await using world = await openThree();
    const message = await world.post('Atlas', 'Nova', {}, { message: { payload: { type: 'task', data: {} } } });
    const reason = 'an agent takes envelopes, and this is a task';
    expect(world.spool.status(messageId(message.id))).toMatchObject([{ status: 'failed', reason }]);
    expect(world.audit.tail(1)).toMatchObject([{ kind: 'envelope.refused', detail: reason }]);
    expect(world.turns).toEqual([]);
  });

  it.each<[string, Partial<EnvelopeDraft>, RegExp]>([
    ['is for somebody else', { to: { agentId: idOf('Bolt'), agentName: 'Bolt' } }, /misdirected/],
    ['is too old', { sentAt: Date.UTC(2026, 0, 1) - MAX_AGE_MS - 1 }, /stale/],
    ['is from the future', { sentAt: Date.UTC(2026, 0, 1) + MAX_AGE_MS + 1 }, /stale/],
    ['announces somebody else', { intent: 'announce', payload: { id: 'bolt' } }, /not a valid announce/],
    ['reports a stop of what somebody else began', { intent: 'notice', payload: { stopped: 'turns' } }, /valid notice/],
    ['is for a group that is unknown', { intent: 'group', group: { groupId: groupId('g'), groupName: 'G' } }, /group/],
    ['updates a group with garbage', { intent: 'group-update', payload: 7 }, /not a valid group-update/],
  ])('[PRO-05] [PRO-04] an envelope that %s', async (_what, draft, why) => {
    await using world = await openThree();
    const message = await world.post('Atlas', 'Nova', draft);
    await expectRefused(world, message, why);
  });

  it('[PRO-04] a copy of an envelope that it has had, also after a restart', async () => {
    const folder = temporaryFolder();
    const first = await openThree({ folder });
    const message = await first.post('Atlas', 'Nova', {});
    await first.stop();

    await using world = await openThree({ folder, clock: first.clock });
    const id = messageId('copy');
    await world.spool.send([{ ...message, id }]);
    await world.idle();
    await expectRefused(world, { id }, /replayed/);
    folder.remove();
  });

  it('[PRO-04] an envelope that waited in the mailbox for long was fresh when it came, and is answered', async () => {
    const folder = temporaryFolder();
    const first = await openThree({ folder, away: ['Nova'] });
    await first.post('Atlas', 'Nova', {});
    await first.stop();

    first.clock.advance(MAX_AGE_MS * 10);
    await using world = await openThree({ folder, clock: first.clock });
    await world.idle();
    expect(world.turns.map(({ agent }) => agent)).toContain('Nova');
    folder.remove();
  });

  it('[PRO-04] a model may think for longer than an envelope may be old: what it says is fresh', async () => {
    const agents = {
      Atlas: () => 'NO_REPLY',
      Nova: async () => {
        for (let half = 0; half < 12; half++) {
          world.clock.advance(30_000);
          await world.until(() => true);
        }
        return 'After long thought: yes.';
      },
    };
    await using world = await openWorld({
      agents: {
        ...agents,
        Atlas: script({ ask: async ({ use }) => String(await use('message_agent', { agent: 'Nova', text: 'Hm?' })) }),
      },
    });
    await world.tell('Atlas', 'ask');
    expect(world.turns.at(-1)).toMatchObject({ agent: 'Atlas', prompt: expect.stringContaining('After long thought') });
    expect(world.audit.tail(10)).toEqual([]);
  });

  it('[SPL-02] what a crash interrupted is handed out again, and is not taken for a replay', async () => {
    let attempts = 0;
    const crashesOnce = (): string => {
      if (++attempts === 1) throw new Error('crash');
      return 'I am well.';
    };
    await using world = await openThree({ agents: { Atlas: () => 'NO_REPLY', Nova: crashesOnce } });
    const message = await world.post('Atlas', 'Nova', {});
    await world.pass(5_000);
    expect(attempts).toBe(2);
    expect(world.spool.status(message.id)).toMatchObject([{ status: 'acked', attempts: 2 }]);
    expect(world.messages().filter(({ subject }) => subject === 'reply')).toHaveLength(1);
  });

  it('[PRO-04] nor is what a restart interrupted', async () => {
    const folder = temporaryFolder();
    const agents = { Atlas: () => 'NO_REPLY', Nova: () => 'I am well.' };
    const first = await openWorld({ folder, agents: { ...agents, Nova: () => new Promise<string>(() => undefined) } });
    const posting = first.post('Atlas', 'Nova', {}).catch(() => null);
    await first.until(() => first.turns.length === 1);
    await first.stop();
    await posting;

    await using world = await openWorld({ folder, clock: first.clock, agents });
    await world.idle();
    expect(world.turns.map(({ agent }) => agent)).toEqual(['Nova']);
    expect(world.messages().filter(({ subject }) => subject === 'reply')).toHaveLength(1);
    folder.remove();
  });

  it.each([
    ['to nothing at all', null],
    ['to a message that is not there', 'post-77'],
  ])('[PRO-05] a reply that nobody asked for, %s', async (_what, to) => {
    await using world = await openThree();
    await world.post('Atlas', 'Nova', { intent: 'reply', replyTo: to === null ? null : messageId(to) });
    expect(world.turns).toEqual([]);
    expect(world.audit.tail(1)).toMatchObject([{ kind: 'reply.unasked', actor: 'atlas' }]);
  });

  it('[PRO-05] a reply by somebody else than the one who was asked', async () => {
    const asks = script({ ask: async ({ use }) => String(await use('message_agent', { agent: 'Nova', text: 'Hm?' })) });
    await using world = await openThree({ agents: { Atlas: asks, Nova: () => 'NO_REPLY', Bolt: () => 'NO_REPLY' } });
    await world.tell('Atlas', 'ask');
    const question = world.messages().find(({ subject }) => subject === 'chat');
    const before = world.turns.length;
    await world.post('Bolt', 'Atlas', { intent: 'reply', replyTo: question?.id ?? null });
    expect(world.turns).toHaveLength(before);
    expect(world.audit.tail(1)).toMatchObject([{ kind: 'reply.unasked', actor: 'bolt' }]);
    await world.post('Nova', 'Atlas', { intent: 'reply', replyTo: question?.id ?? null });
    expect(world.turns).toHaveLength(before + 1);
  });

  it('[SEC-05] [GRP-04] an answer in a group by an agent that is not in it: audited, and nobody crashes', async () => {
    const creates = script({
      go: async ({ use }) => String(await use('create_group', { name: 'Research', members: ['Nova'] })),
    });
    await using world = await openThree({
      agents: { Atlas: creates, Nova: () => 'I am well.', Bolt: () => 'I am well.' },
    });
    await world.tell('Atlas', 'go');
    const [group] = world.groups.list(idOf('Atlas'));
    const message = await world.post('Bolt', 'Nova', {
      intent: 'group-answer',
      payload: { discussion: 'd', round: 1, text: 'Let me in.' },
      group: { groupId: group?.id ?? groupId('none'), groupName: 'Research' },
    });
    await expectRefused(world, message, /not a valid group-answer/, 1);
  });

  it('[SEC-05] a timer that somebody else has set', async () => {
    await using world = await openThree();
    const data = { kind: 'round', discussion: 'd', round: 1 };
    const message = await world.post('Atlas', 'Nova', {}, { message: { payload: { type: 'timer', data } } });
    await expectRefused(world, message, /foreign timer/);
  });

  it('[SEC-01] an agent that is blocked', async () => {
    await using world = await openThree({ gate: { blocklist: ['Atlas'] } });
    const message = await world.post('Atlas', 'Nova', {});
    await expectRefused(world, message, /blocked/);
  });

  it('[SEC-01] more than the gate admits of one agent; others are none the worse', async () => {
    await using world = await openThree({ gate: { agentRateLimit: { max: 1, windowMs: 60_000 } } });
    await world.post('Atlas', 'Nova', { intent: 'identity', payload: 7 });
    const message = await world.post('Atlas', 'Nova', {});
    await expectRefused(world, message, /rate-limited/);
  });

  it('[SEC-01] a text that is longer than the gate admits; the longest that it admits is answered, sealed as it is', async () => {
    await using world = await openThree({
      agents: { Atlas: () => 'NO_REPLY', Nova: () => 'NO_REPLY', Bolt: () => 'NO_REPLY' },
    });
    await world.post('Atlas', 'Nova', { payload: 'x'.repeat(64_001) });
    expect(world.turns).toEqual([]);
    await world.post('Atlas', 'Nova', { payload: 'x'.repeat(10_000) });
    expect(world.turns).toHaveLength(1);
  });
});

describe('what an agent takes', () => {
  it('[PRO-05] with signatures and sealing both on, a message is verified, opened and answered with a reply', async () => {
    await using world = await openThree({ agents: { Atlas: () => 'NO_REPLY', Nova: () => 'I am well.' } });
    const question = await world.post('Atlas', 'Nova', { payload: 'How are you?' });
    expect(world.turns[0]).toMatchObject({ agent: 'Nova', prompt: '[message from Atlas]\nHow are you?' });
    const reply = world.messages().find(({ subject }) => subject === 'reply');
    expect(reply).toMatchObject({ from: 'agent:nova', replyTo: question.id, conversation: 'conv-test' });
    expect(JSON.parse(reply?.body ?? '')).toMatchObject({
      intent: 'reply',
      replyTo: question.id,
      to: { agentId: 'atlas' },
    });
  });

  it('[PRO-01] an intent that it does not know says something all the same, and is answered', async () => {
    await using world = await openThree({ agents: { Atlas: () => 'NO_REPLY', Nova: () => 'I am well.' } });
    await world.post('Atlas', 'Nova', { intent: 'task', payload: { do: 'this' } });
    expect(world.turns[0]?.prompt).toBe('[message from Atlas]\n{"do":"this"}');
  });

  it('[PRO-05] who asked is told what another agent, asked on the way, has replied', async () => {
    const asksBolt = script({
      'message from Atlas': async ({ use }) => {
        await use('message_agent', { agent: 'Bolt', text: 'What is it?' });
        return 'NO_REPLY';
      },
      'reply from Bolt': 'It is blue.',
    });
    const agents = { Atlas: () => 'NO_REPLY', Nova: asksBolt, Bolt: () => 'Blue.' };
    for (const intent of ['chat', 'task']) {
      await using world = await openWorld({ agents });
      const question = await world.post('Atlas', 'Nova', { intent, conversationId: conversationId('conv-q') });
      const reply = world.messages().find(({ replyTo, from }) => replyTo === question.id && from === 'agent:nova');
      expect(reply).toMatchObject({ subject: 'reply', conversation: 'conv-q' });
    }
  });

  it('[PRO-05] without keys agents talk in the clear', async () => {
    const keys = deriveKeys({ agentSecret: null, encryptionKey: null });
    await using world = await openThree({ keys, agents: { Atlas: () => 'NO_REPLY', Nova: () => 'I am well.' } });
    await world.post('Atlas', 'Nova', { payload: 'How are you?' });
    expect(world.turns[0]?.agent).toBe('Nova');
    expect(world.messages()[0]?.body).toContain('How are you?');
  });
});
