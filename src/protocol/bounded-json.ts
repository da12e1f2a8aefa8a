import type { Json } from '../lib/json.ts';

export type JsonObject = { readonly [key: string]: Json };

/** `JSON.parse` takes any depth, but whoever walks the value by recursion (`JSON.stringify` too) runs out of stack on it. */
const MAX_DEPTH = 64;

/** The value that the text stands for, or undefined when it is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Whether a value can be signed and stored: nested at most 64 deep, finite numbers, no half of a surrogate pair (RFC 8785 has no form for those). */
export function isBoundedJson(value: unknown, depth: number = MAX_DEPTH): value is Json {
  if (typeof value === 'string') return value.isWellFormed();
  if (typeof value === 'number') return Number.isFinite(value);
  if (typeof value !== 'object') return typeof value === 'boolean';
  if (value === null) return true;
  if (depth === 0) return false;
  if (Array.isArray(value)) return value.every((item) => isBoundedJson(item, depth - 1));
  return Object.entries(value).every(([key, member]) => key.isWellFormed() && isBoundedJson(member, depth - 1));
}

export function isJsonObject(value: unknown): value is JsonObject {
  return isBoundedJson(value) && typeof value === 'object' && value !== null && !Array.isArray(value);
}
