import { ParleyError } from '../../domain/errors.ts';

/** Something wrong, or doubtful, in the configuration. Nothing in it ever quotes a value: it might be a secret. */
export interface Problem {
  readonly severity: 'error' | 'warning';
  /** The variable, flag, or file and setting. */
  readonly where: string;
  readonly message: string;
  readonly fix: string;
}

/** The problem in one line, for a terminal or a log. */
export function describeProblem({ where, message, fix }: Problem): string {
  return `${where}: ${message}. ${fix}`;
}

/** One error that lists every problem, so that nobody has to mend them one start at a time. */
export function configInvalid(problems: readonly Problem[]): ParleyError {
  const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`;
  const lines = problems.map((problem) => `- ${describeProblem(problem)}`);
  return new ParleyError('CONFIG_INVALID', [`The configuration has ${count}:`, ...lines].join('\n'));
}
