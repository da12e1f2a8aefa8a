/** How the text of a variable becomes a setting. `word`: case does not matter. */
type Kind = 'text' | 'word' | 'number' | 'boolean' | 'list' | 'words' | 'numbers';

/** A variable and the setting that it stands for. */
export interface Binding {
  readonly variable: string;
  readonly path: readonly string[];
  readonly kind: Kind;
}

/** `path` with dots: `http.port`. */
export const bind = (variable: string, path: string, kind: Kind = 'text'): Binding => ({
  variable,
  path: path.split('.'),
  kind,
});

/** What the message spool needs to know, whoever works with it. Where two variables stand for one setting the later wins. */
export const SPOOL_BINDINGS: readonly Binding[] = [
  bind('AGENT_COMM_DB_PATH', 'databasePath'),
  bind('AGENT_COMM_TRANSPORT', 'transport', 'word'),
  bind('AGENT_COMM_TTL_HOURS', 'ttlHours', 'number'),
  bind('AGENT_COMM_LEASE_SECONDS', 'leaseSeconds', 'number'),
  bind('AGENT_COMM_LOG_LEVEL', 'logLevel', 'word'),
  bind('LOG_LEVEL', 'logLevel', 'word'),
];

const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ...['true', '1', 'yes', 'on'].map((word) => [word, true] as const),
  ...['false', '0', 'no', 'off'].map((word) => [word, false] as const),
]);

/** The value that a text stands for. A text that is no number or boolean stays a text, and the validator says so. */
export function readValue(text: string, kind: Kind): unknown {
  switch (kind) {
    case 'text':
      return text;
    case 'word':
      return text.trim().toLowerCase();
    case 'number':
      return /^\s*-?\d+(\.\d+)?\s*$/.test(text) ? Number(text) : text;
    case 'boolean':
      return BOOLEANS.get(text.trim().toLowerCase()) ?? text;
    case 'list':
      return splitList(text);
    case 'words':
      return splitList(text.toLowerCase());
    case 'numbers':
      return splitList(text).map((part) => readValue(part, 'number'));
  }
}

/** The parts of a comma-separated list; empty ones do not count. */
export function splitList(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}
