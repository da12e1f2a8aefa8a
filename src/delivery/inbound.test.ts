import { describe, expect, it } from 'vitest';
import { openWorld, PERSON, type World } from '../../test/support/agents.ts';
import type { GatePolicy } from '../security/gate.ts';

const withGate = (gate: Partial<GatePolicy>): Promise<World> =>
  openWorld({ agents: { Atlas: () => 'Hello.' }, gate, admins: [PERSON] });
const fromPeople = (world: World): readonly string[] =>
  world
    .messages()
    .filter(({ payload }) => payload.type === 'chat.in')
    .map(({ body }) => body);
const toldTo = (world: World, person: string): readonly string[] =>
  world.said.filter(({ peer }) => peer.id === person).map(({ text }) => text);

describe('the way in', () => {
  it('[SEC-01] a stranger reaches neither spool nor model and hears nothing; the owner hears of it once', async () => {
    await using world = await withGate({ allowlist: ['friend'] });
    expect(await world.say('Atlas', 'Let me in.', { sender: 'stranger' })).toBe('refused');
    expect(await world.say('Atlas', 'Please.', { sender: 'stranger' })).toBe('refused');
    await world.tell('Atlas', 'Hi.', { sender: 'friend' });
    expect(fromPeople(world)).toEqual(['Hi.']);
    expect(world.turns.map(({ prompt }) => prompt)).toEqual(['Hi.']);
    expect(toldTo(world, 'stranger')).toEqual([]);
    expect(toldTo(world, 'owner')).toEqual([expect.stringContaining('stranger')]);
    const dropped = { kind: 'gate.dropped', actor: 'stranger', detail: 'not-allowed' };
    expect(world.audit.tail(9)).toMatchObject([dropped, dropped]);
    expect(JSON.stringify(world.audit.tail(9))).not.toContain('Let me in');
  });

  it('[SEC-01] who is blocked gets nothing, with commands neither, and nobody is told', async () => {
    await using world = await withGate({ blocklist: [PERSON] });
    await world.tell('Atlas', '!status');
    await world.tell('Atlas', 'Hello?');
    expect(world.said).toEqual([]);
    expect(fromPeople(world)).toEqual([]);
    expect(world.audit.tail(9).map(({ detail }) => detail)).toEqual(['blocked', 'blocked']);
  });

  it('[SEC-01] who writes too fast is told once; the others are none the worse', async () => {
    await using world = await withGate({ rateLimit: { max: 1, windowMs: 60_000 } });
    for (const text of ['one', 'two', 'three']) await world.tell('Atlas', text);
    await world.tell('Atlas', 'four', { sender: 'other' });
    expect(fromPeople(world)).toEqual(['one', 'four']);
    expect(toldTo(world, PERSON).filter((text) => text.includes('faster than I can answer'))).toHaveLength(1);
    await world.pass(60_000);
    expect(await world.say('Atlas', 'five')).toBe('accepted');
  });

  it('[TRC-02] a bot that answers whatever it hears does so for an hour at most, and the owner hears why', async () => {
    await using world = await withGate({ unlistedRateLimit: { max: 60, windowMs: 3_600_000 } });
    const answersOfBot = (): number => toldTo(world, 'bot').length;
    await world.tell('Atlas', 'Good evening.', { sender: 'bot' });
    let answered = 0;
    for (let halfMinutes = 0; halfMinutes < 2 * 60 * 8; halfMinutes++) {
      for (; answered < answersOfBot(); answered++) await world.tell('Atlas', 'And you?', { sender: 'bot' });
      await world.pass(30_000);
    }
    expect(world.turns).toHaveLength(60);
    expect(toldTo(world, 'bot')).toHaveLength(61);
    expect(toldTo(world, 'owner')).toEqual([expect.stringContaining('I have stopped answering bot')]);
  });

  it('[SEC-01] who writes too much is told that, and not that it came too fast', async () => {
    await using world = await withGate({ maxLength: 5 });
    await world.tell('Atlas', 'too long');
    expect(fromPeople(world)).toEqual([]);
    expect(toldTo(world, PERSON)).toEqual([expect.stringContaining('longer than I take')]);
  });

  it('[WHA-03] the same message of the platform is accepted once, and does not count twice', async () => {
    await using world = await withGate({ rateLimit: { max: 2, windowMs: 60_000 } });
    expect(await world.say('Atlas', 'Hi.', { id: 'm1' })).toBe('accepted');
    for (let again = 0; again < 5; again++) expect(await world.say('Atlas', 'Hi.', { id: 'm1' })).toBe('duplicate');
    expect(await world.say('Atlas', 'Hi again.', { id: 'm2' })).toBe('accepted');
    await world.idle();
    expect(world.turns).toHaveLength(2);
    expect(toldTo(world, PERSON)).toEqual(['Hello.', 'Hello.']);
  });

  it('[SEC-01] two copies that come at the same time are one', async () => {
    await using world = await withGate({});
    const outcomes = await Promise.all([
      world.say('Atlas', 'Hi.', { id: 'm1' }),
      world.say('Atlas', 'Hi.', { id: 'm1' }),
    ]);
    expect(outcomes.sort()).toEqual(['accepted', 'duplicate']);
  });

  it('[SEC-01] what is said to an account without an agent is refused and audited', async () => {
    await using world = await withGate({});
    expect(await world.say('Zed', 'Hello?')).toBe('refused');
    expect(world.audit.tail(1)).toMatchObject([{ kind: 'gate.dropped', detail: 'no-agent' }]);
  });
});

