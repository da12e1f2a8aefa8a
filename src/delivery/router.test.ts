import { describe, expect, it } from 'vitest';
import { agentId } from '../domain/addresses.ts';
import type { ChatIn } from '../domain/chat.ts';
import type { Binding, BindingMatch, Panel, Selection } from '../domain/routing.ts';
import { type Routed, type RouteOptions, routeByRules } from './router.ts';

const MAIN = agentId('main');
const NAMES: Readonly<Record<string, string>> = { doc: 'Doc', ann: 'Ann', 'ann-2': 'ann-2', uwe: 'Uwe 𝒳' };

const OPTIONS: RouteOptions = {
  nameOf: (id) => NAMES[id] ?? id,
  sameId: (a, b) => a === b,
  isMentioned: () => false,
  activation: 'always',
};

function said(text: string, peer: ChatIn['peer'] = { kind: 'group', id: 'g', name: 'Team' }): ChatIn {
  return { channel: 'local', account: 'main', peer, sender: { id: 'somebody' }, text };
}

function panelOf(ids: readonly string[], selection: Selection | null = null): Panel {
  const agents = ids.map((id) => ({ id: agentId(id), priority: 0 }));
  return { peer: 'Team', agents, strategy: 'parallel', selection, shared: null, activation: null };
}

/** What a panel makes of a text. */
const onPanel = (panel: Panel, text: string): Routed =>
  routeByRules({ panels: [panel], bindings: [], defaultAgent: null }, new Map(), OPTIONS)(said(text));

/** Who is called by a text: on a panel of four, of whom all would answer it. */
function called(text: string): string[] {
  const { agents, isCalled } = onPanel(panelOf(Object.keys(NAMES)), text);
  return isCalled ? agents.map(({ id }) => id) : [];
}

describe('who is called by name', () => {
  it.each([
    ['@Doc, look', ['doc']],
    ['look, @DOC', ['doc']],
    ['@Doc', ['doc']],
    ['@Ann.', ['ann']],
    ['@Ann. What now?', ['ann']],
    ['(@ann)', ['ann']],
    ['"@ann"/"@doc"', ['doc', 'ann']],
    ['@ann/@doc', ['doc', 'ann']],
    ['@ann...', ['ann']],
    ['hello,@ann!', ['ann']],
    ['@ann-2 what now', ['ann-2']],
    ['@ann-2 and @ann what now', ['ann', 'ann-2']],
    ['@annabel asks: @ann?', ['ann']],
    ['bob@ann.example asks @ann', ['ann']],
    ['@uwe 𝒳: look', ['uwe']],
  ])('[BRD-04] %s', (text, ids) => {
    expect(called(text)).toEqual(ids);
  });

  it.each([
    'send it to bob@doc.org please',
    'npm i @doc/parser',
    'see @doc.example',
    'bob+@doc',
    'bob.@doc',
    'bob_@doc',
    'bob-@doc',
    '7@doc',
    'é@doc',
    '𝒳@doc',
    '@doctor',
    '@doc_',
    '@doc-1',
    '@docé',
    '@doc𝒳',
    '@doc/𝒳',
    '@ doc',
    'doc',
  ])('[BRD-04] nobody: %s', (text) => {
    expect(called(text)).toEqual([]);
  });

  it('[BRD-04] [SEC-02] however often it does not, in a time in proportion to the text', () => {
    const started = performance.now();
    expect(called('@annabel '.repeat(100_000))).toEqual([]);
    expect(called('a@ann'.repeat(100_000))).toEqual([]);
    expect(performance.now() - started).toBeLessThan(2000);
  });
});

describe('why these of a panel', () => {
  const rules = [{ words: ['crash'], agents: [agentId('doc')] }];
  const selecting = (...otherwise: string[]): Panel =>
    panelOf(['doc', 'ann'], { rules, otherwise: otherwise.map(agentId), selector: null });

  it.each([
    [selecting('ann'), 'a crash', ['doc'], 'they are on the panel for Team, of which a rule fits'],
    [
      selecting('ann'),
      'hello',
      ['ann'],
      'they are on the panel for Team, of which `otherwise` names them: no rule fits',
    ],
    [selecting('ann', 'doc'), 'hello', ['doc', 'ann'], 'they are on the panel for Team'],
    [selecting(), 'hello', [], 'for the panel for Team no rule fits, and `otherwise` names nobody'],
    [selecting(), 'hello @ann', ['ann'], 'they are on the panel for Team, of which they are named'],
  ])('[BRD-07] by rules: %#', (panel, text, ids, reason) => {
    const routed = onPanel(panel, text);
    expect(routed.agents.map(({ id }) => id)).toEqual(ids);
    expect(routed.reason).toBe(reason);
  });
});

describe('which binding counts', () => {
  const GROUP = said('', { kind: 'group', id: 'g', name: 'Team' });
  const PERSON = said('', { kind: 'dm', id: '+15550100' });
  /** The first of these by specificity, whichever comes first in the list. */
  function strongest(chat: ChatIn, ...matches: readonly BindingMatch[]): BindingMatch[] {
    const bindings: Binding[] = matches.map((match, index) => ({ agent: agentId(`a${index}`), match }));
    const orders = [bindings, bindings.toReversed()];
    return orders.flatMap((order) => {
      const route = routeByRules({ panels: [], bindings: order, defaultAgent: MAIN }, new Map(), OPTIONS);
      const [{ id } = { id: MAIN }] = route(chat).agents;
      return bindings.find(({ agent }) => agent === id)?.match ?? [];
    });
  }

  it.each<[string, ChatIn, BindingMatch, BindingMatch]>([
    ['a peer before every peer', PERSON, { peer: { id: '+15550100' } }, { peer: { id: '*' } }],
    ['a group before every peer', GROUP, { group: 'Team' }, { peer: { id: '*' } }],
    ['a group before every peer of a kind', GROUP, { group: 'Team' }, { peer: { kind: 'group', id: '*' } }],
    ['a group before every group', GROUP, { group: 'Team' }, { group: '*' }],
    ['an account before every peer', PERSON, { account: 'main' }, { peer: { id: '*' } }],
    ['a channel before every peer', PERSON, { channel: 'local' }, { peer: { id: '*' } }],
    ['a channel before every group and peer', GROUP, { channel: 'local' }, { group: '*', peer: { id: '*' } }],
    ['every group before every peer', GROUP, { group: '*' }, { peer: { id: '*' } }],
    ['every peer before nothing', PERSON, { peer: { id: '*' } }, {}],
    ['every group before nothing', GROUP, { group: '*' }, {}],
    [
      'every peer of a channel before the channel',
      PERSON,
      { channel: 'local', peer: { id: '*' } },
      { channel: 'local' },
    ],
    ['a peer before a group', GROUP, { peer: { id: 'g' } }, { group: 'Team' }],
    ['a group before an account and a channel', GROUP, { group: 'Team' }, { account: 'main', channel: 'local' }],
    ['an account before a channel', GROUP, { account: 'main' }, { channel: 'local' }],
  ])('[BRD-04] %s', (_what, chat, stronger, weaker) => {
    expect(strongest(chat, stronger, weaker)).toEqual([stronger, stronger]);
    expect(strongest(chat, weaker, stronger)).toEqual([stronger, stronger]);
  });
});
