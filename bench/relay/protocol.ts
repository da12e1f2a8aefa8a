/* What the processes of ../relay.ts say to each other, and what all of them know. */
import { z } from 'zod';

/** One for each request that is in flight; each sends to itself. */
export const AGENTS = Array.from({ length: 64 }, (_, number) => `agent-${number}`);

export const serverReadySchema = z.object({ url: z.string(), secrets: z.array(z.string()) });
export const usageSchema = z.object({ cpuMs: z.number() });
/** `send`: only that; `cycle`: send, poll, ack. */
export const toldSchema = z.object({ work: z.enum(['send', 'cycle']), inFlight: z.number(), ms: z.number() });
export type Told = z.infer<typeof toldSchema>;
export const doneSchema = z.object({ count: z.number(), perSecond: z.number(), p50: z.number(), p99: z.number() });
export type Done = z.infer<typeof doneSchema>;
