/** One thing that `parley doctor` has looked at. */
export interface Check {
  readonly name: string;
  /** `warning`: Parley works, but somebody should look at it. `problem`: it does not work, or soon will not. */
  readonly outcome: 'ok' | 'warning' | 'problem';
  readonly detail: string;
  /** What mends it; null when nothing is to be done. */
  readonly fix: string | null;
}

export const good = (name: string, detail: string): Check => ({ name, outcome: 'ok', detail, fix: null });
export const warning = (name: string, detail: string, fix: string): Check => ({
  name,
  outcome: 'warning',
  detail,
  fix,
});
export const problem = (name: string, detail: string, fix: string): Check => ({
  name,
  outcome: 'problem',
  detail,
  fix,
});
