import type { z } from 'zod';
import { nearest } from '../../lib/suggestion.ts';
import type { Problem } from './problem.ts';
import { settingNames } from './setting-names.ts';
import { settingsSchema } from './settings-schema.ts';
import { ACCESS_TOKEN, APP_SECRET, VERIFY_TOKEN } from './variables.ts';

type Path = readonly PropertyKey[];
type Issue = z.core.$ZodIssue;

/** What the validator found, in words; `where` names the place that a value came from. */
export function schemaProblems(issues: readonly Issue[], where: (path: Path) => string): Problem[] {
  return issues.flatMap((issue) => issueProblems(issue, [], where));
}

function issueProblems(issue: Issue, parent: Path, where: (path: Path) => string): Problem[] {
  const path = [...parent, ...issue.path];
  switch (issue.code) {
    case 'invalid_union':
      return bestBranch(issue.errors).flatMap((inner) => issueProblems(inner, path, where));
    case 'unrecognized_keys':
      return issue.keys.map((key) => unknownSetting(key, path, where));
    case 'invalid_key':
      return [error(where(path), issue.issues[0]?.message ?? 'is not a valid name', 'Rename it.')];
    case 'invalid_type':
      return [error(where(path), typeMessage(issue), 'Correct it or leave it out.')];
    default:
      return [error(where(path), issue.message, 'Correct it or leave it out.')];
  }
}

/** Containers have no message of their own; zod's says what they got, never the value. */
function typeMessage({ expected, message }: z.core.$ZodIssueInvalidType): string {
  if (expected === 'object' || expected === 'record') return 'must be an object: { … }';
  return expected === 'array' ? 'must be a list: [ … ]' : message;
}

/** Of several permitted shapes, the one that was meant: where the first fault lies deepest inside, or else the fewest are. */
function bestBranch(branches: readonly (readonly Issue[])[]): readonly Issue[] {
  const [best] = branches.toSorted((a, b) => depthOf(b) - depthOf(a) || a.length - b.length);
  return best ?? [];
}

/** A key that is not known lies inside of what it is a key of. */
const depthOf = (issues: readonly Issue[]): number =>
  Math.min(...issues.map(({ code, path }) => path.length + (code === 'unrecognized_keys' ? 1 : 0)));

function unknownSetting(key: string, path: Path, where: (path: Path) => string): Problem {
  const meant = nearest(key, settingNames(settingsSchema, path));
  const place = where([...path, key]);
  if (meant !== null) return error(place, 'there is no such setting', `Did you mean "${meant}"?`);
  if (/secret|key|token|password/i.test(key)) {
    return error(place, 'secrets do not belong in this file', `${placeForSecrets(path)} in .env or the environment.`);
  }
  return error(place, 'there is no such setting', 'Remove it.');
}

function placeForSecrets([section]: Path): string {
  if (section === 'httpAgents') return 'Move this agent to MULTI_AGENT_REGISTRY';
  if (section === 'whatsapp') return `Set ${ACCESS_TOKEN}, ${APP_SECRET} and ${VERIFY_TOKEN}`;
  return 'Set SECURITY_AGENT_SECRET, SECURITY_ENCRYPTION_KEY or the key of the provider';
}

const error = (where: string, message: string, fix: string): Problem => ({ severity: 'error', where, message, fix });
