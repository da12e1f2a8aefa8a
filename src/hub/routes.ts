import { setMaxListeners } from 'node:events';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { z } from 'zod';
import type { AgentId } from '../domain/addresses.ts';
import type { Clock } from '../lib/clock.ts';
import { newId } from '../lib/ids.ts';
import type { Json } from '../lib/json.ts';
import { firstProblem, hubAgentName, hubRequestId, hubSender, hubTaskText } from '../protocol/hub-frames.ts';
import { streamEvents } from './events.ts';
import type { Hub } from './hub.ts';
import type { Mailboxes, QueuedTask } from './mailboxes.ts';
import { type Answer, MOST_OPEN } from './requests.ts';

const broadcastBody = z.object(
  { message: hubTaskText, sender: hubSender.default('unknown') },
  'must be a JSON object: { "message", "sender" }',
);
const taskBody = z.object(
  {
    ...broadcastBody.shape,
    agent: hubAgentName,
    /** Yours, to find the task again; sent twice, a queued task is one task. */
    id: hubRequestId.optional(),
    /** It may wait for an agent that is away. */
    queue: z.boolean('must be true or false').default(false),
  },
  'must be a JSON object: { "agent", "message", "sender" }',
);
const taskQuery = z.object({
  /** For so many seconds the answer may wait for the end of the task. */
  wait: z.coerce.number('must be a number of seconds').min(0, 'must be 0 to 60').max(60, 'must be 0 to 60').default(0),
});
type TaskBody = z.output<typeof taskBody>;

/** What one agent made of a task. */
type Outcome =
  | { readonly success: true; readonly agent: AgentId; readonly response: Json }
  | { readonly success: false; readonly agent: AgentId; readonly error: string };

/** Streams of events at a time: each is a socket that stays. */
const MOST_STREAMS = 100;

export const failure = (error: string) => ({ success: false, error }) as const;

/** The routes for those who know the secret; that is looked at before. */
export function hubRoutes(app: FastifyInstance, hub: Hub, clock: Clock): void {
  app.get('/agents', () => ({
    agents: hub.agents.list().map(({ id, name, workspace, skills, since }) => ({
      id,
      name,
      workspace,
      skills,
      connectedAt: new Date(since).toISOString(),
    })),
  }));
  app.post('/task', (request, reply) => giveTask(hub, clock, request.body, reply));
  app.post('/broadcast', (request, reply) => broadcast(hub, clock, request.body, reply));
  app.get<{ Params: { id: string } }>('/tasks/:id', (request, reply) =>
    showTask(hub, clock, request.params.id, request.query, reply),
  );
  addEventsRoute(app, hub, clock);
}

async function giveTask(hub: Hub, clock: Clock, unchecked: unknown, reply: FastifyReply): Promise<FastifyReply> {
  const body = taskBody.safeParse(unchecked);
  if (!body.success) return reply.code(400).send(failure(firstProblem(body.error)));
  if (hub.isStopping) return reply.code(503).send(failure('The hub is about to stop.'));
  const { agent, id = newId('task', clock.now()), queue } = body.data;
  if (queue) return queueTask(hub.mailboxes, id, body.data, reply);
  if (!hub.agents.get(agent)) return reply.code(404).send({ success: false, agent, error: notConnected(agent) });
  if (hub.requests.has(id)) return reply.code(409).send({ success: false, agent, error: `A task ${id} is under way.` });
  const { message, sender } = body.data;
  const waiting = { timeoutMs: hub.taskTimeoutMs, signal: untilAnswered(reply) };
  const answer = await hub.requests.ask(agent, { requestId: id, message, sender }, waiting);
  if (answer.kind === 'busy') void reply.header('retry-after', '1');
  return reply.code(STATUS_OF[answer.kind]).send(outcome(agent, answer));
}

