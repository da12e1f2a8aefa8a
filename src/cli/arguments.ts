import { ParleyError } from '../domain/errors.ts';

/** Reads one text of the command line; throws USAGE with what was expected. */
type Parser<T> = (text: string) => T;

/** The parts of a comma-separated list; empty ones do not count. */
export const list: Parser<string[]> = (text) =>
  text
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');

/** A whole number within bounds. */
export function whole(flag: string, least: number, most: number): Parser<number> {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    throw wrong(flag, `a whole number from ${least} to ${most}`, text);
  };
}

/** A number above 0 and within a bound. */
export function positive(flag: string, unit: string, most: number): Parser<number> {
  return (text) => {
    const value = Number(text);
    if (/^\d*\.?\d+$/.test(text) && value > 0 && value <= most) return value;
    throw wrong(flag, `${unit}, more than 0 and at most ${most}`, text);
  };
}

const SECONDS_PER: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };
const LONGEST_DELAY_S = 366 * 86_400;

/** A length of time as `90`, `90s`, `15m`, `2h` or `1d`, at most a year; in seconds. */
export function duration(flag: string): Parser<number> {
  return (text) => {
    const [, number = '', unit = 's'] = /^(\d+(?:\.\d+)?)([smhd])?$/.exec(text) ?? [];
    const seconds = number === '' ? Number.NaN : Number(number) * (SECONDS_PER[unit] ?? Number.NaN);
    if (seconds >= 0 && seconds <= LONGEST_DELAY_S) return seconds;
    throw wrong(flag, 'a length of time such as 90s, 15m, 2h or 1d, at most 366d', text);
  };
}

/** `2026-11-21T09:00:00Z`: a date alone would be midnight in London, which nobody means. */
const ISO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d)?$/;

/** A point in time, in epoch milliseconds. Without an offset it is meant as this machine's clock shows it. */
export function time(flag: string): Parser<number> {
  return (text) => {
    const at = ISO_TIME.test(text) ? Date.parse(text) : Number.NaN;
    if (!Number.isNaN(at)) return at;
    throw wrong(flag, 'a time such as 2026-11-21T09:00:00Z', text);
  };
}

/** A JSON value. Not yet checked any further. */
export function json(flag: string): Parser<unknown> {
  return (text) => {
    try {
      return JSON.parse(text);
    } catch (cause) {
      throw new ParleyError('USAGE', `${flag} takes JSON, and this is none: ${text.slice(0, 80)}`, {
        hint: `Quote it for the shell: ${flag} '{"task": "build"}'.`,
        cause,
      });
    }
  };
}

function wrong(flag: string, expected: string, text: string): ParleyError {
  return new ParleyError('USAGE', `${flag} takes ${expected}, not ${text.slice(0, 80)}.`);
}
