import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { CommandLine } from './parley.ts';

const polledSchema = z.object({ messages: z.array(z.object({ message: z.object({ body: z.string() }) })) });

describe('many processes on one database', () => {
  it('[SPL-06] make it together: one makes it, the others wait', async () => {
    using line = new CommandLine();
    const names = Array.from({ length: 6 }, (_, index) => `agent-${index}`);
    await line.register(...names);
    expect(await line.json('agents')).toMatchObject({ agents: names.map((agent_id) => ({ agent_id })) });
  });

  it('[SPL-03] [SPL-06] send and poll at once: nothing is lost, nothing is given to two, nobody is told to come back', async () => {
    using line = new CommandLine();
    await line.register('agent-a', 'agent-b');
    const numbers = Array.from({ length: 8 }, (_, index) => String(index));
    const sends = numbers.map((number) => line.run(['send', 'agent-a', 'agent-b', number]));
    const polls = numbers.map(() => line.run(['poll', 'agent-b', '--limit', '1', '--json']));
    const outcomes = await Promise.all([...sends, ...polls]);
    expect(outcomes.map(({ stderr }) => stderr).filter((text) => text !== '')).toEqual([]);
    expect(outcomes.map(({ code }) => code)).toEqual(outcomes.map(() => 0));

    const rest = await line.parley('poll', 'agent-b', '--limit', '100', '--json');
    const polled = [...(await Promise.all(polls)).map(({ stdout }) => stdout), rest];
    const bodies = polled.flatMap((text) =>
      polledSchema.parse(JSON.parse(text)).messages.map(({ message }) => message.body),
    );
    expect(bodies.toSorted()).toEqual(numbers);
  });
});
