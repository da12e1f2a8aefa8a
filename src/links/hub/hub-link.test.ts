import { describe, expect, it } from 'vitest';
import { wireMessage } from '../../../test/support/relay.ts';
import { HubError, type HubErrorCode, type HubTaskStatus, type TaskOptions } from '../../client/index.ts';
import { agentId } from '../../domain/addresses.ts';
import type { AgentCard } from '../../domain/agent-card.ts';
import { TASK } from '../../domain/task.ts';
import type { Json } from '../../lib/json.ts';
import { writeEnvelope } from '../../protocol/envelope.ts';
import { draftOf, SIGNING_AND_SEALING } from '../../protocol/envelope-fixtures.ts';
import { type MessageV2, parseMessageV2 } from '../../protocol/message-v2.ts';
import { HubLink, type HubTasks } from './hub-link.ts';

const CROW: AgentCard = {
  id: agentId('crow'),
  name: 'Crow',
  capabilities: [],
  device: 'tree',
  transport: 'hub',
  phone: null,
  provider: null,
  metadata: {},
};

function message(changes: object): MessageV2 {
  const parsed = parseMessageV2(wireMessage('atlas', 'crow', { id: 'msg_1', ...changes }));
  if (!parsed.ok) throw parsed.error;
  return parsed.value;
}
const task = message({ body: 'fly', payload: { type: TASK, data: {} } });
const envelope = message({ body: writeEnvelope(draftOf('hello'), SIGNING_AND_SEALING) });

type Status = Pick<HubTaskStatus, 'status' | 'response' | 'error'>;

interface Answers {
  readonly task?: () => Json;
  readonly queue?: () => void;
  /** One after the other; the last one again and again. */
  readonly statuses?: readonly (Status | HubError)[];
}

/** A link to a hub that answers like this, and everything that the hub was asked. */
function linkTo({ task = () => 'done', queue = () => undefined, statuses = [{ status: 'waiting' }] }: Answers) {
  const asked: unknown[][] = [];
  let looks = 0;
  const ask = (call: string, agent: string, text: string, { id, sender }: TaskOptions = {}): void =>
    void asked.push([call, agent, text, sender, id]);
  const hub: HubTasks = {
    task: async (agent, text, options) => {
      ask('task', agent, text, options);
      return task();
    },
    queue: async (agent, text, options) => {
      ask('queue', agent, text, options);
      queue();
      return options?.id ?? '';
    },
    taskStatus: async (id, { waitSeconds, signal } = {}) => {
      signal?.throwIfAborted();
      asked.push(['taskStatus', id, waitSeconds]);
      const status = statuses[Math.min(looks++, statuses.length - 1)];
      if (!status || status instanceof HubError) throw status;
      return { id, agent: 'crow', attempts: 1, ...status };
    },
  };
  return { link: new HubLink(hub), asked };
}

const failing =
  (code: HubErrorCode, text = 'because') =>
  (): never => {
    throw new HubError(code, text);
  };
const outcome = (answers: Answers, what = task) => linkTo(answers).link.deliver(what, CROW);

