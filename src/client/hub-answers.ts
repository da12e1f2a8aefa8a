import type { Json } from '../lib/json.ts';
import { isBoundedJson } from '../protocol/bounded-json.ts';
import { isObject, isText, readAll } from './read.ts';

export interface HubHealth {
  /** How many are connected. */
  readonly agents: number;
  /** In seconds. */
  readonly uptime: number;
}

/** An agent that is connected to the hub. */
export interface HubAgent {
  readonly id: string;
  readonly name: string;
  readonly workspace: string;
  readonly skills: readonly string[];
  /** ISO 8601. */
  readonly connectedAt: string;
}

/** What one of all agents made of a task. */
export type HubResult =
  | { readonly success: true; readonly agent: string; readonly response: Json }
  | { readonly success: false; readonly agent: string; readonly error: string };

const TASK_STATUSES = ['waiting', 'given', 'done', 'failed', 'expired'] as const;

/** How far a task is that was queued. */
export interface HubTaskStatus {
  readonly id: string;
  readonly agent: string;
  readonly status: (typeof TASK_STATUSES)[number];
  readonly attempts: number;
  /** When it is done. */
  readonly response?: Json;
  /** When it has failed or expired. */
  readonly error?: string;
}

/** Each of these reads an answer of the hub; fields that are not named here are ignored. */
export function readHealth(answer: unknown): HubHealth | null {
  if (!isObject(answer)) return null;
  const { agents, uptime } = answer;
  return typeof agents === 'number' && typeof uptime === 'number' ? { agents, uptime } : null;
}

export function readAgents(answer: unknown): readonly HubAgent[] | null {
  return isObject(answer) ? readAll(answer['agents'], readAgent) : null;
}

export function readResults(answer: unknown): readonly HubResult[] | null {
  return isObject(answer) ? readAll(answer['results'], readResult) : null;
}

export function readResult(answer: unknown): HubResult | null {
  if (!isObject(answer)) return null;
  const { success, agent, response, error } = answer;
  if (!isText(agent)) return null;
  if (success === true && isBoundedJson(response)) return { success, agent, response };
  return success === false && isText(error) ? { success, agent, error } : null;
}

export function readTaskId(answer: unknown): string | null {
  const id = isObject(answer) ? answer['taskId'] : null;
  return isText(id) ? id : null;
}

export function readTaskStatus(answer: unknown): HubTaskStatus | null {
  if (!isObject(answer)) return null;
  const { id, agent, attempts, response, error } = answer;
  const status = TASK_STATUSES.find((known) => known === answer['status']);
  if (!isText(id) || !isText(agent) || typeof attempts !== 'number' || !status) return null;
  return {
    id,
    agent,
    status,
    attempts,
    ...(isBoundedJson(response) && { response }),
    ...(isText(error) && { error }),
  };
}

function readAgent(answer: unknown): HubAgent | null {
  if (!isObject(answer)) return null;
  const { id, name, workspace, connectedAt } = answer;
  const skills = readAll(answer['skills'], (skill) => (isText(skill) ? skill : null));
  if (!isText(id) || !isText(name) || !skills) return null;
  if (!isText(workspace) || !isText(connectedAt)) return null;
  return { id, name, workspace, skills, connectedAt };
}
