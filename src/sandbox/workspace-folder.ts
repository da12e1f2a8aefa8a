import { chown, mkdir, realpath, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { AgentId } from '../domain/addresses.ts';
import { ParleyError } from '../domain/errors.ts';
import { errorText } from '../lib/errors.ts';

/**
 * Whom a workspace belongs to, and whom its commands are, where Parley is root. systemd's list of users and groups gives the numbers
 * from 60578 to 61183 to nobody: https://systemd.io/UIDS-GIDS
 */
const WORKSPACE_USER = 61_000;

/** Makes the folder of a workspace, for its user alone, unless it is there. Gives its real path. */
export async function makeWorkspaceFolder(path: string): Promise<string> {
  try {
    await mkdir(dirname(path), { recursive: true });
    const made = await mkdir(path, { recursive: true, mode: 0o700 });
    if (made !== undefined && process.getuid?.() === 0) await chown(path, WORKSPACE_USER, WORKSPACE_USER);
    const folder = await realpath(path);
    if (!(await stat(folder)).isDirectory()) throw new Error('it is a file');
    return folder;
  } catch (error) {
    throw new ParleyError('CONFIG_INVALID', `the workspace ${path} cannot be used: ${errorText(error)}`, {
      hint: 'Give the agent another workspace, or this user the right to make that one.',
      cause: error,
    });
  }
}

/** The folder of an agent's workspace below that of all of them. */
export function workspaceFolder(workspaceRoot: string, scope: 'agent' | 'shared', agent: AgentId): string {
  return scope === 'shared' ? join(workspaceRoot, 'shared') : join(workspaceRoot, 'agents', agent);
}
