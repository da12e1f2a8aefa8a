import { join } from 'node:path';
import type { SecretOf } from '../links/http/http-link.ts';
import { configInvalid, type Problem } from './config/problem.ts';
import { mergeVariables, processSurroundings, readOptional, type Surroundings } from './config/surroundings.ts';

const PREFIX = 'AGENT_COMM_SECRET_';

/**
 * The secrets that agents of this machine share with their relays: `AGENT_COMM_SECRET_<agent>` of the environment, over `.env`. A shell
 * exports no name with a hyphen in it, so what is no letter or digit may be `_`. Throws CONFIG_INVALID when `.env` cannot be read.
 */
export function agentSecrets({ env, cwd }: Surroundings = processSurroundings()): SecretOf {
  const problems: Problem[] = [];
  const variables = mergeVariables(env, readOptional(join(cwd, '.env'), problems));
  if (problems.length > 0) throw configInvalid(problems);
  const read = (name: string): string | undefined => variables.get(`${PREFIX}${name}`)?.value.trim();
  return (agent) => read(agent) ?? read(agent.replaceAll(/\W/g, '_')) ?? null;
}
