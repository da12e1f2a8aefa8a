import { describe, expect, it } from 'vitest';
import { idOf, openWorld, type World } from '../../test/support/agents.ts';
import { type AgentCard, READS_ENVELOPES, readsEnvelopes } from '../domain/agent-card.ts';
import { ENVELOPE } from '../protocol/ai-comms-1.0.ts';
import type { WayIn } from '../protocol/carried.ts';

const NOVA: AgentCard = {
  id: idOf('Nova'),
  name: 'Nova',
  capabilities: ['research'],
  device: 'moon',
  // What it is on its own machine.
  transport: 'sqlite',
  phone: '+15550111',
  provider: 'openai',
  metadata: READS_ENVELOPES,
};

const RELAY: WayIn = { transport: 'http', metadata: { relay_url: 'http://relay:8420' } };
const HUB: WayIn = { transport: 'hub' };
const WHATSAPP: WayIn = { transport: 'whatsapp', phone: '+15550199' };

/** Atlas, who knows of Nova what is given here. */
async function atlasKnowing(known: Partial<AgentCard> | null): Promise<World> {
  const world = await openWorld({ agents: { Atlas: () => 'never' } });
  if (known) await world.registry.register({ ...NOVA, ...known });
  return world;
}

/** Nova says who it is, in an envelope that came this way; null: from the same database. */
const says = (world: World, via: WayIn | null, { intent = 'announce', card = NOVA } = {}) =>
  world.post(
    'Nova',
    'Atlas',
    { intent, payload: card },
    via ? { message: { payload: { type: ENVELOPE, data: { via } } } } : {},
  );

const known = (world: World) => world.registry.get(NOVA.id);

describe('an agent that says over a link who it is', () => {
  it.each<[string, WayIn, object]>([
    ['a relay', RELAY, { transport: 'http', metadata: { ...READS_ENVELOPES, relay_url: 'http://relay:8420' } }],
    ['a hub', HUB, { transport: 'hub', metadata: READS_ENVELOPES }],
    ['a chat', WHATSAPP, { transport: 'whatsapp', phone: '+15550199', metadata: READS_ENVELOPES }],
  ])('[DSC-01] [REL-01] is reached the way it came, %s, and not the way it says', async (_what, way, reached) => {
    for (const intent of ['announce', 'identity']) {
      await using world = await atlasKnowing(null);
      await says(world, way, { intent });
      expect(known(world)).toMatchObject({ ...NOVA, ...reached });
    }
  });

  it('[DSC-01] [REL-01] says so again, and again nothing of how it is reached is lost', async () => {
    await using world = await atlasKnowing({
      transport: 'http',
      metadata: { relay_url: 'http://relay:8420', note: 'old' },
    });
    await says(world, RELAY, {
      card: { ...NOVA, metadata: { ...READS_ENVELOPES, relay_url: 'http://evil', note: 'new' } },
    });
    expect(known(world)).toMatchObject({
      transport: 'http',
      metadata: { ...READS_ENVELOPES, relay_url: 'http://relay:8420', note: 'new' },
    });
  });

  it('[REL-01] has moved when it comes another way', async () => {
    await using world = await atlasKnowing({ transport: 'http', metadata: { relay_url: 'http://relay:8420' } });
    await says(world, HUB);
    expect(known(world)).toMatchObject({ transport: 'hub', phone: '+15550111' });
  });

  it('[HUB-05] [PRO-03] is written to in envelopes from then on, and known by more than its place there', async () => {
    await using world = await atlasKnowing({ name: 'nova', capabilities: [], transport: 'hub', metadata: {} });
    await says(world, HUB);
    const card = known(world);
    expect(card).toMatchObject({ name: 'Nova', capabilities: ['research'], device: 'moon', transport: 'hub' });
    expect(card && readsEnvelopes(card)).toBe(true);
  });

  it('[DSC-01] is answered in its mailbox, from which the link takes it', async () => {
    await using world = await atlasKnowing(null);
    const announced = await says(world, HUB);
    const answer = world.messages().find(({ subject }) => subject === 'identity');
    expect(answer).toMatchObject({ from: 'agent:atlas', replyTo: announced.id });
    expect(world.spool.status(answer?.id ?? announced.id)).toMatchObject([{ to: 'agent:nova', status: 'queued' }]);
  });

  it.each([
    ['a transport of two lines', { transport: 'hub\nsqlite' }],
    ['no transport', {}],
    ['metadata that is no text', { transport: 'hub', metadata: { relay_url: 7 } }],
  ])('[REL-01] is taken at its word when the link says %s', async (_what, via) => {
    await using world = await atlasKnowing(null);
    const message = { payload: { type: ENVELOPE, data: { via } } };
    await world.post('Nova', 'Atlas', { intent: 'announce', payload: NOVA }, { message });
    expect(known(world)).toMatchObject({ transport: 'sqlite' });
  });
});

describe('an agent of the same database that says who it is', () => {
  it('[DSC-01] is reached as it says', async () => {
    await using world = await atlasKnowing(null);
    await says(world, null);
    expect(known(world)).toMatchObject(NOVA);
  });

  it('[DSC-01] [REL-01] stays where it was registered, with what is needed to reach it there', async () => {
    await using world = await atlasKnowing({ transport: 'http', metadata: { relay_url: 'http://relay:8420' } });
    await says(world, null);
    expect(known(world)).toMatchObject({
      capabilities: ['research'],
      transport: 'http',
      metadata: { ...READS_ENVELOPES, relay_url: 'http://relay:8420' },
    });
  });
});
