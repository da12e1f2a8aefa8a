import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { directoryWith, started } from './config-fixtures.ts';
import { describeProblem } from './problem.ts';
import { worldReadable } from './sources.ts';
import { checkStartup } from './startup-checks.ts';

const GOOD_SECRET = '3f9c0a7b5d1e48261c7a9be0d4f6238590ab1c2d3e4f50617283940a5b6c7d8e';
const GOOD_KEY = 'c0ffee11d2e3f4a5b6978877665544332211ffeeddccbbaa99887766554433aa';
const SOUND = {
  AGENT_NAME: 'Atlas',
  AI_PROVIDER: 'openai',
  OPENAI_API_KEY: 'sk-1',
  SECURITY_AGENT_SECRET: GOOD_SECRET,
  SECURITY_ENCRYPTION_KEY: GOOD_KEY,
};

function problems(env: Record<string, string>, loose: readonly string[] = []) {
  return checkStartup(started({ env }).config, { worldReadable: loose });
}
const told = (env: Record<string, string>) =>
  problems(env).map((problem) => `${problem.severity} ${describeProblem(problem)}`);

describe('start-up checks', () => {
  it('[SEC-04] a key that is sent unencrypted is a warning, unless it stays on this machine', () => {
    const withKeyAt = (url: string) =>
      told({
        ...SOUND,
        MULTI_AGENT_REGISTRY: JSON.stringify([{ name: 'Coder', url, apiKey: 'hush' }]),
        MULTI_AGENT_ALLOW_PRIVATE: 'true',
      });
    expect(withKeyAt('http://coder.example')).toEqual([
      'warning MULTI_AGENT_REGISTRY: the key of coder is sent unencrypted. Reach the agent by an https:// address.',
    ]);
    const sound = ['https://coder.example', 'http://localhost:1', 'http://127.0.0.1:1', 'http://[::1]:1'];
    for (const url of sound) expect(withKeyAt(url)).toEqual([]);
  });

  it.each<[string, string[]]>([
    ["tools: {allow: ['bash']}", ['commands']],
    ["tools: {allow: ['exec', 'fs']}", ['commands']],
    ["tools: {allow: ['runtime']}, sandbox: {mode: 'off', network: ['*']}", ['commands']],
    ["tools: {allow: ['runtime']}, sandbox: {mode: 'all'}", []],
    ["tools: {allow: ['runtime'], deny: ['exec']}", []],
    ["tools: {allow: ['fs']}", []],
    ["tools: {allow: ['fs'], deny: ['write'], approve: ['write', 'edit', 'fs', 'bash']}", ['write', 'bash']],
    ["tools: {approve: ['read', 'message_agent', 'groups', 'web']}", ['read', 'web']],
    ["tools: {allow: [], approve: ['messaging']}", ['messaging']],
    ["tools: {allow: ['bash'], approve: ['exec']}, sandbox: {mode: 'all'}", []],
  ])('[SEC-04] [TOL-01] [TOL-03] what has no effect of the tools of an agent is a warning: %s', (settings, doubts) => {
    const files = { 'parley.json5': `{agents: {a: {provider: 'demo', ${settings}}}}` };
    const { config } = started({ files, env: { SECURITY_AGENT_SECRET: GOOD_SECRET } });
    const lines = checkStartup(config, { worldReadable: [] }).map(
      (problem) => `${problem.severity} ${describeProblem(problem)}`,
    );
    expect(lines).toEqual(
      doubts.map((doubt) =>
        doubt === 'commands'
          ? "warning agent a: tools.allow: commands are refused, since sandbox.mode is off. Set sandbox: { mode: 'all' }, or do not allow bash."
          : `warning agent a: tools.approve: names ${doubt}, which the agent may not call. Add it to tools.allow unless it is denied, or leave it out here.`,
      ),
    );
  });

  it('[SEC-04] a sound configuration has no problems, nor has the demo', () => {
    expect(problems(SOUND)).toEqual([]);
    expect(problems({})).toEqual([]);
  });

  it('[SEC-04] [PRV-01] a missing key is an error that names the variable to set, for fallbacks too', () => {
    const { OPENAI_API_KEY: _, ...keyless } = SOUND;
    expect(told({ ...keyless, AI_FALLBACK_PROVIDERS: 'ollama,groq' })).toEqual([
      'error OPENAI_API_KEY: OpenAI cannot be used by atlas_001 without it. Set OPENAI_API_KEY (or OPENAI_API_KEY_FILE), or choose another provider for atlas_001.',
      expect.stringMatching(/^error GROQ_API_KEY: /),
    ]);
  });

  it('[SEC-04] [PRV-01] so is a missing model or base URL', () => {
    const env = { ...SOUND, AI_PROVIDER: 'openai-compatible' };
    expect(told(env)).toEqual([
      expect.stringMatching(/^error OPENAI_COMPATIBLE_MODEL: .* Set OPENAI_COMPATIBLE_MODEL, or/),
    ]);
    expect(told({ ...env, OPENAI_COMPATIBLE_MODEL: 'm' })).toEqual([
      expect.stringMatching(/^error OPENAI_COMPATIBLE_BASE_URL/),
    ]);
  });

  it('[SEC-04] authentication without a secret is an error; the demo makes its own', () => {
    const { SECURITY_AGENT_SECRET: _, ...open } = SOUND;
    const asked = { ...open, SECURITY_REQUIRE_AGENT_AUTH: 'true' };
    expect(told(asked)).toEqual([
      expect.stringMatching(/^error SECURITY_REQUIRE_AGENT_AUTH: .*no SECURITY_AGENT_SECRET/),
    ]);
    expect(told({ SECURITY_REQUIRE_AGENT_AUTH: 'true' })).toEqual([]);
  });

  it('[SEC-04] authentication that is off is a warning, with or without a secret', () => {
    const { SECURITY_AGENT_SECRET: _, ...open } = SOUND;
    const warning = /^warning SECURITY_REQUIRE_AGENT_AUTH: messages from agents are accepted without proof/;
    expect(told(open)).toEqual([expect.stringMatching(warning)]);
    expect(told({ ...SOUND, SECURITY_REQUIRE_AGENT_AUTH: 'false' })).toEqual([expect.stringMatching(warning)]);
  });

  it.each([
    ['short', 'Tr0ub4dor', /shorter than 32 characters/],
    ['of few characters', 'ab'.repeat(32), /few different characters/],
    ['of the guide', 'a]f8k2...your-shared-secret...m9x1z', /example value/],
    ['left to be filled in', '<shared>', /example value/],
    ['never changed', 'changeme-changeme-changeme-changeme', /example value/],
  ])('[SEC-04] a secret or key that is %s is accepted with a warning', (_, value, expected) => {
    for (const name of ['SECURITY_AGENT_SECRET', 'SECURITY_ENCRYPTION_KEY']) {
      const lines = told({ ...SOUND, [name]: value });
      expect(lines).toEqual([expect.stringMatching(expected)]);
      expect(lines[0]).toMatch(new RegExp(`^warning ${name}: `));
    }
  });

  it('[SEC-04] [WHA-01] WhatsApp for everybody who knows the number is a warning', () => {
    const open = { ...SOUND, PLATFORM: 'whatsapp' };
    expect(told(open)).toEqual([expect.stringMatching(/^warning SECURITY_ALLOWLIST: anybody .* List who may/)]);
    expect(told({ ...open, SECURITY_ALLOWLIST: '+15550100' })).toEqual([]);
  });

  it('[SEC-04] [WHA-06] another server in the place of WhatsApp is a warning', () => {
    const env = { ...SOUND, PLATFORM: 'whatsapp', SECURITY_ALLOWLIST: '+15550100' };
    const test = { WHATSAPP_WEB_URL: 'ws://127.0.0.1:1/', WHATSAPP_WEB_ROOT_KEY: 'ab'.repeat(32) };
    expect(told({ ...env, ...test })).toEqual([expect.stringMatching(/^warning WHATSAPP_WEB_URL: is for tests/)]);
  });

  it('[SEC-04] [DSC-01] peers who cannot verify the greeting, or whom nothing reaches, are a warning', () => {
    const { SECURITY_AGENT_SECRET: _, ...open } = SOUND;
    const env = { PLATFORM: 'whatsapp', SECURITY_ALLOWLIST: '+15550100', AGENT_PEERS: '+15550102' };
    expect(told({ ...SOUND, ...env })).toEqual([]);
    expect(told({ ...open, ...env })).toContainEqual(
      expect.stringMatching(/^warning AGENT_PEERS: without SECURITY_AGENT_SECRET nobody can tell/),
    );
    expect(told({ ...SOUND, AGENT_PEERS: '+15550102' })).toEqual([
      expect.stringMatching(/^warning AGENT_PEERS: has no effect without WhatsApp/),
    ]);
  });

  it('[SEC-04] one secret for both purposes is a warning', () => {
    expect(told({ ...SOUND, SECURITY_ENCRYPTION_KEY: GOOD_SECRET })).toEqual([
      expect.stringMatching(/^warning SECURITY_ENCRYPTION_KEY: is the same as SECURITY_AGENT_SECRET/),
    ]);
  });

  it.each(['0.0.0.0', '::', '192.168.1.5', 'example.org', '127.example.org'])(
    '[SEC-04] listening on %s is a warning',
    (host) => {
      expect(told({ ...SOUND, HEALTH_HOST: host })).toEqual([expect.stringMatching(/^warning HEALTH_HOST: /)]);
    },
  );

  it.each(['localhost', '127.0.0.1', '127.0.0.2', '::1'])('[SEC-04] listening on %s is not', (host) => {
    expect(told({ ...SOUND, HEALTH_HOST: host })).toEqual([]);
  });

  it.skipIf(process.platform === 'win32')('[SEC-04] files with secrets that everybody may read are found', () => {
    const cwd = directoryWith({ '.env': 'SECURITY_AGENT_SECRET_FILE=secret', secret: GOOD_SECRET });
    const { privateFiles } = started({ cwd });
    const database = join(cwd, 'data', 'coordination.db');
    expect(worldReadable([...privateFiles, database])).toEqual([]);
    chmodSync(join(cwd, '.env'), 0o644);
    chmodSync(join(cwd, 'secret'), 0o604);
    const loose = worldReadable([...privateFiles, database]);
    expect(loose).toEqual([join(cwd, '.env'), join(cwd, 'secret')]);
    expect(problems(SOUND, loose)).toEqual(
      loose.map((path) => ({
        severity: 'warning',
        where: path,
        message: expect.any(String),
        fix: `Run: chmod 600 "${path}"`,
      })),
    );
  });
});
