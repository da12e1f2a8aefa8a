import { describe, expect, it } from 'vitest';
import { channelContract } from '../../../../test/contract/channel.ts';
import { webhookOf } from '../../../../test/support/graph-api/webhooks.ts';
import { silentLogger } from '../../../lib/logger.ts';
import { ManualClock } from '../../../lib/manual-clock.ts';
import { CloudChannel, type CloudOptions } from './channel.ts';
import { ACCOUNT, MemoryCloudStore, openCloud, text } from './cloud.fixture.ts';

const USER_ID = 'US.13491208655302741918';

/** One bubble for each message of the agent: a long text comes in pieces, which the person reads one after the other. */
async function openHarness(userId: string | null, person: string) {
  const cloud = await openCloud({ userId });
  const { api, channel } = cloud;
  api.business.openWindow(cloud.person);
  const bubbles = new Map<string, { id: string; text: string; mine: boolean }>();
  const seen = () => {
    const pieces = api.business.taken.flatMap(({ request }) =>
      request.type === 'text' ? [{ name: request.biz_opaque_callback_data ?? '', body: bodyOf(request) }] : [],
    );
    for (const name of new Set(pieces.map((piece) => departureOf(piece.name)))) {
      const bodies = pieces.filter((piece) => departureOf(piece.name) === name).map(({ body }) => body);
      bubbles.set(name, { id: name, text: bodies.join(''), mine: false });
    }
    return [...bubbles.values()];
  };
  return {
    channel,
    account: ACCOUNT,
    person,
    async say({ id, text: body }: { id: string; text: string }): Promise<'accepted' | 'duplicate' | 'refused'> {
      const webhook: unknown = JSON.parse(webhookOf(api.messageValue(cloud.person, text(body), { id })));
      const receipt = await channel.take(webhook);
      if (receipt.failed > 0) throw new Error('WhatsApp was told that it failed');
      if (receipt.accepted > 0) bubbles.set(id, { id, text: body, mine: true });
      return receipt.accepted > 0 ? 'accepted' : receipt.duplicate > 0 ? 'duplicate' : 'refused';
    },
    seen,
    dispose: async () => cloud[Symbol.asyncDispose](),
  };
}

const departureOf = (piece: string): string => piece.slice(0, piece.lastIndexOf(':'));
const bodyOf = (request: object): string =>
  'text' in request && typeof request.text === 'object' && request.text && 'body' in request.text
    ? String(request.text.body)
    : '';

channelContract('whatsapp/cloud', () => openHarness(null, '+15550100'));
channelContract('whatsapp/cloud (with user ids)', () => openHarness(USER_ID, USER_ID));

describe('the configuration of the Cloud API', () => {
  const configured = (changes: Partial<CloudOptions>) => () =>
    new CloudChannel({
      accounts: [{ id: ACCOUNT, phoneNumberId: '1', accessToken: 'token' }],
      ...{ appSecret: 'secret', verifyToken: 'token', store: new MemoryCloudStore() },
      ...{ clock: new ManualClock(), logger: silentLogger },
      ...changes,
    });

  it('[WHA-02] is taken as it is documented', () => {
    expect(configured({})).not.toThrow();
    expect(configured({ graphUrl: 'http://127.0.0.1:8080/prefix', version: 'v30.0' })).not.toThrow();
  });

  it.each([
    ['no app secret', { appSecret: '' }],
    ['no verify token', { verifyToken: '' }],
    ['no access token', { accounts: [{ id: ACCOUNT, phoneNumberId: '1', accessToken: '' }] }],
    ['a version that is none', { version: '25' }],
    ['an address that is none', { graphUrl: 'graph' }],
    ['an address to which the token would go in the clear', { graphUrl: 'http://graph.facebook.com' }],
  ])('[WHA-02] [SEC-05] %s is refused at once', (_what, changes) => {
    expect(configured(changes)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
  });
});
