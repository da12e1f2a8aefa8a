import { globSync, readFileSync } from 'node:fs';
import { z } from 'zod';

const STATUSES = ['done', 'partial', 'planned'] as const;

const requirementSchema = z.strictObject({
  id: z.string().regex(/^[A-Z]{3}-\d{2}$/),
  summary: z.string().min(1).max(160),
  status: z.enum(STATUSES),
});
export type Requirement = z.infer<typeof requirementSchema>;

/** A test whose title begins with an id. */
export interface Citation {
  readonly id: string;
  readonly file: string;
}

const PROJECT = new URL('..', import.meta.url);

export function readRequirements(): Requirement[] {
  return z.array(requirementSchema).parse(JSON.parse(readFileSync(new URL('docs/requirements.json', PROJECT), 'utf8')));
}

/** The citations in all tests of the project. */
export function readCitations(): Citation[] {
  return globSync(['src/**/*.test.ts', 'test/**/*.ts'], { cwd: PROJECT }).flatMap((file) =>
    citationsIn(file, readFileSync(new URL(file, PROJECT), 'utf8')),
  );
}

/** The opening quote of a title and the ids after it. A test that is skipped or only planned proves nothing. */
const TITLE = /(?<!\.(?:skip|todo|fails)\(\s*)['"`]((?:\[[A-Z]{3}\b[^\]\n]*\]\s*)+)/g;

export function citationsIn(file: string, text: string): Citation[] {
  return [...text.matchAll(TITLE)]
    .flatMap(([, ids = '']) => [...ids.matchAll(/\[([^\]]+)\]/g)])
    .map(([, id = '']) => ({ id, file }));
}

/** What is wrong with the list or with the tests, one line each; empty when they agree. */
export function problemsOf(requirements: readonly Requirement[], citations: readonly Citation[]): string[] {
  const known = new Set(requirements.map(({ id }) => id));
  const cited = new Set(citations.map(({ id }) => id));
  const doubled = requirements.filter(({ id }, index) => requirements.findIndex((other) => other.id === id) !== index);
  const unproved = requirements.filter(({ id, status }) => status === 'done' && !cited.has(id));
  const unknown = citations.filter(({ id }) => !known.has(id));
  return [
    ...doubled.map(({ id }) => `${id} is listed twice`),
    ...unproved.map(({ id }) => `${id} is done, and no test has [${id}] at the beginning of its title`),
    ...unknown.map(({ id, file }) => `${file} cites [${id}], which is no requirement`),
  ];
}

/** How many requirements of each area are how far, and how many tests cite them. */
export function summaryOf(requirements: readonly Requirement[], citations: readonly Citation[]): string[] {
  const areas = [...new Set(requirements.map(({ id }) => areaOf(id)))];
  const row = (name: string, belongs: (id: string) => boolean): string => {
    const counts = STATUSES.map((status) => requirements.filter((r) => r.status === status && belongs(r.id)).length);
    const tests = citations.filter(({ id }) => belongs(id)).length;
    return [name.padEnd(6), ...[...counts, tests].map((count) => String(count).padStart(8))].join('');
  };
  return [
    ['area'.padEnd(6), ...[...STATUSES, 'tests'].map((title) => title.padStart(8))].join(''),
    ...areas.map((area) => row(area, (id) => areaOf(id) === area)),
    row('all', () => true),
  ];
}

const areaOf = (id: string): string => id.slice(0, 3);
