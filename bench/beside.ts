import type { Table } from './report.ts';

/** The columns of a table in which ours stands beside the least that does the same. */
export const BESIDE_COLUMNS = (bare: string, ours: string): readonly string[] => [bare, ours, 'ratio'];

/** A row of it. */
export function besideRow(name: string, bare: number, ours: number): Table['rows'][number] {
  return { name, cells: [bare, ours, `${(ours / bare).toFixed(2)}×`] };
}
