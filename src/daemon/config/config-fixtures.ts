import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { ParleyError } from '../../domain/errors.ts';
import type { Result } from '../../lib/result.ts';
import type { Flags } from './layers.ts';
import { type LoadedConfig, loadConfig } from './load.ts';

/** What a test starts Parley with: files in a fresh working directory, environment and flags. */
export interface Start {
  readonly files?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly flags?: Flags;
  readonly cwd?: string;
}

/** A directory for this test, with these files in it, which only their owner may read. */
export function directoryWith(files: Readonly<Record<string, string>>): string {
  const directory = mkdtempSync(join(tmpdir(), 'parley-config-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(directory, name), content);
    chmodSync(join(directory, name), 0o600);
  }
  return directory;
}

export function start({ files = {}, env = {}, flags = {}, cwd }: Start): Result<LoadedConfig, ParleyError> {
  return loadConfig({ flags, env, cwd: cwd ?? directoryWith(files) });
}

/** The configuration of a start that goes well. */
export function started(how: Start): LoadedConfig {
  const result = start(how);
  if (!result.ok) throw result.error;
  return result.value;
}

/** The error of a start that goes wrong. */
export function refused(how: Start): ParleyError {
  const result = start(how);
  if (result.ok) throw new Error('the configuration was accepted');
  return result.error;
}