describe('what could not be done', () => {
  const broken = (): never => {
    throw new Error('a bug');
  };

  it('[SPL-02] after its attempts it is a dead letter, and the person is told once', async () => {
    await using world = await openWorld({ agents: { Atlas: broken } });
    await world.tell('Atlas', 'Hello?');
    for (let minute = 0; minute < 20; minute++) await world.pass(60_000);
    expect(world.turns).toHaveLength(10);
    expect(world.spool.deadLetters().map(({ message }) => message.body)).toEqual(['Hello?']);
    expect(world.heard()).toEqual([expect.stringContaining('could not deal with your message')]);
  });

  it('[WHA-02] [WHA-04] the owner hears of what a channel refuses to say, and of nothing when that is for the owner', async () => {
    await using world = await openWorld({ agents: { Atlas: () => 'Hello.' }, unreachable: [PERSON] });
    await world.tell('Atlas', 'Hi.');
    expect(world.said.map(({ peer, text }) => [peer.id, text])).toEqual([
      [
        'owner',
        expect.stringMatching(/^What Atlas said to person was not delivered: nobody is there\. It is kept as msg_/),
      ],
    ]);
    await using alone = await openWorld({ agents: { Atlas: () => 'Hello.' }, unreachable: [PERSON, 'owner'] });
    await alone.tell('Atlas', 'Hi.');
    expect(alone.said).toEqual([]);
    expect(alone.spool.deadLetters()).toHaveLength(2);
  });

  it('[SPL-09] a dead letter that is redriven is handled as if it were new', async () => {
    let mended = false;
    await using world = await openWorld({ agents: { Atlas: () => (mended ? 'Hello.' : broken()) } });
    await world.tell('Atlas', 'Hello?');
    for (let minute = 0; minute < 20; minute++) await world.pass(60_000);
    mended = true;
    await world.spool.redrive(world.spool.deadLetters()[0]?.delivery ?? 0);
    await world.idle();
    expect(world.heard().at(-1)).toBe('Hello.');
  });

  it('[SPL-02] the person whose message led to it is told, whoever it was that failed', async () => {
    const asks: Parameters<typeof openWorld>[0]['agents'][string] = async ({ use }) =>
      String(await use('message_agent', { agent: 'Nova', text: 'Hm?' }));
    await using world = await openWorld({ agents: { Atlas: asks, Nova: broken } });
    await world.tell('Atlas', 'ask');
    for (let minute = 0; minute < 20; minute++) await world.pass(60_000);
    expect(world.heard().at(-1)).toContain('agent:nova could not deal with a message that yours had led to');
  });
});
