import { withoutCommentsAndStrings } from './source-files.ts';

/** What must not get into the repository, and how it looks. */
const LEAKS: Readonly<Record<string, RegExp>> = {
  'an API key':
    /\b(?:sk|pk|rk)-(?:[A-Za-z0-9]+-)*[A-Za-z0-9_]{20,}|\b(?:gsk_|xai-|pplx-|hf_|r8_)[A-Za-z0-9]{20,}|\bAIza[\w-]{35}/g,
  'a cloud key': /\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/g,
  'a token':
    /\bgh[pousr]_[A-Za-z0-9]{30,}|\bgithub_pat_\w{30,}|\bnpm_[A-Za-z0-9]{30,}|\bxox[abprs]-[\w-]{20,}|\beyJ[\w-]{20,}\.eyJ[\w-]{20,}/g,
  'a private key': /-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----/g,
  'a password in a URL': /\b[a-z][a-z+]*:\/\/[^\s:/@'"`<>{}$]+:[^\s/@'"`<>{}$]{3,}@[\w-]+\.\w/g,
  'a path of one machine': /(?<![\w.:/~-])\/(?:work|root|home\/\w+|Users\/\w+|tmp)\/\w[\w.-]*/g,
  'a registry': /\bregistry\.(?:npmjs|yarnpkg|npmmirror)\.\w+|"resolved":\s*"https?:|^\s*@?[\w-]*:?registry\s*=/gm,
};

/** Everything in the text that must not be there: what it is, and its first letters. */
export function leaksIn(text: string): string[] {
  return Object.entries(LEAKS).flatMap(([what, pattern]) =>
    [...text.matchAll(pattern)].map(([found]) => `${what}: ${found.trim().slice(0, 12)}…`),
  );
}

const UNFINISHED = /\b(?:TODO|FIXME|XXX|HACK)\b|@ts-(?:ignore|expect-error|nocheck)|biome-ignore\b/g;
const UNCHECKED = /\bconsole\.\w+|(?<![.\w])any\b(?!\s*[:(])/g;

/** Signs in a source file that something is left undone, or hidden from the checks; `any` and `console` among them. */
export function sloppinessIn(text: string): string[] {
  const found = [...text.matchAll(UNFINISHED), ...withoutCommentsAndStrings(text).matchAll(UNCHECKED)];
  return found.map(([words]) => words);
}
