import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { memoryOfTree } from './process-tree.ts';

const NODE = process.execPath;
/** Holds 40 MB, and has a child that holds as much. */
const HOLDER = `const held = Buffer.alloc(40e6, 1); process.send?.(held.length);
  if (process.argv[1] === 'parent') {
    const child = require('child_process').fork('-e', [], { execArgv: ['-e', process.argv[2], 'child'] });
    child.on('message', () => process.send('ready'));
    process.on('disconnect', () => child.kill());
  } else process.on('disconnect', () => process.exit());
  setInterval(() => held, 1e6);`;

describe.runIf(process.platform === 'linux')('the memory of processes', () => {
  it('[TOL-02] is that of one and of all that descend from it', async () => {
    const parent = spawn(NODE, ['-e', HOLDER, 'parent', HOLDER], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    for (;;) if ((await once(parent, 'message'))[0] === 'ready') break;
    const bytes = await memoryOfTree(parent.pid ?? 0);
    parent.kill('SIGKILL');
    await once(parent, 'exit');
    expect(bytes).toBeGreaterThan(80e6);
    expect(bytes).toBeLessThan(800e6);
  });

  it('[TOL-02] of a process that is no more is nothing', async () => {
    const child = spawn(NODE, ['-e', ''], { stdio: 'ignore' });
    await once(child, 'exit');
    expect(await memoryOfTree(child.pid ?? 0)).toBe(0);
  });
});
