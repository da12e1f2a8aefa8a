import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { PROJECT } from '../../test/support/source-files.ts';

const run = promisify(execFile);

/** Imports what it is told to, and prints what was loaded for that. */
const PROGRAM = `
  import { registerHooks } from 'node:module';
  const loaded = [];
  registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) });
  await import(process.argv[1]);
  console.log(JSON.stringify(loaded));
`;

async function loadedBy(path: string): Promise<string[]> {
  const args = ['--input-type=module', '--eval', PROGRAM, pathToFileURL(join(PROJECT, path)).href];
  const { stdout } = await run(join(PROJECT, 'node_modules/.bin/node'), args);
  return JSON.parse(stdout);
}

describe('parleyd/client', () => {
  it('[HUB-02] [REL-02] loads no package', async () => {
    const loaded = await loadedBy('src/client/index.ts');
    const sources = pathToFileURL(join(PROJECT, 'src/')).href;
    expect(loaded).toContain(`${sources}client/hub-client.ts`);
    expect(loaded.filter((url) => !url.startsWith(sources))).toEqual(['node:crypto']);
  });
});
