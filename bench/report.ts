export interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly { readonly name: string; readonly cells: readonly (number | string | null)[] }[];
}

/** A target of the project, and what was measured. Not met is an answer, not a failure of the bench. */
export interface Verdict {
  readonly target: string;
  readonly figure: string;
  readonly met: boolean;
}

export interface Report {
  readonly title: string;
  /** What it was measured with, in the order in which a reader wants to know it. */
  readonly settings: Readonly<Record<string, string>>;
  readonly table: Table;
  readonly verdicts: readonly Verdict[];
}

const NUMBER = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const FINE_NUMBER = new Intl.NumberFormat('en', { maximumFractionDigits: 2 });

function formatCell(cell: number | string | null): string {
  if (cell === null) return '–';
  if (typeof cell === 'string') return cell;
  return (Math.abs(cell) < 100 ? FINE_NUMBER : NUMBER).format(cell);
}

function formatTable({ columns, rows }: Table): string[] {
  const lines = [['', ...columns], ...rows.map(({ name, cells }) => [name, ...cells.map(formatCell)])];
  const widths = lines[0]?.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0))) ?? [];
  return lines.map((line) =>
    line
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  '),
  );
}

export function formatSettings(settings: Readonly<Record<string, string>>): string[] {
  const width = Math.max(...Object.keys(settings).map((name) => name.length));
  return Object.entries(settings).map(([name, value]) => `${name.padEnd(width)}  ${value}`);
}

/** For a reader; the JSON of a report is the report itself. */
export function formatReport({ title, settings, table, verdicts }: Report): string {
  const judged = verdicts.map(({ target, figure, met }) => `${met ? 'met   ' : 'MISSED'}  ${target}: ${figure}`);
  return [title, ...formatSettings(settings), '', ...formatTable(table), '', ...judged, ''].join('\n');
}

/** A verdict on how many times as fast `ours` is as `theirs`. */
export function atLeastTimes(target: string, least: number, ours: number, theirs: number): Verdict {
  const ratio = ours / theirs;
  return { target: `${target} ≥ ${least}×`, figure: `${ratio.toFixed(2)}×`, met: ratio >= least };
}

export function atMost(target: string, most: number, figure: number, unit: string): Verdict {
  return { target: `${target} ≤ ${most} ${unit}`, figure: `${figure.toFixed(2)} ${unit}`, met: figure <= most };
}