async function queueTask(
  mailboxes: Mailboxes | null,
  id: string,
  { agent, message, sender }: TaskBody,
  reply: FastifyReply,
): Promise<FastifyReply> {
  if (!mailboxes) {
    const error = 'This hub has no database, so no task can wait. Start it with --db, or leave out "queue".';
    return reply.code(501).send({ success: false, agent, error });
  }
  const isNew = await mailboxes.putTask(agent, { requestId: id, message, sender });
  const task = mailboxes.task(id);
  if (task?.agent !== agent) return reply.code(409).send({ success: false, agent, error: `The id ${id} is in use.` });
  const accepted = { success: true, agent, taskId: id, status: task.status, duplicate: !isNew };
  return reply
    .code(202)
    .header('location', `/tasks/${encodeURIComponent(id)}`)
    .send(accepted);
}

async function showTask(
  hub: Hub,
  clock: Clock,
  id: string,
  unchecked: unknown,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const query = taskQuery.safeParse(unchecked);
  if (!query.success) return reply.code(400).send(failure(firstProblem(query.error)));
  const task = await endOfTask(hub, clock, id, query.data.wait, reply);
  return task ? reply.send(task) : reply.code(404).send(failure('There is no such task.'));
}

async function endOfTask(
  { mailboxes, stopping }: Hub,
  clock: Clock,
  id: string,
  waitSeconds: number,
  reply: FastifyReply,
): Promise<QueuedTask | null> {
  if (!mailboxes || waitSeconds === 0) return mailboxes?.task(id) ?? null;
  const timeIsUp = new AbortController();
  const cancel = clock.timer(clock.now() + waitSeconds * 1000, () => timeIsUp.abort());
  const task = await mailboxes.ended(id, AbortSignal.any([timeIsUp.signal, untilAnswered(reply), stopping]));
  cancel();
  return task;
}

async function broadcast(hub: Hub, clock: Clock, unchecked: unknown, reply: FastifyReply): Promise<FastifyReply> {
  const body = broadcastBody.safeParse(unchecked);
  if (!body.success) return reply.code(400).send(failure(firstProblem(body.error)));
  if (hub.isStopping) return reply.code(503).send(failure('The hub is about to stop.'));
  const waiting = { timeoutMs: hub.taskTimeoutMs, signal: untilAnswered(reply) };
  const results = hub.agents.list().map(async ({ name }) => {
    const task = { requestId: newId('task', clock.now()), ...body.data };
    return outcome(name, await hub.requests.ask(name, task, waiting));
  });
  return reply.send({ results: await Promise.all(results) });
}

/** Aborts when the client has gone, or has its answer. */
function untilAnswered({ raw }: FastifyReply): AbortSignal {
  const left = new AbortController();
  // A broadcast waits for many answers with the same signal.
  setMaxListeners(0, left.signal);
  raw.once('close', () => left.abort());
  return left.signal;
}

const STATUS_OF: Readonly<Record<Answer['kind'], number>> = {
  response: 200,
  error: 502,
  gone: 502,
  late: 504,
  busy: 429,
  stopped: 503,
  // Nobody is there to read it.
  dropped: 503,
};

const notConnected = (agent: AgentId): string => `No agent ${agent} is connected.`;

function outcome(agent: AgentId, answer: Answer): Outcome {
  switch (answer.kind) {
    case 'response':
      return { success: true, agent, response: answer.response };
    case 'error':
      return { success: false, agent, error: answer.error };
    case 'gone':
      return { success: false, agent, error: `${agent} left before it answered.` };
    case 'late':
      return { success: false, agent, error: `${agent} did not answer in time.` };
    case 'busy':
      return {
        success: false,
        agent,
        error: `${agent} has ${MOST_OPEN} tasks under way, or is slow to read; try again.`,
      };
    case 'stopped':
    case 'dropped':
      return { success: false, agent, error: 'The hub stopped before the answer came.' };
  }
}

function addEventsRoute(app: FastifyInstance, hub: Hub, clock: Clock): void {
  let open = 0;
  app.get('/events', { exposeHeadRoute: false }, (_request, reply) => {
    if (open >= MOST_STREAMS) return reply.code(503).send(failure('Too many streams of events are open.'));
    void reply.header('content-type', 'text/event-stream').header('cache-control', 'no-store').hijack();
    reply.raw.writeHead(
      200,
      Object.entries(reply.getHeaders()).flatMap(([name, value]) => [name, String(value)]),
    );
    open += 1;
    reply.raw.once('close', () => {
      open -= 1;
    });
    streamEvents(reply.raw, hub.events, clock);
    return reply;
  });
}
