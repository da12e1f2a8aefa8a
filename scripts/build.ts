/* Makes dist/, which the package runs from: Node strips types from no file below node_modules. */
import { execFileSync } from 'node:child_process';
import { cpSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const PAGE = 'channels/local/page';

const inProject = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url));

function compile(settings: string): void {
  const compiler = inProject('node_modules/typescript/bin/tsc');
  execFileSync(process.execPath, [compiler, '-p', inProject(settings)], { stdio: 'inherit' });
}

rmSync(inProject('dist'), { recursive: true, force: true });
compile('tsconfig.build.json');
// Types of what the package offers, and of nothing else.
compile('tsconfig.declarations.json');
// The WhatsApp server of our own tests, for those of others.
compile('tsconfig.testing.json');
// The page is served from its sources: their types are stripped, as text, when they are loaded.
cpSync(inProject(`src/${PAGE}`), inProject(`dist/${PAGE}`), {
  recursive: true,
  filter: (source) => !source.endsWith('tsconfig.json'),
});
