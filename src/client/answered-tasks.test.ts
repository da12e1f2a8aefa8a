import { describe, expect, it } from 'vitest';
import { ManualClock } from '../lib/manual-clock.ts';
import { AnsweredTasks, type TaskAnswer } from './answered-tasks.ts';

const task = (requestId: string, message = 'x') => ({ requestId, message, sender: 'admin' });
const answer = (requestId: string, response = 'y'): TaskAnswer => ({ type: 'task-response', requestId, response });

describe('the memory of answered tasks', () => {
  it('[HUB-07] has the answer to the same task, and to no other', () => {
    const answered = new AnsweredTasks(new ManualClock());
    answered.add(task('t1'), answer('t1'));
    expect(answered.answerTo(task('t1'))).toEqual(answer('t1'));
    expect(answered.answerTo(task('t1', 'something else'))).toBeNull();
    expect(answered.answerTo({ ...task('t1'), sender: 'somebody else' })).toBeNull();
    expect(answered.answerTo(task('t2'))).toBeNull();
    answered.add(task('t1', 'something else'), answer('t1', 'z'));
    expect(answered.answerTo(task('t1', 'something else'))).toEqual(answer('t1', 'z'));
    expect(answered.answerTo(task('t1'))).toBeNull();
  });

  it('[HUB-07] forgets after an hour', () => {
    const clock = new ManualClock();
    const answered = new AnsweredTasks(clock);
    answered.add(task('t1'), answer('t1'));
    clock.advance(60 * 60 * 1000 - 1);
    expect(answered.answerTo(task('t1'))).not.toBeNull();
    clock.advance(1);
    expect(answered.answerTo(task('t1'))).toBeNull();
  });

  it.each([
    ['of many the oldest', 256, 'y'],
    ['of long ones the oldest', 15, 'y'.repeat(1024 * 1024)],
  ])('[HUB-06] forgets %s', (_what, most, response) => {
    const answered = new AnsweredTasks(new ManualClock());
    const ids = Array.from({ length: most + 1 }, (_, n) => `t${n}`);
    for (const id of ids) answered.add(task(id), answer(id, response));
    expect(ids.filter((id) => answered.answerTo(task(id)) === null)).toEqual(['t0']);
  });
});
