import { readdir, readFile } from 'node:fs/promises';
import { Worker } from 'node:worker_threads';

const PAGE = new URL('./page/', import.meta.url);
/** Beside this file, and compiled when this file is. */
const STRIP_TYPES = new URL(import.meta.url.endsWith('.ts') ? './strip-types.ts' : './strip-types.js', import.meta.url);

export interface Asset {
  readonly path: string;
  readonly type: string;
  readonly body: string;
}

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
  js: 'text/javascript; charset=utf-8',
};

/** The files of the page, ready to be served: its TypeScript as JavaScript, `index.html` as `/`. */
export async function loadPage(): Promise<readonly Asset[]> {
  const names = (await readdir(PAGE)).filter((name) => /^[a-z-]+\.(?:html|css|svg|ts)$/.test(name));
  const files = await Promise.all(
    names.map(async (name) => ({ name, text: await readFile(new URL(name, PAGE), 'utf8') })),
  );
  const modules = files.filter(({ name }) => name.endsWith('.ts'));
  const code = await stripTypes(modules.map(({ text }) => text));
  return [
    ...files.filter(({ name }) => !name.endsWith('.ts')).map(({ name, text }) => asset(name, text)),
    ...modules.map(({ name }, index) => asset(toJs(name), importJs(code[index] ?? ''))),
  ];
}

function asset(name: string, body: string): Asset {
  const type = TYPES[name.slice(name.lastIndexOf('.') + 1)] ?? 'application/octet-stream';
  return { path: name === 'index.html' ? '/' : `/${name}`, type, body };
}

const toJs = (name: string): string => name.replace(/\.ts$/, '.js');
const importJs = (code: string): string => code.replace(/ from '(\.\/[a-z-]+)\.ts'/g, " from '$1.js'");

/** In a thread of its own, because Node warns that the call is experimental: only there is the warning switched off. */
function stripTypes(sources: readonly string[]): Promise<readonly string[]> {
  const worker = new Worker(STRIP_TYPES, {
    workerData: sources,
    execArgv: ['--disable-warning=ExperimentalWarning'],
  });
  return new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', (code) => reject(new Error(`The page could not be prepared: its thread ended with ${code}.`)));
  });
}
