import type { Check } from '../daemon/checkup/check.ts';
import { checkup } from '../daemon/checkup/checkup.ts';
import type { SpoolOptions } from './options.ts';
import { mark, printable, printResult } from './output.ts';

const OUTCOMES = { ok: 'good', warning: 'doubtful', problem: 'bad' } as const;
const PROBLEM_EXIT = 1;

/** `parley doctor`: what is as it should be, what is not, and what mends it. */
export async function doctor(options: SpoolOptions): Promise<void> {
  const checks = await checkup(options);
  const problems = checks.filter(({ outcome }) => outcome === 'problem').length;
  printResult({ healthy: problems === 0, checks }, options, () => checks.map(describe).join('\n'));
  if (problems > 0) process.exitCode = PROBLEM_EXIT;
}

function describe({ name, outcome, detail, fix }: Check): string {
  const line = `${mark(OUTCOMES[outcome], outcome.padEnd('warning'.length))}  ${name}: ${printable(detail)}`;
  return fix === null ? line : `${line}\n${' '.repeat('warning'.length)}  fix: ${printable(fix)}`;
}
