import { posix } from 'node:path';
import { err, ok, type Result } from '../lib/result.ts';
import { INSIDE } from './sandbox.ts';

declare const brand: unique symbol;
/** The place of something in a workspace: names with `/` between them, none of them `.` or `..`; empty for the workspace itself. */
export type WorkspacePath = string & { readonly [brand]: 'WorkspacePath' };

/** What Linux takes: PATH_MAX and NAME_MAX, in bytes. What the workspace's own path is before it has to fit in, too. */
const MAX_PATH_BYTES = 3_000;
const MAX_NAME_BYTES = 255;

/**
 * Reads a path as a model writes it: relative to the workspace, or absolute below /workspace. This is about words alone: that no
 * symbolic link leads out is up to those who open it.
 */
export function workspacePath(text: string): Result<WorkspacePath, string> {
  if (text.includes('\0')) return err('A path has no NUL in it.');
  if (!text.isWellFormed()) return err('The path is not well-formed Unicode.');
  if (Buffer.byteLength(text) > MAX_PATH_BYTES) return err('The path is too long.');
  const inside = posix.isAbsolute(text) ? posix.relative(INSIDE, posix.normalize(text)) : posix.normalize(text);
  const path = inside.replace(/\/$/, '');
  if (path === '..' || path.startsWith('../')) return err(`${text} is outside of the workspace.`);
  if (path.split('/').some((name) => Buffer.byteLength(name) > MAX_NAME_BYTES)) return err('A name in it is too long.');
  return ok((path === '.' ? '' : path) as WorkspacePath);
}

export const isWorkspaceItself = (path: WorkspacePath): boolean => path === '';
