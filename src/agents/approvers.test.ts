import { describe, expect, it } from 'vitest';
import type { ChatPlace, Peer } from '../domain/chat.ts';
import { approversAmong } from './approvers.ts';

const at = (kind: Peer['kind'], id: string): ChatPlace => ({ channel: 'test', account: 'atlas', peer: { kind, id } });

describe('who is asked for approval', () => {
  const approvers = approversAmong(new Set(['+15550100', '+15550101']));

  it.each([
    ['an admin, however the number is written', at('dm', '+1 555 0101'), [at('dm', '+1 555 0101')]],
    ['somebody else', at('dm', '+15550199'), [at('dm', '+15550100')]],
    ['somebody whose number only begins like theirs', at('dm', '+155501001'), [at('dm', '+15550100')]],
    ['a group, whatever it is called', at('group', '+15550101'), [at('dm', '+15550100')]],
  ])('[TOL-03] for %s', (_who, place, asked) => {
    expect(approvers(place)).toEqual(asked);
  });

  it('[TOL-03] is nobody where there are no admins', () => {
    expect(approversAmong(new Set())(at('dm', '+15550101'))).toEqual([]);
  });
});