describe('a task for an agent on a hub', () => {
  it('[HUB-05] [HUB-07] waits on the hub, and its answer is waited for', async () => {
    const { link, asked } = linkTo({
      statuses: [{ status: 'waiting' }, { status: 'given' }, { status: 'done', response: 'Caw.' }],
    });
    expect(await link.deliver(task, CROW)).toEqual({ ok: true, text: 'Caw.' });
    const look = ['taskStatus', 'msg_1@crow', 20];
    expect(asked).toEqual([['queue', 'crow', 'fly', 'atlas', 'msg_1@crow'], look, look, look]);
  });

  it('[HUB-05] is the same task when it is given again', async () => {
    const { link, asked } = linkTo({ statuses: [{ status: 'done', response: 1 }] });
    await link.deliver(task, CROW);
    await link.deliver(task, CROW);
    expect(new Set(asked.filter(([call]) => call === 'queue').map(([, , , , id]) => id)).size).toBe(1);
  });

  it('[HUB-05] is given at once where the hub has no database', async () => {
    const { link, asked } = linkTo({ queue: failing('no-database'), task: () => 'Caw.' });
    expect(await link.deliver(task, CROW)).toEqual({ ok: true, text: 'Caw.' });
    expect(asked.at(-1)).toEqual(['task', 'crow', 'fly', 'atlas', 'msg_1@crow']);
  });

  it.each<[string, Json, string]>([
    ['text', 'Caw.', 'Caw.'],
    ['a number', 42, '42'],
    ['an object', { text: 'Caw.' }, '{"text":"Caw."}'],
    ['nothing', null, 'null'],
  ])('[HUB-05] is answered with %s', async (_what, response, text) => {
    expect(await outcome({ statuses: [{ status: 'done', response }] })).toEqual({ ok: true, text });
  });

  it.each<[string, Answers, string]>([
    ['has failed', { statuses: [{ status: 'failed', error: 'no wings' }] }, 'no wings'],
    ['has failed without a word', { statuses: [{ status: 'failed' }] }, 'It has failed.'],
    ['was taken by nobody', { statuses: [{ status: 'expired' }] }, 'It has expired.'],
    ['has failed at once', { queue: failing('no-database'), task: failing('agent-failed', 'no wings') }, 'no wings'],
  ])('[HUB-05] [TEM-02] that %s is answered with that', async (_what, answers, error) => {
    expect(await outcome(answers)).toEqual({ ok: false, error });
  });

  it('[HUB-05] is looked for no longer than somebody waits', async () => {
    const leaving = new AbortController();
    const reason = new Error('the daemon stops');
    const { link } = linkTo({ queue: () => leaving.abort(reason) });
    await expect(link.deliver(task, CROW, leaving.signal)).rejects.toBe(reason);
  });
});

describe('an envelope for an agent on a hub', () => {
  it('[HUB-05] [PRO-03] is a task, sealed as it is, and done when it is answered', async () => {
    const { link, asked } = linkTo({ task: () => ({ accepted: true }) });
    expect(await link.deliver(envelope, CROW)).toBe(null);
    expect(asked).toEqual([['task', 'crow', envelope.body, 'atlas', 'msg_1@crow']]);
    expect(JSON.stringify(asked)).not.toContain('hello');
  });

  it.each<HubErrorCode>(['unknown-agent', 'agent-failed'])(
    '[HUB-05] [REL-01] waits here, whole, while its recipient cannot take it: %s',
    async (code) => {
      await expect(outcome({ task: failing(code) }, envelope)).rejects.toMatchObject({
        code: 'CHANNEL_SEND_FAILED',
        hint: 'What is for it waits here until it is back.',
      });
    },
  );
});

describe('what cannot be given to the hub', () => {
  it.each<HubErrorCode>(['bad-request', 'too-large'])('[REL-01] is given up when it never can be: %s', async (code) => {
    for (const what of [task, envelope]) {
      await expect(outcome({ task: failing(code), queue: failing(code) }, what)).rejects.toMatchObject({
        code: 'MESSAGE_INVALID',
        message: 'The hub does not take it: because',
      });
    }
  });

  it.each<HubErrorCode>(['unavailable', 'unauthorized', 'timeout', 'rate-limited', 'id-taken'])(
    '[REL-01] is tried again when it can be later: %s',
    async (code) => {
      for (const what of [task, envelope]) {
        await expect(outcome({ task: failing(code), queue: failing(code) }, what)).rejects.toMatchObject({
          code: 'CHANNEL_SEND_FAILED',
        });
      }
    },
  );

  it('[HUB-05] is tried again when the hub has lost the task, or is away while it is done', async () => {
    for (const code of ['unknown-task', 'unavailable'] as const) {
      const statuses = [{ status: 'given' } as const, new HubError(code, 'because')];
      await expect(outcome({ statuses })).rejects.toMatchObject({ code: 'CHANNEL_SEND_FAILED' });
    }
  });

  it('[REL-01] is anything but text, a task and an envelope', async () => {
    const { link, asked } = linkTo({});
    const news = message({ body: 'Hello', payload: { type: 'context_share', data: {} } });
    await expect(link.deliver(news, CROW)).rejects.toMatchObject({
      code: 'MESSAGE_INVALID',
      message: 'Crow takes tasks, and this is a context_share.',
    });
    expect(asked).toEqual([]);
  });

  it('[REL-01] for a reason that nobody foresaw says so as it is', async () => {
    const bug = new TypeError('bug');
    const task = (): never => {
      throw bug;
    };
    await expect(outcome({ task }, envelope)).rejects.toBe(bug);
  });
});
