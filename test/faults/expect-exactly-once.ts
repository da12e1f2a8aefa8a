import { expect } from 'vitest';
import { DatabaseFile } from './database-file.ts';

/** The envelopes of the demo's conversation that are not introductions, by subject: one to each recipient. */
const ENVELOPES = [
  ...['group-update: Research Team to nova_001', 'group-update: Research Team to bolt_001'],
  // Two rounds; what a member says goes to the host and to the other member.
  ...Array.from({ length: 2 }, () => [
    ...['group: Research Team to nova_001', 'group: Research Team to bolt_001'],
    ...['group-answer: Research Team to atlas_001', 'group-answer: Research Team to atlas_001'],
    ...['group-answer: Research Team to nova_001', 'group-answer: Research Team to bolt_001'],
  ]).flat(),
];
const CHAT = { 'chat.in': 2, 'chat.out': 8 };

/** After the demo's conversation, when the daemon has stopped: each thing was sent once, is settled, and follows from the person's words. */
export function expectExactlyOnce(path: string): void {
  using file = new DatabaseFile(path);
  expect(file.integrity()).toBe('ok');
  expect(file.unsettled()).toEqual([]);
  expect(file.audit()).toEqual([]);
  const deliveries = file.deliveries();
  for (const [type, count] of Object.entries(CHAT))
    expect(deliveries.filter(({ payload_type }) => payload_type === type).length, type).toBe(count);
  const envelopes = deliveries
    .filter(({ subject }) => subject.startsWith('group'))
    .map(({ subject, to_agent }) => `${subject} to ${to_agent}`);
  expect(envelopes.toSorted()).toEqual(ENVELOPES.toSorted());
  expectTraces(file);
}

/** Everything leads back, cause by cause, to what a person or a newcomer began, and nobody was given more than was there at first. */
function expectTraces(file: DatabaseFile): void {
  const messages = new Map(file.messages().map((message) => [message.id, message]));
  for (const { id, type, subject, trace } of messages.values()) {
    if (trace.cause === null) {
      expect(type === 'chat.in' || subject === 'announce', subject).toBe(true);
      expect(trace).toMatchObject({ root: id, hop: 0 });
      continue;
    }
    const cause = messages.get(trace.cause)?.trace;
    expect(trace).toMatchObject({ root: cause?.root, hop: (cause?.hop ?? 0) + 1 });
    expect(trace.budget.turns).toBeLessThanOrEqual(messages.get(trace.root)?.trace.budget.turns ?? 0);
  }
}
