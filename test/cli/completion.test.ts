import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CommandLine } from './parley.ts';

const isInstalled = (shell: string): boolean => spawnSync(shell, ['--version']).error === undefined;

describe('completion', () => {
  it.each(['bash', 'zsh', 'fish'])('[CLI-02] for %s is a script that the shell can read', async (shell) => {
    using line = new CommandLine();
    const script = await line.parley('completion', shell);
    const file = join(line.folder, 'script');
    writeFileSync(file, script);
    for (const word of ['deregister', 'redrive', 'reply-to', 'critical']) expect(script).toContain(word);
    if (isInstalled(shell)) expect(spawnSync(shell, ['-n', file], { encoding: 'utf8' }).stderr).toBe('');
  });

  it.runIf(isInstalled('bash')).each([
    ['parley de', ['deregister', 'demo'].toSorted()],
    ['parley dlq red', ['redrive']],
    ['parley send a b c --prio', ['--priority']],
    ['parley send a b c --priority c', ['critical']],
    ['parley --json agents --status in', ['inactive']],
    ['parley completion z', ['zsh']],
    ['parley send a b c -s "" --subj', ['--subject']],
    ['parley stats --db some', ['some.db']],
  ])('[CLI-02] in bash: %s', async (typed, expected) => {
    using line = new CommandLine();
    writeFileSync(join(line.folder, 'some.db'), '');
    const words = typed.split(' ').map((word) => `'${word.replaceAll('"', '')}'`);
    const { stdout, stderr } = await line.shell(`
      source <(parley completion bash)
      COMP_WORDS=(${words.join(' ')}) COMP_CWORD=${words.length - 1}
      _parley
      printf '%s\\n' "\${COMPREPLY[@]}"`);
    expect(stderr).toBe('');
    expect(stdout.trim().split('\n').toSorted()).toEqual(expected);
  });
});
