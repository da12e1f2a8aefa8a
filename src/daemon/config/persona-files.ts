import { isUtf8 } from 'node:buffer';
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AgentConfig } from './config.ts';
import type { Problem } from './problem.ts';

/** In the order in which the model is told them, after the persona of the configuration. */
const PERSONA_FILES = ['IDENTITY.md', 'SOUL.md'] as const;
/** In UTF-16 code units. */
const MAX_LENGTH = 20_000;
/** As long as that many code units can be in UTF-8. */
const MAX_BYTES = 3 * MAX_LENGTH;
/** A pipe that nobody writes to is not waited for. Links are not followed: an agent that can write in its workspace could have any file read to its model. */
const OPEN_FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

interface WithPersonas {
  readonly agents: readonly AgentConfig[];
  readonly warnings: readonly Problem[];
}

/** The agents with what the persona files of their workspaces add. A file that is not there adds nothing. */
export function withPersonaFiles(agents: readonly AgentConfig[]): WithPersonas {
  const warnings: Problem[] = [];
  const read = (path: string): string => {
    const found = readPersona(path);
    if ('text' in found) return found.text;
    if (found.problem !== null) warnings.push(warning(path, found.problem));
    return '';
  };
  const complete = agents.map((agent) => {
    const { workspace, persona } = agent;
    if (workspace === null) return agent;
    const texts = [persona, ...PERSONA_FILES.map((name) => read(join(workspace, name)))];
    return { ...agent, persona: texts.filter((text) => text !== '').join('\n\n') };
  });
  return { agents: complete, warnings };
}

/** `problem`: null when there is no such file. */
function readPersona(path: string): { readonly text: string } | { readonly problem: string | null } {
  let file: number;
  try {
    file = openSync(path, OPEN_FLAGS);
  } catch (error) {
    return { problem: openingProblem(error) };
  }
  try {
    const stat = fstatSync(file);
    if (!stat.isFile()) return { problem: 'it is not a file' };
    if (stat.size > MAX_BYTES) return { problem: TOO_LONG };
    const bytes = readFileSync(file);
    if (!isUtf8(bytes)) return { problem: 'it is not UTF-8' };
    const text = bytes
      .toString('utf8')
      .replace(/^\uFEFF/, '')
      .trim();
    return text.length > MAX_LENGTH ? { problem: TOO_LONG } : { text };
  } catch (error) {
    return { problem: openingProblem(error) };
  } finally {
    closeSync(file);
  }
}

const TOO_LONG = `it has more than ${MAX_LENGTH} characters`;

function openingProblem(error: unknown): string | null {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
  if (code === 'ENOENT' || code === 'ENOTDIR') return null;
  return code === 'ELOOP' ? 'it is a link' : code;
}

const warning = (where: string, why: string): Problem => ({
  severity: 'warning',
  where,
  message: `the file is no part of the persona: ${why}`,
  fix: `Make it a file of its own, in UTF-8, of at most ${MAX_LENGTH} characters.`,
});
