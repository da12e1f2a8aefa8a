import { importsOf } from './imports.ts';
import { isTestCode, type SourceFile, withoutComments } from './source-files.ts';

interface Layer {
  /** Folders or files below src/ that it may import, beside its own folder. */
  readonly uses: readonly string[];
  /** From these, types alone. */
  readonly types?: readonly string[];
}

const BASE = ['domain', 'lib'];
const DATABASE = 'spool/sqlite/database.ts';
const INTERFACES = ['delivery', 'spool', 'registry'];
/** Whoever needs something kept declares the interface; who keeps it implements that. */
const DECLARERS = ['agents', 'channels', 'delivery', 'protocol', 'security', 'spool'];
const ADAPTER: Layer = { uses: BASE, types: INTERFACES };
/** What it needs of the other folders loads no package: a program can have the client alone. */
const CLIENT = ['lib', 'protocol/bounded-json.ts', 'protocol/relay-auth.ts'];
const SERVER: Layer = { uses: ['protocol', ...BASE], types: ['spool', 'registry'] };

/** Which folder below src/ may import which: the table of docs/architecture.md and docs/decisions. */
const LAYERS: Readonly<Record<string, Layer>> = {
  lib: { uses: [] },
  domain: { uses: ['lib'] },
  protocol: { uses: BASE },
  spool: { uses: BASE },
  registry: { uses: [DATABASE, ...BASE], types: DECLARERS },
  store: { uses: [DATABASE, ...BASE], types: DECLARERS },
  delivery: { uses: ['spool/spool.ts', ...BASE], types: ['registry'] },
  security: { uses: BASE },
  providers: { uses: BASE },
  sandbox: { uses: BASE },
  agents: { uses: ['delivery', 'security', 'providers', 'protocol', ...BASE], types: ['sandbox'] },
  channels: { uses: BASE, types: ['delivery'] },
  links: { uses: ['client', 'protocol', ...BASE] },
  client: { uses: CLIENT, types: ['protocol', 'domain'] },
  coordinator: { uses: ['protocol', 'links', 'spool', 'registry', 'store', ...BASE] },
  relay: SERVER,
  hub: SERVER,
  bridges: ADAPTER,
  mcp: ADAPTER,
  a2a: ADAPTER,
  daemon: {
    uses: [
      ...BASE,
      ...INTERFACES,
      'protocol',
      'store',
      'security',
      'providers',
      'sandbox',
      'agents',
      'channels',
      'links',
      'client',
      'coordinator',
      'relay',
      'hub',
      'bridges',
      'mcp',
      'a2a',
    ],
  },
  cli: { uses: ['daemon', ...BASE] },
  'index.ts': { uses: ['coordinator', 'links', 'protocol', 'spool', 'registry', ...BASE] },
};

/** Packages that one folder alone may import, so that they can be exchanged there. */
const PACKAGE_HOMES: Readonly<Record<string, string>> = {
  baileys: 'src/channels/whatsapp/baileys/',
  'better-sqlite3': 'src/spool/sqlite/',
};

const VAGUE_NAME = /(?:^|[/.-])(?:utils?|common|managers?|helpers?|misc)(?=[/.-]|$)/;
const PAGE = 'src/channels/local/page/';

/** Everything in the files of src/ that breaks the layering, one line each. */
export function layeringViolations(files: readonly SourceFile[]): string[] {
  return files.flatMap((file) => [
    ...nameViolations(file),
    ...(isTestCode(file.path) ? [] : [...importViolations(file), ...environmentViolations(file)]),
  ]);
}

function nameViolations({ path, text }: SourceFile): string[] {
  const violations: string[] = [];
  if (VAGUE_NAME.test(path)) violations.push(`${path}: its name does not say what it is about`);
  if (path.endsWith('/index.ts') && !onlyReExports(text)) violations.push(`${path}: an index.ts only re-exports`);
  return violations;
}

function onlyReExports(text: string): boolean {
  const rest = withoutComments(text).replace(
    /^export\s+(?:type\s+)?(?:\{[^}]*\}|\*(?:\s+as\s+\w+)?)\s+from\s+'[^']+';/gm,
    '',
  );
  return rest.trim() === '';
}

function importViolations(file: SourceFile): string[] {
  const layer = layerOf(file.path);
  const rules = LAYERS[layer];
  if (!rules) return [`${file.path}: the folder ${layer} is not in the table`];
  return importsOf(file).flatMap(({ target, typeOnly }) => {
    const complaint = target.startsWith('src/')
      ? sourceComplaint(file.path, target, typeOnly, layer, rules)
      : packageComplaint(file.path, target);
    return complaint ? [`${file.path} imports ${target}: ${complaint}`] : [];
  });
}

function sourceComplaint(path: string, target: string, typeOnly: boolean, layer: string, rules: Layer): string | null {
  if (isTestCode(target)) return 'only tests may';
  if (path.startsWith(PAGE) && !target.startsWith(PAGE) && !typeOnly)
    return 'the page runs in a browser, which has only the page';
  const isBelow = (place: string): boolean => target === `src/${place}` || target.startsWith(`src/${place}/`);
  if ([layer, ...rules.uses].some(isBelow)) return null;
  if (!(rules.types ?? []).some(isBelow)) return `${layer} may not`;
  return typeOnly ? null : `${layer} may import only types from there`;
}

function packageComplaint(path: string, target: string): string | null {
  if (target.startsWith('test/')) return 'only tests may';
  const home = Object.entries(PACKAGE_HOMES).find(([name]) => target === name || target.startsWith(`${name}/`))?.[1];
  return home === undefined || path.startsWith(home) ? null : `only ${home} may`;
}

/** Whatever the daemon does not hand on, the rest of the code does not know: two of anything can run in one process. */
function environmentViolations({ path, text }: SourceFile): string[] {
  if (path.startsWith('src/daemon/')) return [];
  const code = withoutComments(text);
  const reads =
    /\bprocess\s*(?:\.|\?\.)\s*env\b|\bprocess\s*\[|\{[^}]*\benv\b[^}]*\}\s*(?:=\s*process\b|from\s+'(?:node:)?process')/;
  return reads.test(code) ? [`${path}: only src/daemon may read the environment`] : [];
}

const layerOf = (path: string): string => path.split('/')[1] ?? path;
