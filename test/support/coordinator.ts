import type { Coordinator } from '../../src/coordinator/coordinator.ts';
import { openCoordinator } from '../../src/coordinator/open.ts';
import { ManualClock } from '../../src/lib/manual-clock.ts';
import { temporaryFolder } from './spool.ts';

export interface CoordinatorFixture {
  readonly coordinator: Coordinator;
  readonly clock: ManualClock;
  readonly root: string;
  /** Another one on the same files, as another process would have it. */
  reopen(): Coordinator;
  [Symbol.asyncDispose](): Promise<void>;
}

/** A coordinator in a folder of its own, where these agents are registered. */
export async function openTestCoordinator(
  transport: 'sqlite' | 'file',
  agents: readonly string[] = ['alice', 'bob', 'carol'],
): Promise<CoordinatorFixture> {
  const folder = temporaryFolder();
  const clock = new ManualClock();
  const opened: Coordinator[] = [];
  const open = (): Coordinator => {
    const coordinator = openCoordinator({ projectRoot: folder.path, transport, clock });
    opened.push(coordinator);
    return coordinator;
  };
  const coordinator = open();
  for (const id of agents) await coordinator.registry.register({ id, capabilities: ['test'], device: 'here' });
  return {
    coordinator,
    clock,
    root: folder.path,
    reopen: open,
    [Symbol.asyncDispose]: async () => {
      for (const each of opened) await each.close();
      folder.remove();
    },
  };
}

/** The only one, or the first, of what there should be at least one of. */
export function first<T>(list: readonly T[]): T {
  const [item] = list;
  if (item === undefined) throw new Error('expected at least one');
  return item;
}
