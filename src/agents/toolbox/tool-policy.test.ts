import { type ToolSet, tool } from 'ai';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { err } from '../../lib/result.ts';
import { ConfinedFiles } from '../../sandbox/confined-files.ts';
import { Workspace } from '../../sandbox/workspace.ts';
import { groupInputs } from '../tools.ts';
import { webTools } from './http-fetch.ts';
import { selectTools, TOOL_GROUPS, type ToolPolicy, toolsNamed, unknownTools } from './tool-policy.ts';
import { workspaceTools } from './workspace-tools.ts';

const every = Object.values(TOOL_GROUPS).flat();
const some = tool({ description: 'Does something.', inputSchema: z.object({}), execute: () => 'done' });
const tools: ToolSet = Object.fromEntries(every.map((name) => [name, some]));
const shown = (policy: Partial<ToolPolicy>): string[] =>
  Object.keys(selectTools(tools, { allow: null, deny: [], ...policy }));

describe('the tools of an agent', () => {
  it('[TOL-01] are those for other agents when nothing is said', () => {
    expect(shown({})).toEqual([...TOOL_GROUPS.messaging, ...TOOL_GROUPS.groups]);
    expect(shown({ deny: ['list_agents', 'groups'] })).toEqual(['message_agent']);
  });

  it.each<[string, Partial<ToolPolicy>, string[]]>([
    ['by name', { allow: ['bash', 'read'] }, ['read', 'bash']],
    ['by group', { allow: ['fs', 'runtime'] }, ['read', 'write', 'edit', 'list', 'search', 'send_file', 'bash']],
    ['by another name', { allow: ['exec'] }, ['bash']],
    ['none', { allow: [] }, []],
    ['all but some', { allow: ['fs'], deny: ['write', 'edit'] }, ['read', 'list', 'search', 'send_file']],
    ['a name, denied by its group', { allow: ['read', 'bash'], deny: ['fs'] }, ['bash']],
    ['a group, denied by its group', { allow: ['fs'], deny: ['fs'] }, []],
    ['a tool, denied by another name', { allow: ['runtime'], deny: ['exec'] }, []],
  ])('[TOL-01] are allowed %s', (_what, policy, names) => {
    expect(shown(policy)).toEqual(names);
  });

  it('[TOL-01] are shown as they are, in their order', () => {
    const selected = selectTools({ write: some, other: some, read: some }, { allow: ['read', 'write'], deny: [] });
    expect(Object.entries(selected)).toEqual([
      ['write', some],
      ['read', some],
    ]);
  });

  it('[TOL-01] have names, and what is none is told with what was probably meant', () => {
    expect(unknownTools(['read', 'fs', 'exec', ...every])).toEqual([]);
    expect(unknownTools(['raed', 'Bash', 'constructor', '__proto__'])).toEqual([
      { name: 'raed', suggestion: 'read' },
      { name: 'Bash', suggestion: 'bash' },
      { name: 'constructor', suggestion: null },
      { name: '__proto__', suggestion: null },
    ]);
  });

  it('[TOL-01] are all in a group', () => {
    const made = { ...workspaceTools({ workspace: new Workspace(new ConfinedFiles('/')), shell: err('') }) };
    // That one belongs to a chat, too: it is tested beside its source.
    const files = TOOL_GROUPS.fs.filter((name) => name !== 'send_file');
    expect(Object.keys(made)).toEqual([...files, ...TOOL_GROUPS.runtime]);
    expect(Object.keys(webTools({ network: [] }))).toEqual(TOOL_GROUPS.web);
    expect(Object.keys(groupInputs)).toEqual(TOOL_GROUPS.groups);
    expect([...toolsNamed(Object.keys(TOOL_GROUPS))]).toEqual(every);
  });
});
