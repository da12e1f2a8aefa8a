/* A phone for the tests of this folder: three agents, a memory that forgets, a clock that stands still. */
import type { Write } from '../../domain/write.ts';
import { ManualClock } from '../../lib/manual-clock.ts';
import type { ChatEntry, ChatLog } from './chat-log.ts';
import { LocalChannel } from './local-channel.ts';
import type { Contact, FlowEvent, Receipt, Waiting } from './wire.ts';

class MemoryChatLog implements ChatLog {
  readonly #entries = new Map<string, ChatEntry>();

  async add(entry: ChatEntry): Promise<boolean> {
    if (this.#entries.has(entry.id)) return false;
    this.#entries.set(entry.id, entry);
    return true;
  }

  addition(entry: ChatEntry): Write {
    return () => void this.#entries.set(entry.id, this.#entries.get(entry.id) ?? entry);
  }

  list(limit: number): readonly ChatEntry[] {
    return [...this.#entries.values()].slice(-limit);
  }
}

const contact = (account: string, name: string, phone: string): Contact => ({
  account,
  agent: { id: account, name },
  phone,
  provider: 'demo',
  model: 'scripted',
  scripted: true,
});

export const CONTACTS: readonly Contact[] = [
  contact('atlas', 'Atlas', '+1 555 0101'),
  contact('nova', 'Nova', '+1 555 0102'),
  contact('bolt', 'Bolt', '+1 555 0103'),
];

export interface Phone {
  readonly channel: LocalChannel;
  readonly log: MemoryChatLog;
  readonly clock: ManualClock;
  readonly receipts: Map<string, Receipt>;
  readonly waiting: Waiting[];
}

export function newPhone(): Phone {
  const log = new MemoryChatLog();
  const clock = new ManualClock();
  const receipts = new Map<string, Receipt>();
  const receiptOf = (id: string): Receipt => receipts.get(id) ?? 'sent';
  const waiting: Waiting[] = [];
  const options = { log, clock, contacts: () => CONTACTS, receiptOf, waiting: () => [...waiting] };
  return { log, clock, receipts, waiting, channel: new LocalChannel(options) };
}

export const flowEvent = (over: Partial<FlowEvent> = {}): FlowEvent => ({
  ...{ at: 0, what: 'accepted', id: 'e1', type: 'envelope', from: 'agent:atlas', to: ['agent:nova'], hop: 1 },
  ...{ turnsLeft: 10, seal: 'sealed', preview: 'c2VhbGVk' },
  ...over,
});
