import { describe, expect, it } from 'vitest';
import { agentId } from '../domain/addresses.ts';
import type { RegisteredAgent } from '../domain/agent-card.ts';
import type { ChatIn } from '../domain/chat.ts';
import { speakingAgent } from './speaking-agent.ts';

const agent = (name: string, card: Partial<RegisteredAgent>): RegisteredAgent => ({
  ...{ id: agentId(name.toLowerCase()), name, capabilities: [], device: 'd', provider: null, phone: null },
  ...{ transport: 'sqlite', metadata: {}, status: 'active', lastSeen: 0 },
  ...card,
});
const ALLOWED = { allow: true } as const;

const find = speakingAgent({
  channel: { name: 'whatsapp', numberOf: (account) => (account === 'own' ? '+15550001' : null) },
  accounts: [agentId('own'), agentId('unlinked')],
  nameOf: (id) => `the ${id}`,
  registry: {
    list: () => [
      agent('Neighbour', { phone: '+1 555 0002' }),
      agent('Remote', { transport: 'whatsapp', phone: '+15550003', metadata: { whatsapp: '77@lid' } }),
      agent('Liar', { transport: 'hub', phone: '+15550100' }),
    ],
  },
  gate: { checkCarrier: () => ALLOWED },
});
const said = (id: string, aliases: string[] = [], kind: 'dm' | 'group' = 'group'): ChatIn => ({
  ...{ channel: 'whatsapp', account: 'own', peer: { kind, id: '1@g.us' }, text: 'Hello.' },
  sender: { id, aliases },
});

describe('who speaks in a group', () => {
  it.each<[string, ChatIn, string | null]>([
    ['another account of this process', said('+15550001'), 'the own'],
    ['an agent on the same database, however its number is written', said('+15550002'), 'Neighbour'],
    ['an agent that is reached there, by its number', said('+15550003'), 'Remote'],
    ['an agent that is reached there, by its hidden id', said('77@lid'), 'Remote'],
    ['an agent whose number is another name of the sender', said('78@lid', ['+15550003']), 'Remote'],
    ['a person', said('+15550199'), null],
    ['a person whose number an agent on a hub claims to have', said('+15550100'), null],
    ['whoever writes to an agent alone', said('+15550002', [], 'dm'), null],
  ])('[GRP-04] [TRC-02] %s', (_who, chat, name) => {
    expect(find(chat)).toEqual(name === null ? null : { name, verdict: ALLOWED });
  });
});
