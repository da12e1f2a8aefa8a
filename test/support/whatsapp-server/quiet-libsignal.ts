import { registerHooks } from 'node:module';

/**
 * libsignal, which encrypts for Baileys, prints whole sessions with `console.info`, private keys included, and has no setting against
 * it. Importing this before Baileys gives libsignal's own modules a console that says nothing; everybody else's stays as it is.
 */
const LIBSIGNAL_SOURCE = /\/node_modules\/libsignal\/src\/[^/]+\.js$/;
const SILENT_CONSOLE = `'use strict'; const console = { log() {}, info() {}, warn() {}, error() {} };`;

registerHooks({
  load(url, context, nextLoad) {
    const module = nextLoad(url, context);
    if (!LIBSIGNAL_SOURCE.test(url) || module.source === undefined || module.source === null) return module;
    const source = typeof module.source === 'string' ? module.source : new TextDecoder().decode(module.source);
    return { ...module, source: `${SILENT_CONSOLE}${source}` };
  },
});
