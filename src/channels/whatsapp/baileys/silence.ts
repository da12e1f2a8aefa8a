import { registerHooks } from 'node:module';

const LIBSIGNAL_SOURCE = /\/node_modules\/libsignal\/src\/[^/]+\.js$/;
const SILENT_CONSOLE = `'use strict'; const console = { log() {}, info() {}, warn() {}, error() {} };`;

/**
 * Loads modules, libsignal among them, which encrypts for Baileys. It writes whole sessions to the console, private keys and numbers
 * of people included, and has no setting against that. So while they are loaded, libsignal's own files are given a console of their
 * own that says nothing; everybody else's stays as it is.
 */
export async function withQuietLibsignal<T>(load: () => Promise<T>): Promise<T> {
  const hooks = registerHooks({
    load(url, context, nextLoad) {
      const module = nextLoad(url, context);
      if (!LIBSIGNAL_SOURCE.test(url) || module.source === undefined || module.source === null) return module;
      const source = typeof module.source === 'string' ? module.source : new TextDecoder().decode(module.source);
      return { ...module, source: `${SILENT_CONSOLE}${source}` };
    },
  });
  try {
    return await load();
  } finally {
    hooks.deregister();
  }
}
