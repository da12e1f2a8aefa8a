import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/support/spool.ts';
import { agentSecrets } from './agent-secrets.ts';

describe('the secret of an agent', () => {
  it.each([
    ['under its own name', { 'AGENT_COMM_SECRET_agent-b': 'one' }, 'one'],
    ['under a name that a shell exports', { AGENT_COMM_SECRET_agent_b: ' two ' }, 'two'],
    ['under its own name rather', { AGENT_COMM_SECRET_agent_b: 'two', 'AGENT_COMM_SECRET_agent-b': 'one' }, 'one'],
    ['nowhere', { AGENT_COMM_SECRET_agent_c: 'three' }, null],
    ['nowhere when it is empty', { AGENT_COMM_SECRET_agent_b: '' }, null],
  ])('[REL-03] [CLI-03] is found %s', (_where, env, secret) => {
    const { path: cwd, remove } = temporaryFolder();
    expect(agentSecrets({ env, cwd })('agent-b')).toBe(secret);
    remove();
  });

  it('[REL-03] [CLI-03] is found in .env, and the environment wins', () => {
    const { path: cwd, remove } = temporaryFolder();
    writeFileSync(join(cwd, '.env'), 'AGENT_COMM_SECRET_agent_a=file\nAGENT_COMM_SECRET_agent_b=file\n');
    const secretOf = agentSecrets({ env: { AGENT_COMM_SECRET_agent_b: 'environment' }, cwd });
    expect([secretOf('agent-a'), secretOf('agent-b')]).toEqual(['file', 'environment']);
    remove();
  });
});
