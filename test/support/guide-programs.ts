import { execFile } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { PROJECT } from './source-files.ts';

const run = promisify(execFile);

/** Of each language what has to be installed, and how its programs are run. */
const LANGUAGES = {
  bash: { tools: ['bash', 'curl', 'openssl'], command: ['bash', '-euo', 'pipefail'], ending: 'sh' },
  python: { tools: ['python3'], command: ['python3'], ending: 'py' },
  ts: { tools: [], command: [join(PROJECT, 'node_modules/.bin/node')], ending: 'mts' },
} as const;

export type Language = keyof typeof LANGUAGES;

const SECTION = /^## From another program\n(.*?)(?=^## |$(?![\s\S]))/ms;

interface Surroundings {
  /** Its working directory. */
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
}

/** What a language needs and this machine does not have. */
export function missingTools(language: Language): string[] {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return LANGUAGES[language].tools.filter((tool) => !folders.some((folder) => existsSync(join(folder, tool))));
}

/** Runs the program of a guide in this language as its reader would; the lines that it prints. Rejects when it fails. */
export async function runProgram(guide: string, language: Language, { folder, env }: Surroundings): Promise<string[]> {
  const { command, ending } = LANGUAGES[language];
  const file = join(folder, `program.${ending}`);
  writeFileSync(file, programIn(guide, language));
  const [name, ...args] = command;
  const { stdout } = await run(name, [...args, file], { cwd: folder, env: { ...process.env, ...env } });
  return stdout.trimEnd().split('\n');
}

/** Throws when there is none. */
function programIn(guide: string, language: Language): string {
  const text = readFileSync(join(PROJECT, 'docs/guides', guide), 'utf8');
  const [, section = ''] = SECTION.exec(text) ?? [];
  const [, program] = new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, 'ms').exec(section) ?? [];
  if (program === undefined) throw new Error(`${guide} has no program in ${language}`);
  // What the package offers comes from its sources.
  return program.replace("'parleyd/client'", `'${pathToFileURL(join(PROJECT, 'src/client/index.ts')).href}'`);
}
