import { join, resolve } from 'node:path';
import { z } from 'zod';
import { readValue, SPOOL_BINDINGS } from './config/bindings.ts';
import { oneOf, spoolFields } from './config/fields.ts';
import { configInvalid, type Problem } from './config/problem.ts';
import {
  mergeVariables,
  PROJECT_ROOT,
  problem,
  processSurroundings,
  readOptional,
  readSettingsFile,
  SETTINGS_FILE,
  type SpoolFlags,
  type Surroundings,
  withFlags,
} from './config/surroundings.ts';

const TRANSPORTS = ['sqlite', 'file'] as const;

/** The settings that are there; for the others, the spool knows best. */
const spoolSettingsSchema = z.object({
  databasePath: spoolFields.databasePath.default('data/coordination.db'),
  transport: oneOf('transport', TRANSPORTS).default('sqlite'),
  ttlHours: spoolFields.ttlHours.optional(),
  leaseSeconds: spoolFields.leaseSeconds.optional(),
  logLevel: spoolFields.logLevel.default('info'),
});

/** Paths are absolute. */
export type SpoolSettings = z.output<typeof spoolSettingsSchema> & { readonly projectRoot: string };

/**
 * The settings of the message spool: flags over environment over `.env` over `parley.json5`. All else in those is left alone, so
 * that a mistake in an agent's settings keeps nobody from looking at a mailbox, and a command starts quickly. Throws CONFIG_INVALID.
 */
export function spoolSettings(flags: SpoolFlags, surroundings: Surroundings = processSurroundings()): SpoolSettings {
  const { env, cwd } = withFlags(surroundings, flags);
  const problems: Problem[] = [];
  const variables = mergeVariables(env, readOptional(join(cwd, '.env'), problems));
  const projectRoot = resolve(cwd, variables.get(PROJECT_ROOT)?.value ?? '.');
  const file = readSettingsFile(join(projectRoot, SETTINGS_FILE), problems);

  const settings = new Map<string, unknown>(
    Object.entries(z.record(z.string(), z.unknown()).catch({}).parse(file?.content)),
  );
  const origins = new Map([...settings.keys()].map((name) => [name, `${file?.path}: ${name}`]));
  for (const { variable, path, kind } of SPOOL_BINDINGS) {
    const found = variables.get(variable);
    if (!found) continue;
    settings.set(path.join('.'), readValue(found.value, kind));
    origins.set(path.join('.'), found.where);
  }

  const parsed = spoolSettingsSchema.safeParse(Object.fromEntries(settings));
  for (const { path, message } of parsed.error?.issues ?? []) {
    const name = path.map(String).join('.');
    problems.push(problem(origins.get(name) ?? name, message, 'Correct it or leave it out.'));
  }
  if (!parsed.success || problems.length > 0) throw configInvalid(problems);
  return { ...parsed.data, databasePath: resolve(projectRoot, parsed.data.databasePath), projectRoot };
}
