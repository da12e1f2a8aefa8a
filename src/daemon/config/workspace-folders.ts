import { realpathSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, relative, sep } from 'node:path';
import { workspaceFolder } from '../../sandbox/workspace-folder.ts';
import type { AgentConfig } from './config.ts';
import type { Problem } from './problem.ts';
import type { Sources } from './sources.ts';
import { problem } from './surroundings.ts';

/** Where the workspaces of agents are, in the folder of the database, unless somebody says otherwise. */
const WORKSPACES = 'workspaces';

/** The folder in which an agent works, if its tools need one. */
export function workspaceOf(
  { id, workspace, sandbox: { scope, workspaceRoot } }: Pick<AgentConfig, 'id' | 'workspace' | 'sandbox'>,
  dataDir: string,
): string {
  return workspace ?? workspaceFolder(workspaceRoot ?? join(dataDir, WORKSPACES), scope, id);
}

/**
 * One problem for each agent whose workspace has files of Parley's in it. Through them it could read secrets, and give itself other tools
 * for the next start.
 */
export function workspaceProblems(
  agents: readonly AgentConfig[],
  databasePath: string,
  { settingsFiles, privateFiles }: Pick<Sources, 'settingsFiles' | 'privateFiles'>,
): Problem[] {
  const dataDir = dirname(databasePath);
  const data = realPath(dataDir);
  // What is at the end of a link, and the link, which could be replaced.
  const files = [databasePath, ...settingsFiles, ...privateFiles].flatMap((path) => [
    realPath(path),
    besideLinks(path),
  ]);
  const workspaces = join(data, WORKSPACES);
  // Where the database is beside the settings, its folder is that of the project, in which there is much else.
  const isProject = settingsFiles.some((path) => realPath(dirname(path)) === data);
  return agents.flatMap((agent) => {
    const folder = realPath(workspaceOf(agent, dataDir));
    const where = `agent ${agent.id}: ${agent.workspace === null ? 'sandbox.workspaceRoot' : 'workspace'}`;
    if ([data, ...files].some((path) => isWithin(folder, path))) {
      const fix = 'Give it a folder of its own, such as ./workspaces/ann.';
      return [problem(where, "Parley's own files are in that folder: its settings, secrets or database", fix)];
    }
    if (isProject || !isWithin(data, folder) || isWithin(workspaces, dirname(folder))) return [];
    const fix = `Give it a folder of its own elsewhere, or one in the folder ${WORKSPACES} there.`;
    return [problem(where, 'that folder is in the folder of the database', fix)];
  });
}

/** Whether a path is that of the folder, or leads into it. */
function isWithin(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

/** The path without links, as far as there is something; what is not there yet stays as it is written. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return dirname(path) === path ? path : besideLinks(path);
  }
}

/** The same, but that a link at its end is not followed. */
const besideLinks = (path: string): string => join(realPath(dirname(path)), basename(path));
