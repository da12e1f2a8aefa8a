import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { duration, json, list, positive, time, whole } from './arguments.ts';

describe('[CLI-01] arguments', () => {
  it('a length of time has a unit, or is in seconds', () => {
    const read = duration('--delay');
    expect(['0', '90', '90s', '1.5m', '2h', '1d'].map(read)).toEqual([0, 90, 90, 90, 7200, 86_400]);
    for (const wrong of ['', '-1s', '5w', '1h30m', '367d', 'NaN', '1e3'])
      expect(() => read(wrong), wrong).toThrow(/--delay takes a length of time/);
  });

  it('a time is exact, with or without an offset', () => {
    const read = time('--at');
    expect(read('2026-11-21T09:00:00Z')).toBe(Date.UTC(2026, 10, 21, 9));
    expect(read('2026-11-21T09:00+02:00')).toBe(Date.UTC(2026, 10, 21, 7));
    expect(read('2026-11-21T09:00')).toBe(new Date(2026, 10, 21, 9).getTime());
    for (const wrong of ['', 'tomorrow', '2026-11-21', '2026-13-01T00:00:00Z', '09:00'])
      expect(() => read(wrong), wrong).toThrow(/--at takes a time/);
  });

  it('a number is whole and within its bounds, and nothing else', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1000 }), (value) => whole('--limit', 1, 1000)(String(value)) === value),
    );
    for (const wrong of ['0', '1001', '1.5', '-3', '0x10', ' 5', '', 'five'])
      expect(() => whole('--limit', 1, 1000)(wrong), wrong).toThrow(/--limit takes a whole number from 1 to 1000/);
  });

  it('a number of hours may be a fraction', () => {
    expect(positive('--ttl', 'hours', 8760)('0.5')).toBe(0.5);
    for (const wrong of ['0', '8761', '-1', 'Infinity', '1e2', ''])
      expect(() => positive('--ttl', 'hours', 8760)(wrong), wrong).toThrow(/--ttl takes hours/);
  });

  it('JSON is read as it stands', () => {
    expect(json('--payload-data')('{"a": [1]}')).toEqual({ a: [1] });
    expect(() => json('--payload-data')("{'a': 1}")).toThrow(/--payload-data takes JSON/);
  });

  it('a list leaves out what is empty', () => {
    expect(list(' a, b,,c ')).toEqual(['a', 'b', 'c']);
  });
});
