import type { Json } from '../lib/json.ts';
import { isBoundedJson, parseJson } from '../protocol/bounded-json.ts';
import type { HUB_CLOSE } from '../protocol/hub-frames.ts';
import { isObject, isText } from './read.ts';

/** What a task or an answer may have, in bytes of UTF-8: HUB_MAX_BYTES of the protocol, whose file would bring a parser with it. */
export const HUB_MOST_BYTES = 1024 * 1024;

/** The close codes of the hub; the compiler sees to it that they are the protocol's. */
export const CLOSE_CODES: typeof HUB_CLOSE = {
  notRegistered: 4001,
  refused: 4003,
  full: 4004,
  tooManyConnections: 4005,
  tooFast: 4006,
};

/** A task that the hub has for this agent. */
export interface HubTask {
  readonly requestId: string;
  readonly message: string;
  /** Who gives it, as far as that is known. */
  readonly sender: string;
}

/** Who came or went, and that the hub is about to stop. */
export type HubEvent =
  | {
      readonly event: 'agent-joined' | 'agent-left';
      readonly name: string;
      readonly workspace: string;
      readonly skills: readonly string[];
    }
  | { readonly event: 'hub-shutdown' };

/** What the hub says to this agent. */
export type FromHub =
  | { readonly type: 'registered'; readonly agentId: string; readonly session: string }
  | { readonly type: 'task'; readonly task: HubTask }
  | { readonly type: 'agent-message'; readonly from: string; readonly message: Json }
  | { readonly type: 'event'; readonly event: HubEvent }
  | { readonly type: 'error'; readonly error: string }
  | { readonly type: 'pong' };

/** What this agent says to the hub when it is registered. */
export type ToHub =
  | { readonly type: 'task-response'; readonly requestId: string; readonly response: Json }
  | { readonly type: 'task-error'; readonly requestId: string; readonly error: string }
  | { readonly type: 'task-progress'; readonly requestId: string; readonly progress: Json }
  | { readonly type: 'agent-message'; readonly target: string; readonly message: Json }
  | { readonly type: 'ping' };

/** Whether the hub takes a text of this length. */
export const fits = (text: string): boolean => Buffer.byteLength(text) <= HUB_MOST_BYTES;

/** A value as the hub takes it; null when it has no such form. Throws what the value throws when it is written. */
export function sendable(value: unknown): { readonly json: Json } | null {
  const text: unknown = JSON.stringify(value);
  if (typeof text !== 'string' || !fits(text)) return null;
  const json = parseJson(text);
  return isBoundedJson(json) ? { json } : null;
}

/** A frame of the hub; null for one that this client does not know. */
export function readFrame(text: unknown): FromHub | null {
  const frame = isText(text) ? parseJson(text) : null;
  if (!isObject(frame)) return null;
  const { type, agentId, session, requestId, message, sender, from, error } = frame;
  switch (type) {
    case 'registered':
      return isText(agentId) && isText(session) ? { type, agentId, session } : null;
    case 'task':
      return isText(requestId) && isText(message) && isText(sender)
        ? { type, task: { requestId, message, sender } }
        : null;
    case 'agent-message':
      return isText(from) && isBoundedJson(message) ? { type, from, message } : null;
    case 'event': {
      const event = readEvent(frame);
      return event && { type, event };
    }
    case 'error':
      return isText(error) ? { type, error } : null;
    case 'pong':
      return { type };
    default:
      return null;
  }
}

function readEvent({ event, name, workspace, skills }: Readonly<Record<string, unknown>>): HubEvent | null {
  if (event === 'hub-shutdown') return { event };
  if ((event !== 'agent-joined' && event !== 'agent-left') || !isText(name) || !isText(workspace)) return null;
  return Array.isArray(skills) ? { event, name, workspace, skills: skills.filter(isText) } : null;
}
