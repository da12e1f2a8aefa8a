import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { PROJECT } from '../support/source-files.ts';
import { temporaryFolder } from '../support/spool.ts';

/** Has the launcher take its Node for one that is too old, and go on with the other. */
const OLD =
  "data:text/javascript,Object.defineProperty(process,'versions',{value:{...process.versions,node:'20.19.0'}})";

/** Parley as somebody has it whose own Node is old. */
function startWithOldNode(): ChildProcess {
  const { path, remove } = temporaryFolder();
  const node = join(PROJECT, 'node_modules/.bin/node');
  const child = spawn(node, ['--import', OLD, join(PROJECT, 'bin/parley'), 'start', '--port', '0'], {
    cwd: path,
    env: {},
  });
  onTestFinished(() => {
    child.kill('SIGKILL');
    remove();
  });
  return child;
}

it.each(['SIGINT', 'SIGTERM'] as const)('[RUN-04] %s to the launcher alone ends Parley, and well', async (signal) => {
  const child = startWithOldNode();
  let said = '';
  child.stderr?.on('data', (text: Buffer) => {
    said += text.toString();
  });
  for await (const text of child.stdout ?? []) {
    said += String(text);
    if (said.includes('Parley is running')) break;
  }
  const ended = once(child, 'exit');
  child.kill(signal);
  expect(await ended).toEqual([0, null]);
});
