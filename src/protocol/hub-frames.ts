/*
 * The frames between the hub and its agents, each one JSON text message of a WebSocket. Frozen: agents of other makes speak them.
 * Fields that are not named here are ignored.
 */
import { z } from 'zod';
import { type AgentId, isAgentId } from '../domain/addresses.ts';
import type { Json } from '../lib/json.ts';
import { isBoundedJson, parseJson } from './bounded-json.ts';

/** Close codes, from the range that RFC 6455 leaves to applications. */
export const HUB_CLOSE = {
  notRegistered: 4001,
  refused: 4003,
  full: 4004,
  tooManyConnections: 4005,
  tooFast: 4006,
} as const;

/** What a task or an answer may have, in bytes of UTF-8; a frame or body has room for that and nothing more. */
export const HUB_MAX_BYTES = 1024 * 1024;

const text = (most: number) =>
  z
    .string('must be text')
    .min(1, 'must not be empty')
    .max(most, `must have at most ${most} characters`)
    .refine((value) => value.isWellFormed(), 'must be well-formed Unicode');

export const hubJson = z.custom<Json>(isBoundedJson, 'must be JSON, nested at most 64 deep');

/** The name of an agent on the hub is an agent id: it is also the name of its mailbox. */
export const hubAgentName = z.custom<AgentId>(
  (value) => typeof value === 'string' && isAgentId(value),
  'must be a name of at most 64 letters, digits and . _ @ + -, beginning with a letter or digit',
);
export const hubRequestId = z
  .string('must be text')
  .regex(/^[\x21-\x7e]{1,200}$/, 'must be 1 to 200 printable characters');
export const hubTaskText = text(HUB_MAX_BYTES);
export const hubSender = text(200);

const registerFrame = z.object({
  type: z.literal('register'),
  name: hubAgentName,
  workspace: z.string('must be text').max(200, 'must have at most 200 characters').default(''),
  skills: z.array(text(100), 'must be a list').max(100, 'must have at most 100 entries').default([]),
  secret: z.string('must be text').max(4096, 'is too long').optional(),
  /** What `registered` gave: with it a new connection takes the place of the one that has the name. */
  session: z.string('must be text').max(200, 'is too long').optional(),
});

const agentFrame = z.discriminatedUnion(
  'type',
  [
    registerFrame,
    z.object({ type: z.literal('task-response'), requestId: hubRequestId, response: hubJson }),
    z.object({ type: z.literal('task-error'), requestId: hubRequestId, error: text(HUB_MAX_BYTES) }),
    z.object({ type: z.literal('task-progress'), requestId: hubRequestId, progress: hubJson }),
    z.object({ type: z.literal('agent-message'), target: hubAgentName, message: hubJson }),
    z.object({ type: z.literal('ping') }),
    z.object({ type: z.literal('pong') }),
  ],
  'must be a frame type that an agent sends',
);

export type RegisterFrame = z.output<typeof registerFrame>;
/** What an agent sends. */
export type AgentFrame = z.output<typeof agentFrame>;

/** Who came or went, and that the hub is about to stop. */
export type PresenceFrame =
  | {
      readonly type: 'event';
      readonly event: 'agent-joined' | 'agent-left';
      readonly name: AgentId;
      readonly workspace: string;
      readonly skills: readonly string[];
    }
  | { readonly type: 'event'; readonly event: 'hub-shutdown' };

/** What the hub sends. */
export type HubFrame =
  | { readonly type: 'registered'; readonly agentId: string; readonly message: string; readonly session: string }
  | PresenceFrame
  | { readonly type: 'task'; readonly requestId: string; readonly message: string; readonly sender: string }
  | { readonly type: 'agent-message'; readonly from: AgentId; readonly message: Json }
  | { readonly type: 'ping' | 'pong' }
  | { readonly type: 'error'; readonly error: string };

/** The frame, or in one line what is wrong with it. Never throws. */
export function readAgentFrame(frame: string): { readonly frame: AgentFrame } | { readonly problem: string } {
  const value = parseJson(frame);
  if (value === undefined) return { problem: 'A frame is one JSON object.' };
  const parsed = agentFrame.safeParse(value);
  return parsed.success ? { frame: parsed.data } : { problem: firstProblem(parsed.error) };
}

/** The first thing that is wrong, with its field. Quotes nothing of what was sent. */
export function firstProblem({ issues }: z.ZodError): string {
  const [issue] = issues;
  const field = issue?.path.map(String).join('.');
  return `${field || 'The whole'} ${issue?.message ?? 'is not understood'}.`;
}
