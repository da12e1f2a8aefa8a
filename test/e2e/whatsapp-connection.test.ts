import type { WASocket } from 'baileys';
import { describe, expect, it, vi } from 'vitest';
import { ACCOUNT, NUMBER, WhatsAppFixture } from '../support/whatsapp-channel.ts';
import { connectPerson } from '../support/whatsapp-person.ts';

const ANN = '15550100';
const ANN_ID = `+${ANN}`;

const { sockets } = vi.hoisted(() => ({ sockets: [] as WASocket[] }));
vi.mock('baileys', async (original) => {
  const baileys = await original<typeof import('baileys')>();
  const makeWASocket: typeof baileys.makeWASocket = (config) => {
    const socket = baileys.makeWASocket(config);
    sockets.push(socket);
    return socket;
  };
  return { ...baileys, makeWASocket };
});

function listenersOf({ ws }: WASocket): number {
  return ws.eventNames().reduce((sum, event) => sum + ws.listenerCount(event), 0);
}

describe('a connection that lasts', () => {
  it('[WHA-05] keeps no listener and no timer of what has gone over it', async () => {
    await using t = await WhatsAppFixture.open();
    const [socket] = sockets.slice(-1);
    if (!socket) throw new Error('no connection was made');
    await using ann = await connectPerson(t.server, ANN, 'Ann');
    const group = t.server.createGroup('Team', [ANN, NUMBER]);
    const talk = async (name: string): Promise<void> => {
      for (const [chat, to] of [
        [ANN_ID, NUMBER],
        [group.id, group.id],
      ] as const) {
        const peer = { kind: chat === ANN_ID ? 'dm' : 'group', id: chat } as const;
        await t.receipted(await ann.say(to, `to ${chat} ${name}`));
        t.channel.typing(ACCOUNT, peer, true);
        expect(await t.send(`${chat} ${name}`, chat, { text: `from ${chat} ${name}` })).toEqual({ kind: 'sent' });
        t.channel.typing(ACCOUNT, peer, false);
        await ann.heard(`from ${chat} ${name}`);
      }
    };
    await talk('first');
    const before = { listeners: listenersOf(socket), armed: t.clock.armed };
    for (let index = 0; index < 20; index++) await talk(`${index}`);
    await expect.poll(() => ({ listeners: listenersOf(socket), armed: t.clock.armed })).toEqual(before);
  });
});

describe('a connection that was lost', () => {
  it('[WHA-03] changes no keys any more, whatever the library still does', async () => {
    await using t = await WhatsAppFixture.open();
    const [lost] = sockets.slice(-1);
    if (!lost) throw new Error('no connection was made');
    t.server.faults.cut(NUMBER);
    await t.until(() => t.count('closed') === 1, 'the connection is closed');
    t.clock.advance(5_000);
    await t.isOpen(2);
    const keys = (): unknown => [...t.sessions.keys(ACCOUNT, ['creds', 'pre-key:1'])];
    const before = keys();
    expect(before).toHaveLength(2);
    await lost.authState.keys.set({ 'pre-key': { 1: { public: Buffer.from('p'), private: Buffer.from('q') } } });
    expect(keys()).toEqual(before);
  });
});
