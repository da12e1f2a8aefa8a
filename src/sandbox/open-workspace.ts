import type { Clock } from '../lib/clock.ts';
import { err, type Result } from '../lib/result.ts';
import { ConfinedFiles } from './confined-files.ts';
import { openSandbox } from './open-sandbox.ts';
import type { NetworkOptions } from './proxy-socket.ts';
import type { Sandbox, SandboxLimits } from './sandbox.ts';
import { SandboxedFiles } from './sandboxed-files.ts';
import { Workspace } from './workspace.ts';
import { makeWorkspaceFolder } from './workspace-folder.ts';

export interface WorkspaceOptions {
  /** Made if it is not there. */
  readonly folder: string;
  /** `all`: commands and files in a sandbox. `off`: no commands, and files without one. */
  readonly mode: 'off' | 'all';
  readonly limits: SandboxLimits;
  readonly clock: Clock;
}

export interface OpenWorkspace {
  readonly workspace: Workspace;
  /** Where commands run, without network, or in words why none can. */
  readonly shell: Result<Sandbox, string>;
  /** The same with a way to some hosts. The files are never worked with there. */
  shellWith(network: NetworkOptions): Promise<Result<Sandbox, string>>;
}

/** Throws CONFIG_INVALID when there can be no such folder. Without a sandbox the files are still there, confined; commands are not. */
export async function openWorkspace({ folder, mode, limits, clock }: WorkspaceOptions): Promise<OpenWorkspace> {
  const path = await makeWorkspaceFolder(folder);
  const shell = mode === 'off' ? err(OFF) : await openSandbox({ folder: path, limits, clock });
  return {
    workspace: new Workspace(shell.ok ? new SandboxedFiles(shell.value) : new ConfinedFiles(path)),
    shell,
    shellWith: async (network) => (shell.ok ? await openSandbox({ folder: path, limits, network, clock }) : shell),
  };
}

const OFF = 'Commands run in a sandbox only, and sandbox.mode is off. Whoever runs Parley can set it to all.';
