import { describe, expect, it } from 'vitest';
import { citationsIn, problemsOf, type Requirement, summaryOf } from '../scripts/requirements.ts';

const requirement = (id: string, status: Requirement['status']): Requirement => ({ id, summary: 'Something.', status });
const cited = (...ids: string[]) => ids.map((id) => ({ id, file: 'a.test.ts' }));
const idsIn = (text: string): string[] => citationsIn('a.test.ts', text).map(({ id }) => id);
const A = ['ABC', '01'].join('-');
const B = ['ABC', '02'].join('-');

describe('the list of requirements', () => {
  it('agrees with tests that prove what is done', () => {
    expect(problemsOf([requirement(A, 'done'), requirement(B, 'planned')], cited(A))).toEqual([]);
  });

  it.each([
    ['done and not proved', [requirement(A, 'done')], cited()],
    ['listed twice', [requirement(A, 'planned'), requirement(A, 'partial')], cited()],
    ['cited and not listed', [requirement(A, 'done')], cited(A, B)],
  ])('is wrong: %s', (_what, requirements, citations) => {
    expect(problemsOf(requirements, citations)).toHaveLength(1);
  });

  it('is summed up', () => {
    const lines = summaryOf([requirement(A, 'done'), requirement(B, 'planned')], cited(A, A));
    expect(lines.map((line) => line.split(/\s+/))).toEqual([
      ['area', 'done', 'partial', 'planned', 'tests'],
      ['ABC', '1', '0', '1', '2'],
      ['all', '1', '0', '1', '2'],
    ]);
  });
});

describe('a citation', () => {
  it.each([
    ['one', `it('[${A}] works', …)`, [A]],
    ['several', `it('[${A}] [${B}] works', …)`, [A, B]],
    ['in a table of cases', `])(\`[${A}] %s\`, …)`, [A]],
    ['of a group of tests', `describe("[${A}] a thing", …)`, [A]],
    ['of something that is no id, so that it is told', `it('[${'ABC'}] works', …)`, ['ABC']],
    ['not at the beginning', `it('works [${A}]', …)`, []],
    ['in a comment', `// [${A}] works`, []],
    ['in a test that is skipped', `it.skip('[${A}] works', …)`, []],
    ['in a test that is planned', `it.todo(\n  '[${A}] works')`, []],
  ])('%s', (_what, text, ids) => {
    expect(idsIn(text)).toEqual(ids);
  });
});
