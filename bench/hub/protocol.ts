/* What the processes of ../hub.ts say to each other, and what all of them know. */
import { z } from 'zod';

export const SECRET = 'the-secret-of-the-bench';

/** Connections from one address: so few that they meet no limit of the hub. */
const OF_ONE_ADDRESS = 8;

/** Where connection number n comes from: on Linux the whole of 127.0.0.0/8 is this machine. */
export function sourceAddress(connection: number): string {
  const host = 2 + Math.floor(connection / OF_ONE_ADDRESS);
  return `127.0.${host >> 8}.${host & 255}`;
}

export const registration = (name: string): object => ({
  type: 'register',
  name,
  workspace: 'bench',
  skills: ['waiting'],
  secret: SECRET,
});

export const serverReadySchema = z.object({ url: z.string() });
export const usageSchema = z.object({ cpuMs: z.number(), heapBytes: z.number(), rssBytes: z.number() });
export type Usage = z.infer<typeof usageSchema>;

export const clientReadySchema = z.object({ seconds: z.number() });
/** `frames`: many under way; `frame` and `task`: one after the other. */
export const toldSchema = z.object({ work: z.enum(['frames', 'frame', 'task']), ms: z.number() });
export type Work = z.infer<typeof toldSchema>['work'];
export const doneSchema = z.object({ perSecond: z.number(), p50: z.number(), p99: z.number() });
export type Done = z.infer<typeof doneSchema>;
