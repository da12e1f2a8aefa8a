import { existsSync } from 'node:fs';
import type { Coordinator } from '../../coordinator/coordinator.ts';
import { ParleyError } from '../../domain/errors.ts';
import { checkConfig } from '../check-config.ts';
import type { SpoolFlags } from '../config/surroundings.ts';
import { openSpool } from '../open-spool.ts';
import { spoolSettings } from '../spool-settings.ts';
import { type Check, good, problem, warning } from './check.ts';
import { checkDatabaseContent, checkDatabaseFile } from './database-checks.ts';
import { checkRunning } from './running-checks.ts';
import { checkSandboxes } from './sandbox-checks.ts';

/** The oldest Node that runs TypeScript as it stands. */
const OLDEST_NODE = '22.18.0';

/** Looks at everything that Parley needs, and at how its messages fare. */
export async function checkup(flags: SpoolFlags): Promise<Check[]> {
  const checks: Check[] = [checkNode(process.versions.node)];
  /** Adds what `look` finds; a ParleyError that it throws is a finding too. */
  const examine = async (name: string, look: () => Promise<Check[]> | Check[]): Promise<void> => {
    try {
      checks.push(...(await look()));
    } catch (error) {
      if (!(error instanceof ParleyError)) throw error;
      checks.push(problem(name, error.message, error.hint));
    }
  };
  await examine('configuration', () => checkSettings(flags));
  await examine('database', async () => {
    const settings = spoolSettings(flags);
    checks.push(...checkDatabaseFile(settings.databasePath));
    if (!existsSync(settings.databasePath)) return [];
    checks.push(...(await checkDatabaseContent(settings.databasePath)));
    const spool = openSpool(settings);
    try {
      return [checkAgents(spool), ...checkMetrics(spool), checkDeadLetters(spool)];
    } finally {
      await spool.close();
    }
  });
  return checks;
}

function checkNode(version: string): Check {
  const old = version.localeCompare(OLDEST_NODE, 'en', { numeric: true }) < 0;
  if (!old) return good('node', version);
  return problem('node', `${version} is older than ${OLDEST_NODE}`, 'Run npm ci, which brings a newer one along.');
}

async function checkSettings(flags: SpoolFlags): Promise<Check[]> {
  const { config, warnings } = checkConfig(flags);
  const agents = config.mode === 'demo' ? 'no agents are set up, the demo runs' : `${config.agents.length} agent(s)`;
  return [
    good('configuration', `valid; ${agents}`),
    ...warnings.map((text) => warning('configuration', text, 'See docs/guides/configuration.md.')),
    ...(await checkSandboxes(config)),
    ...(await checkRunning(config.http)),
  ];
}

function checkAgents(spool: Coordinator): Check {
  const agents = spool.registry.list();
  const silent = agents.filter(({ status }) => status === 'offline').map(({ id }) => id);
  if (silent.length === 0) return good('agents', `${agents.length} registered`);
  const detail = `${silent.length} of ${agents.length} silent for more than an hour: ${silent.join(', ')}`;
  return warning('agents', detail, 'Start them, or remove those that are gone: parley deregister <name>');
}

function checkMetrics(spool: Coordinator): Check[] {
  return spool.metrics().map(({ name, value, unit, threshold, alert, advice }) => {
    const amount = `${Number(value.toFixed(2))} ${unit}`;
    return alert
      ? warning(name, `${amount}, more than ${threshold}`, advice)
      : good(name, `${amount}; alert above ${threshold}`);
  });
}

function checkDeadLetters(spool: Coordinator): Check {
  const { failed } = spool.stats().deliveries;
  if (failed === 0) return good('dead letters', 'none');
  return warning(
    'dead letters',
    `${failed}`,
    'Look at them with parley dlq list; deliver them again with parley dlq redrive.',
  );
}
