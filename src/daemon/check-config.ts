import type { Config } from './config/config.ts';
import type { Flags } from './config/layers.ts';
import { loadConfig } from './config/load.ts';
import { configInvalid, describeProblem } from './config/problem.ts';
import { worldReadable } from './config/sources.ts';
import { checkStartup } from './config/startup-checks.ts';
import { processSurroundings, type SpoolFlags, type Surroundings, withFlags } from './config/surroundings.ts';

export interface CheckedConfig {
  readonly config: Config;
  /** One line each: what works, but should be looked at. */
  readonly warnings: readonly string[];
}

/** Reads and checks the configuration that agents start with. Throws CONFIG_INVALID with everything that keeps them from starting. */
export function checkConfig(
  flags: Flags & SpoolFlags,
  surroundings: Surroundings = processSurroundings(),
): CheckedConfig {
  const loaded = loadConfig({ flags, ...withFlags(surroundings, flags) });
  if (!loaded.ok) throw loaded.error;
  const { config, warnings, privateFiles } = loaded.value;
  const problems = [
    ...warnings,
    ...checkStartup(config, { worldReadable: worldReadable([...privateFiles, config.databasePath]) }),
  ];
  const errors = problems.filter(({ severity }) => severity === 'error');
  if (errors.length > 0) throw configInvalid(errors);
  return { config, warnings: problems.map(describeProblem) };
}
