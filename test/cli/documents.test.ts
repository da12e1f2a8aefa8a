import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { leavesOf, program } from '../../src/cli/program.ts';
import { ERRORS } from '../../src/domain/errors.ts';
import { PROJECT } from '../support/source-files.ts';
import { CommandLine } from './parley.ts';

const read = (guide: string): string => readFileSync(join(PROJECT, 'docs/guides', guide), 'utf8');
const text = read('command-line.md');

describe('docs/guides/command-line.md', () => {
  it('[CLI-01] [CLI-02] has examples that work as they stand', async () => {
    const blocks = [...text.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block = '']) => block);
    expect(blocks.length).toBeGreaterThan(4);
    using line = new CommandLine();
    for (const block of blocks) {
      const { code, stderr } = await line.shell(block);
      expect(code, `${block}\n${stderr}`).toBe(0);
    }
  });

  it('[CLI-02] [BRD-04] like those of panels.md, each with the configuration before it', async () => {
    const blocks = [...read('panels.md').matchAll(/^```(json5|sh)\n([\s\S]*?)^```$/gm)];
    using line = new CommandLine();
    const answers: string[] = [];
    for (const [, language, block = ''] of blocks) {
      if (language === 'json5') {
        writeFileSync(join(line.folder, 'parley.json5'), block);
        continue;
      }
      const { code, stdout, stderr } = await line.shell(block);
      expect(code, `${block}\n${stderr}`).toBe(0);
      answers.push(...(stdout.match(/(?<=Answered by: ).*/g) ?? []));
    }
    expect(answers).toEqual(['Main (main) and DocsChecker (docs-checker)', 'Main (main)', 'alfred (alfred)']);
  });

  it('[CLI-02] names every command and every option of its own', () => {
    for (const command of leavesOf(program())) {
      const isOurs = !['start', 'demo', 'chat'].includes(command.name());
      expect(text).toContain(command.name());
      for (const { long, short } of isOurs ? command.options : [])
        expect(text, command.name()).toMatch(new RegExp(`\`[^\`]*(?:${long}|${short ?? long})\\b`));
    }
  });

  it('[CLI-02] names every exit code, and so does the help', () => {
    const codes = [0, 1, 70, 130, ...Object.values(ERRORS).map(({ exit }) => exit)];
    let help = '';
    program()
      .configureOutput({ writeOut: (part) => (help += part) })
      .outputHelp();
    for (const code of codes) {
      expect(text).toMatch(new RegExp(`^\\| ${code} +\\|`, 'm'));
      expect(help).toMatch(new RegExp(`^ {2}${code} `, 'm'));
    }
  });

  it('[CLI-02] every command has examples in its help', () => {
    for (const command of leavesOf(program())) {
      let help = '';
      command.configureOutput({ writeOut: (part) => (help += part) }).outputHelp();
      expect(help).toMatch(new RegExp(`^Examples:\n(?:.*\n)*.*parley (?:.* )?${command.name()}`, 'm'));
    }
  });
});
