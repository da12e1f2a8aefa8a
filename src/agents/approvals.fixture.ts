/* A tool that needs approval, an agent that calls it when it is told to, and two people who may approve it. */
import { rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { type ToolSet, tool } from 'ai';
import { onTestFinished } from 'vitest';
import { z } from 'zod';
import { openWorld, type Script, script, type World, type WorldOptions } from '../../test/support/agents.ts';
import type { Effects } from './effects.ts';

/** A tool that cannot be undone, and what it has been called with. */
export class Deployment {
  readonly calls: string[] = [];
  /** How often its calls still fail: by themselves, or when they are to be committed. */
  failures = { thrown: 0, lost: 0 };

  readonly tools = (effects: Effects): ToolSet => ({
    deploy: tool({
      inputSchema: z.object({ target: z.string(), note: z.string().optional() }),
      execute: ({ target }) => {
        this.calls.push(target);
        if (this.failures.thrown-- > 0) throw new Error('the server is on fire');
        if (this.failures.lost-- > 0) {
          effects.write(() => {
            throw new Error('killed');
          });
        }
        return { ok: true, deployed: target };
      },
    }),
  });
}

export const deploys: Script = async (turn) => JSON.stringify(await turn.use('deploy', { target: 'production' }));
export const atlas = script({
  'please deploy': deploys,
  '[approved: deploy]': ({ prompt }) => `Result: ${prompt}`,
  '[rejected: deploy]': ({ prompt }) => `Pity: ${prompt}`,
});

export const BOSS = { sender: 'boss' };
/** The same after a restart, when the world counts from one again. */
export const AFTERWARDS = { ...BOSS, id: 'afterwards' };

export async function open(deployment: Deployment, more: Partial<WorldOptions> = {}): Promise<World> {
  return openWorld({
    agents: { Atlas: atlas, Nova: () => 'Nova here.' },
    admins: ['boss', 'chief'],
    extraTools: deployment.tools,
    toolPolicy: { allow: ['messaging', 'groups', 'deploy'], approve: ['deploy'] },
    ...more,
  });
}

/** The same database, in what is another process as far as it can tell. */
export async function restart(world: World, deployment: Deployment, more: Partial<WorldOptions> = {}): Promise<World> {
  await world.stop();
  const path = dirname(world.db.path);
  const folder = { path, remove: () => rmSync(path, { recursive: true, force: true }) };
  onTestFinished(folder.remove);
  return open(deployment, { folder, clock: world.clock, ...more });
}

export const heardBy = (world: World, peer: string): readonly string[] =>
  world.said.filter((said) => said.peer.id === peer).map(({ text }) => text);
export const last = (world: World, peer = 'boss'): string => heardBy(world, peer).at(-1) ?? '';
export const audited = (world: World): readonly string[] =>
  world.audit
    .tail(100)
    .filter(({ kind }) => kind.startsWith('approval.'))
    .map(({ kind, actor }) => `${kind} ${actor}`);
export const statusOf = (world: World, number = 1): string | undefined => world.approvals.get(number)?.status;
