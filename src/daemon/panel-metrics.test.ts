import { describe, expect, it } from 'vitest';
import { draft, mailbox, openTestSpool } from '../../test/support/spool.ts';
import { CHAT_IN } from '../domain/chat.ts';
import { PanelMetrics } from './panel-metrics.ts';
import { prometheusText } from './prometheus.ts';

const chat = (panel: string | null) => ({
  type: CHAT_IN,
  data: {
    channel: 'test',
    account: 'a',
    peer: { kind: 'group', id: 'g' },
    sender: { id: 'ann' },
    text: 'hi',
    ...(panel !== null && { panel: { peer: panel, mode: 'each', members: [] } }),
  },
});

describe('the figures of panels', () => {
  it('[BRD-07] [OBS-01] count what each agent of a panel was done with, how it ended, and how long it took', async () => {
    await using t = openTestSpool();
    const metrics = new PanelMetrics(t.spool, t.clock);
    for (const payload of [chat('the "team"'), chat(null)]) await t.spool.send([draft(['a', 'b'], { payload })]);
    t.clock.advance(2_000);
    for (const agent of ['a', 'b']) {
      for (const { lease } of await t.spool.claim(mailbox(agent), { limit: 9 })) {
        await t.spool.settle(lease, agent === 'a' ? { kind: 'ack' } : { kind: 'term', reason: 'broken' });
      }
    }
    expect(metrics.figures()).toEqual([
      { panel: 'the "team"', agent: 'a', outcome: 'acked', answers: 1, seconds: 2 },
      { panel: 'the "team"', agent: 'b', outcome: 'failed', answers: 1, seconds: 2 },
    ]);
    const figures = {
      ...t.spool.stats(),
      oldestLeased: null,
      agents: [],
      now: 0,
      accounts: [],
      panels: metrics.figures(),
    };
    expect(prometheusText(figures)).toContain(
      '# TYPE parley_panel_messages_total counter\nparley_panel_messages_total{panel="the \\"team\\"",agent="a",outcome="acked"} 1\n',
    );
    metrics.stop();
  });
});
