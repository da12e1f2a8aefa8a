import { describe, expect, it, onTestFinished } from 'vitest';
import { openTestSpool } from '../../../../test/support/spool.ts';
import { SqliteCloudStore } from '../../../store/whatsapp-cloud.ts';
import { ACCOUNT, MemoryCloudStore } from './cloud.fixture.ts';
import { addressOf, aliasesOf, identify, type PersonIds } from './identity.ts';
import type { CloudStore } from './store.ts';

const P = '+15550177';
const U = 'US.177';
const told = (...ids: string[]): PersonIds => ({
  userId: ids.find((id) => id.startsWith('US.')) ?? null,
  phone: ids.find((id) => id.startsWith('+')) ?? null,
});

function openSqlite(): CloudStore {
  const t = openTestSpool();
  onTestFinished(() => t[Symbol.asyncDispose]());
  return new SqliteCloudStore(t.db);
}

describe.each([
  ['in the database', openSqlite],
  ['in the memory of the tests', () => new MemoryCloudStore()],
])('who somebody is on the Cloud API, kept %s', (_where, openStore) => {
  /** Meets people, in order; what the last of them is called. */
  const meet = async (store: CloudStore, ...meetings: PersonIds[]) => {
    let last = null;
    for (const ids of meetings) {
      const person = identify(store, ACCOUNT, ids);
      if (person) await store.commit([store.named(ACCOUNT, person.id, person.learned)]);
      last = person && { id: person.id, aliases: aliasesOf(person).toSorted(), hasNewNumber: person.hasNewNumber };
    }
    return last;
  };

  it.each<[string, PersonIds[], string, string[], boolean]>([
    ['by the number', [told(P)], P, [], false],
    ['by the user id', [told(U)], U, [], false],
    ['by both', [told(U, P)], U, [P], false],
    ['by the number, then by both', [told(P), told(U, P)], P, [U], false],
    ['by the user id, then by both', [told(U), told(U, P)], U, [P], false],
    ['by the number, by both, then by the user id', [told(P), told(U, P), told(U)], P, [U], false],
    ['by both, then by the number', [told(U, P), told(P)], U, [P], false],
    ['by each alone, then by both: the user id tells them apart', [told(P), told(U), told(U, P)], U, [P], true],
    ['by each alone, by both, then by the number', [told(P), told(U), told(U, P), told(P)], U, [P], false],
    ['with a number after another', [told(U, P), told(U, '+15550178')], U, [P, '+15550178'], true],
    ['with the number of somebody else', [told(U, P), told('US.178', P)], 'US.178', [P], true],
    ['with the number of somebody who is called by it', [told(P), told(U, P), told('US.178', P)], 'US.178', [P], true],
    ['when somebody else has their number', [told(U, P), told('US.178', P), told(U)], U, [], false],
    ['when somebody else is called as they were', [told(P), told(U, P), told('US.178', P), told(U)], U, [], false],
    ['by a number that has passed on', [told(U, P), told('US.178', P), told(P)], 'US.178', [P], false],
  ])('[WHA-02] [SEC-01] met %s', async (_how, meetings, id, aliases, hasNewNumber) => {
    expect(await meet(openStore(), ...meetings)).toEqual({ id, aliases, hasNewNumber });
  });

  it('[WHA-02] is nobody without any id, and somebody else on another account', async () => {
    const store = openStore();
    await meet(store, told(P), told(U, P));
    expect(identify(store, ACCOUNT, told())).toBeNull();
    expect(identify(store, 'vega', told(U, P))).toMatchObject({ id: U, learned: [U, P] });
  });

  it('[WHA-02] is written to by the number that is theirs, else by the user id', async () => {
    const store = openStore();
    const address = (id: string) => Object.values(addressOf(store, ACCOUNT, id));
    expect([address(P), address(U), address('group')]).toEqual([
      [P, P],
      [U, U],
      ['group', 'group'],
    ]);
    await meet(store, told(P), told(U, P));
    expect([address(P), address(U)]).toEqual([
      [P, P],
      [P, P],
    ]);
    await meet(store, told(U, '+15550178'));
    expect(address(U)).toEqual([P, '+15550178']);
    await meet(store, told('US.178', P), told('US.179', '+15550178'));
    expect([address(P), address('US.178'), address('+15550178')]).toEqual([
      [P, U],
      ['US.178', P],
      ['US.179', '+15550178'],
    ]);
  });
});
