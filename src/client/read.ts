/* Reading what a server has answered, without a library: each reader gives null for what it is not. */

export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const isText = (value: unknown): value is string => typeof value === 'string';

/** All of a list, or null when it is no list or one of them cannot be read. */
export function readAll<T>(list: unknown, read: (item: unknown) => T | null): readonly T[] | null {
  if (!Array.isArray(list)) return null;
  const items = list.map(read).filter((item) => item !== null);
  return items.length === list.length ? items : null;
}
