import { describe, expect, it } from 'vitest';
import { HUB_TEST_SECRET, type HubFixture, openHub } from '../../test/support/hub.ts';

/** Opens the stream, and reads it by and by. */
async function follow(hub: HubFixture) {
  const reply = await fetch(new URL('/events', hub.url), { headers: { authorization: `Bearer ${HUB_TEST_SECRET}` } });
  const reader = reply.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  return {
    type: reply.headers.get('content-type'),
    /** What has come by the time this has. */
    async until(part: string): Promise<string> {
      while (!text.includes(part)) {
        const { value, done } = (await reader?.read()) ?? { done: true, value: undefined };
        if (done) throw new Error(`the stream ended: ${text}`);
        text += value;
      }
      return text;
    },
    async toEnd(): Promise<string> {
      for (;;) {
        const { value, done } = (await reader?.read()) ?? { done: true, value: undefined };
        if (done) return text;
        text += value;
      }
    },
  };
}

describe('the stream of events', () => {
  it('[HUB-02] [HUB-07] tells who comes and goes, how tasks get on, and that the hub stops', async () => {
    await using hub = await openHub();
    const events = await follow(hub);
    expect(events.type).toBe('text/event-stream');
    await events.until(': connected');
    const agent = await hub.join('a');
    await events.until('event: agent-joined\ndata: {"name":"a","workspace":"test","skills":["testing"]}\n\n');

    const asked = hub.ask('/task', { body: { agent: 'a', message: 'x', id: 'mine' } });
    await agent.next('task');
    agent.send({ type: 'task-progress', requestId: 'mine', progress: { percent: 50 } });
    await events.until('event: task-progress\ndata: {"agent":"a","requestId":"mine","progress":{"percent":50}}\n\n');
    agent.send({ type: 'task-response', requestId: 'mine', response: 1 });
    await asked;

    agent.socket.close();
    await events.until('event: agent-left');
    const stopped = hub.stop();
    expect(await events.toEnd()).toMatch(/event: hub-shutdown\ndata: \{\}\n\n$/);
    await stopped;
  });
});
