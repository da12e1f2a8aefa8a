import { z } from 'zod';
import type { Clock } from '../../lib/clock.ts';
import { parseJson } from '../../protocol/bounded-json.ts';
import { type HttpAgent, requestTo } from './http-agent.ts';

/** What an agent that is there says of itself; what it does not say, or not in a usable form, is missing. */
export interface Health {
  readonly name?: string | undefined;
  readonly skills?: readonly string[] | undefined;
}

/** How long an agent may take to say that it is there, in milliseconds. */
const HEALTH_MS = 5_000;
const MAX_HEALTH_BYTES = 64 * 1024;

/** One line, of a length that a list of agents has room for: others are going to read it. */
const line = (max: number) =>
  z
    .string()
    .trim()
    .min(1)
    .max(max)
    .regex(/^[^\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]*$/u);
const healthSchema = z.object({
  name: line(100).optional().catch(undefined),
  skills: z.array(line(128)).max(50).optional().catch(undefined),
});

/** Looks whether the agent is there; null when it is not. */
export async function healthOf(agent: HttpAgent, clock: Clock, signal?: AbortSignal): Promise<Health | null> {
  const limits = { timeoutMs: HEALTH_MS, maxBytes: MAX_HEALTH_BYTES };
  const answer = await requestTo(agent, 'health', { ...limits, signal }, clock);
  if (!answer.ok || answer.value.status !== 200) return null;
  return healthSchema.safeParse(parseJson(answer.value.body.toString())).data ?? {};
}
