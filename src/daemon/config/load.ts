import { dirname, resolve } from 'node:path';
import type { ParleyError } from '../../domain/errors.ts';
import { err, ok, type Result } from '../../lib/result.ts';
import { DEFAULT_UNLISTED_RATE_LIMIT } from '../../security/gate.ts';
import { configureAgents, readProviderFlag } from './agents.ts';
import type { Config, SecurityConfig } from './config.ts';
import { configureHttpAgents } from './http-agents.ts';
import { type Flags, layer } from './layers.ts';
import { withPersonaFiles } from './persona-files.ts';
import { configInvalid, type Problem } from './problem.ts';
import { configureRouting } from './routing.ts';
import { schemaProblems } from './schema-problems.ts';
import { type Settings, settingsSchema } from './settings-schema.ts';
import { readSources, type Sources } from './sources.ts';
import type { Surroundings } from './surroundings.ts';
import { AGENT_BINDINGS, AGENT_SECRET, ENCRYPTION_KEY, HUB_SECRET, variableWarnings } from './variables.ts';
import { configureWhatsApp } from './whatsapp.ts';
import { whatsAppNumber } from './whatsapp-number.ts';
import { workspaceProblems } from './workspace-folders.ts';

export interface LoadedConfig {
  readonly config: Config;
  readonly warnings: readonly Problem[];
  /** Files with secrets in them: for the start-up checks. */
  readonly privateFiles: readonly string[];
}

/** The configuration of these surroundings: flags over environment over `.env` over `parley.json5` over defaults. */
export function loadConfig({
  flags,
  ...surroundings
}: Surroundings & { flags: Flags }): Result<LoadedConfig, ParleyError> {
  const built = buildConfig(readSources(surroundings), flags);
  if (!built.ok) return built;
  const { config, warnings, privateFiles } = built.value;
  const personas = withPersonaFiles(config.agents);
  return ok({
    config: { ...config, agents: personas.agents },
    warnings: [...warnings, ...personas.warnings],
    privateFiles,
  });
}

/** The configuration that these sources make, but for files in workspaces; or CONFIG_INVALID with everything that is wrong with them. */
export function buildConfig(sources: Sources, flags: Flags): Result<LoadedConfig, ParleyError> {
  const { settings: unchecked, where } = layer(sources, flags);
  const parsed = settingsSchema.safeParse(unchecked);
  const flag = readProviderFlag(flags.provider ?? []);
  const problems = [...sources.problems, ...twoDescriptions(sources), ...flag.problems];
  if (!parsed.success) return err(configInvalid([...problems, ...schemaProblems(parsed.error.issues, where)]));

  const settings = parsed.data;
  const { problems: agentProblems, ...agents } = configureAgents(settings, sources, flag.providers);
  const { problems: httpAgentProblems, httpAgents } = configureHttpAgents(settings, agents.agents, sources, where);
  const { problems: routingProblems, ...routing } = configureRouting(settings, agents.agents, where);
  const routed = { ...agents, ...routing };
  const { problems: whatsAppProblems, whatsapp } = configureWhatsApp(settings, routed, sources, where);
  problems.push(...agentProblems, ...httpAgentProblems, ...routingProblems, ...whatsAppProblems);
  problems.push(...emptyAllowlist(settings, where));
  const databasePath = resolve(sources.projectRoot, settings.databasePath ?? 'data/coordination.db');
  problems.push(...workspaceProblems(agents.agents, databasePath, sources));
  if (problems.length > 0) return err(configInvalid(problems));

  const warnings = [...variableWarnings(sources.variables), ...ignoredAgentVariables(sources)];
  return ok({
    config: assemble(settings, { ...routed, httpAgents, whatsapp, databasePath }, sources),
    warnings,
    privateFiles: sources.privateFiles,
  });
}

type Configured = Pick<
  Config,
  'mode' | 'agents' | 'offers' | 'routing' | 'accounts' | 'ackReaction' | 'httpAgents' | 'whatsapp' | 'databasePath'
>;

function assemble(settings: Settings, configured: Configured, sources: Sources): Config {
  const { turns, tokens, usd } = settings.budget;
  return {
    ...configured,
    dataDir: dirname(configured.databasePath),
    http: settings.http,
    logLevel: settings.logLevel,
    platforms: [...new Set(settings.platforms)],
    maxConcurrentTurns: settings.maxConcurrentTurns,
    security: assembleSecurity(settings, configured.mode, sources),
    admins: settings.admins,
    leaseMs: settings.leaseSeconds * 1000,
    ttlMs: settings.ttlHours * 3_600_000,
    budget: { turns, tokens: tokens ?? null, microUsd: usd === undefined ? null : Math.round(usd * 1_000_000) },
    discussion: settings.discussion,
    hub:
      settings.hub.url === undefined
        ? null
        : { url: settings.hub.url, secret: sources.secrets.get(HUB_SECRET) ?? null },
    peers: [...new Set(settings.peers.flatMap((number) => whatsAppNumber(number) ?? []))],
    taskTimeoutMs: settings.taskTimeoutMs,
    history: settings.history,
  };
}

/** In the demo the daemon makes the secrets itself, so there is always one to check with. */
function assembleSecurity({ security }: Settings, mode: Config['mode'], { secrets }: Sources): SecurityConfig {
  const agentSecret = secrets.get(AGENT_SECRET) ?? null;
  const { enabled, unlistedPerHour, ...rateLimit } = security.rateLimit;
  return {
    agentSecret,
    encryptionKey: secrets.get(ENCRYPTION_KEY) ?? null,
    requireAgentAuth: security.requireAgentAuth ?? (agentSecret !== null || mode === 'demo'),
    maxMessageAgeMs: security.maxMessageAgeMs,
    allowlist: security.enableAllowlist === false ? null : (security.allowlist ?? null),
    blocklist: security.blocklist,
    rateLimit: enabled ? rateLimit : null,
    unlistedRateLimit: enabled ? { ...DEFAULT_UNLISTED_RATE_LIMIT, max: unlistedPerHour } : null,
    maxMessageLength: security.maxMessageLength,
  };
}

/** To switch the allowlist on and to put nobody on it might mean "nobody" or "everybody": better to ask than to guess. */
function emptyAllowlist({ security }: Settings, where: (path: readonly string[]) => string): Problem[] {
  if (security.enableAllowlist !== true || security.allowlist) return [];
  const fix = 'List who may speak in SECURITY_ALLOWLIST, or set SECURITY_ENABLE_ALLOWLIST=false to let everybody in.';
  const place = where(['security', 'enableAllowlist']);
  return [{ severity: 'error', where: place, message: 'the allowlist is switched on but names nobody', fix }];
}

function twoDescriptions({ file, variables }: Sources): Problem[] {
  const name = variables.get('AGENT_NAME');
  const content = file?.content;
  if (!file || !name || typeof content !== 'object' || content === null || !('agents' in content)) return [];
  const message = `describes one agent, and ${file.path} lists agents`;
  return [{ severity: 'error', where: name.where, message, fix: 'Keep one of the two.' }];
}

function ignoredAgentVariables({ variables }: Sources): Problem[] {
  if (variables.has('AGENT_NAME')) return [];
  return AGENT_BINDINGS.flatMap(({ variable }) => variables.get(variable) ?? []).map(({ where }) => ({
    severity: 'warning',
    where,
    message: 'has no effect without AGENT_NAME',
    fix: 'Set AGENT_NAME, or remove it.',
  }));
}
