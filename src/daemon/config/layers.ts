import { readValue } from './bindings.ts';
import type { Sources } from './sources.ts';
import { AGENT_BINDINGS, BINDINGS } from './variables.ts';

/** What the command line says; the texts are as they were typed. */
export interface Flags {
  readonly port?: string | undefined;
  /** One for all agents, or one for each in order. */
  readonly provider?: readonly string[] | undefined;
}

type Path = readonly PropertyKey[];
type Tree = Record<string, unknown>;

/** The settings of all sources in one tree, not yet validated, and where each came from. */
export interface Layered {
  readonly settings: unknown;
  /** The variable, flag, or file and setting, that a setting's value comes from. */
  where(path: Path): string;
}

/** Lays environment over file, and flags over both. */
export function layer({ file, variables }: Sources, flags: Flags): Layered {
  const settings = structuredClone(file?.content ?? {});
  const origins = new Map<string, string>();
  const where = (path: Path): string => originOf(path, origins, file?.path ?? 'parley.json5');
  if (!isTree(settings)) return { settings, where };

  const put = (path: readonly string[], value: unknown, origin: string): void => {
    if (setAt(settings, path, value)) origins.set(key(path), origin);
  };
  for (const { variable, path, kind } of BINDINGS) {
    const found = variables.get(variable);
    if (found) put(path, readValue(found.value, kind), found.where);
  }
  const name = variables.get('AGENT_NAME');
  if (name) {
    put(['agents'], [{}], name.where);
    put(['agents', '0', 'id'], idFromName(name.value), 'AGENT_ID');
    for (const { variable, path, kind } of AGENT_BINDINGS) {
      const found = variables.get(variable);
      if (found) put(['agents', '0', ...path], readValue(found.value, kind), found.where);
    }
  }
  if (flags.port !== undefined) put(['http', 'port'], readValue(flags.port, 'number'), '--port');
  return { settings, where };
}

/** `Atlas` becomes `atlas_001`. A name without Latin letters or digits gives no valid id, and `AGENT_ID` is asked for. */
function idFromName(name: string): string {
  const words = name
    .normalize('NFKD')
    .replace(/\p{Mark}/gu, '')
    .toLowerCase();
  return `${words.replace(/[^a-z0-9]+/g, '_').replace(/^_|_$/g, '')}_001`;
}

const key = (path: Path): string => path.map(String).join('.');

/** A plain object, or a list. */
function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null;
}

/** False where the file has something else in the way, which the validator is going to report. */
function setAt(tree: Tree, [step, ...rest]: readonly string[], value: unknown): boolean {
  if (step === undefined) return false;
  if (rest.length === 0) {
    tree[step] = value;
    return true;
  }
  const below = Object.hasOwn(tree, step) ? tree[step] : {};
  if (!isTree(below)) return false;
  tree[step] = below;
  return setAt(below, rest, value);
}

function originOf(path: Path, origins: ReadonlyMap<string, string>, file: string): string {
  for (let length = path.length; length > 0; length--) {
    const origin = origins.get(key(path.slice(0, length)));
    if (origin !== undefined) return origin;
  }
  return path.length === 0 ? file : `${file}: ${key(path)}`;
}
