import type { Command } from 'commander';
import { bashCompletion } from './completion/bash.ts';
import { fishCompletion } from './completion/fish.ts';
import { shapeOf } from './completion/shape.ts';
import { zshCompletion } from './completion/zsh.ts';
import { printLine } from './output.ts';

const SHELLS = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion } as const;

export type Shell = keyof typeof SHELLS;

/** `parley completion`: made of the command line itself, so that the two never differ. */
export function completion(shell: Shell, program: Command): void {
  printLine(SHELLS[shell](shapeOf(program)));
}
