import { describe, expect, it } from 'vitest';
import { CommandLine } from './parley.ts';

const ISO = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);

describe('[CLI-02] with --json, programs read', () => {
  it('a whole exchange of messages', async () => {
    using line = new CommandLine();
    expect(await line.json('register', 'agent-a', '-c', 'code,review', '-d', 'desk')).toEqual({
      agent_id: 'agent-a',
      capabilities: ['code', 'review'],
      device: 'desk',
      transport: 'sqlite',
      status: 'active',
      last_seen: ISO,
      metadata: {},
    });
    await line.register('agent-b');
    expect(await line.json('agents', '--capability', 'review', '--status', 'active')).toMatchObject({
      agents: [{ agent_id: 'agent-a' }],
    });

    const sent = ['send', 'agent-a', 'agent-b', 'Please build the login.', '-s', 'Login', '--id', 'm1'];
    const data = [
      '--priority',
      'urgent',
      '--ttl',
      '4',
      '--payload-type',
      'task_assignment',
      '--payload-data',
      '{"task_id":"T-7"}',
    ];
    expect(await line.json(...sent, '--conversation', 'c1', ...data)).toEqual({
      id: 'm1',
      duplicate: false,
      to: ['agent-b'],
      conversation_id: 'c1',
    });
    expect(await line.json(...sent)).toMatchObject({ id: 'm1', duplicate: true });

    const message = {
      id: 'm1',
      version: '2.0',
      from: 'agent-a',
      to: 'agent-b',
      subject: 'Login',
      body: 'Please build the login.',
      timestamp: ISO,
      priority: 'critical',
      routing: { reply_to: null, conversation_id: 'c1', ttl_hours: 4 },
      payload: { type: 'task_assignment', data: { task_id: 'T-7' } },
      metadata: {},
    };
    const polled = await line.json('poll', 'agent-b', '--lease', '600');
    expect(polled).toEqual({
      agent: 'agent-b',
      messages: [{ message, attempt: 1, max_attempts: 3, token: expect.stringMatching(/./), leased_until: ISO }],
    });
    const delivery = { to: 'agent-b', status: 'leased', attempts: 1, max_attempts: 3, reason: null };
    expect(await line.json('status', 'm1')).toEqual({ message, deliveries: [{ ...delivery, leased_until: ISO }] });
    expect(await line.json('nack', 'm1', 'agent-b', '--reason', 'not now')).toEqual({
      id: 'm1',
      agent: 'agent-b',
      status: 'queued',
    });

    expect(await line.json('conversations', '--agent', 'agent-b')).toEqual({
      conversations: [
        {
          conversation_id: 'c1',
          messages: 1,
          participants: ['agent-a', 'agent-b'],
          first_at: ISO,
          last_at: ISO,
          last_subject: 'Login',
        },
      ],
    });
    expect(await line.json('search', 'login')).toEqual({
      hits: [{ message, snippet: expect.stringMatching(/login/i) }],
    });
    expect(await line.json('search', '--conversation', 'c1')).toEqual({ conversation_id: 'c1', messages: [message] });
  });

  it('dead letters, and that they are delivered again', async () => {
    using line = new CommandLine();
    await line.register('agent-a', 'agent-b');
    for (const id of ['m1', 'm2']) await line.parley('send', 'agent-a', 'agent-b', id, '--id', id);
    for (let attempt = 1; attempt <= 3; attempt++) {
      await line.parley('poll', 'agent-b');
      for (const id of ['m1', 'm2']) await line.parley('nack', id, 'agent-b', '--reason', `no ${id}`);
    }
    const letter = (id: string) => ({
      agent: 'agent-b',
      reason: `no ${id}`,
      attempts: 3,
      given_up_at: ISO,
      message: expect.objectContaining({ id }),
    });
    expect(await line.json('dlq', 'list')).toEqual({ dead_letters: [letter('m1'), letter('m2')] });
    expect(await line.json('dlq', 'list', '--reason', 'm2')).toEqual({ dead_letters: [letter('m2')] });
    expect(await line.json('dlq', 'list', '--older-than', '1')).toEqual({ dead_letters: [] });
    expect(await line.json('dlq', 'show', 'm1')).toEqual({ dead_letters: [letter('m1')] });
    expect(await line.json('dlq', 'redrive', '--agent', 'agent-b', '--reason', 'm2')).toEqual({ redriven: 1 });
    expect(await line.json('dlq', 'redrive', 'm1')).toEqual({ redriven: 1 });
    expect(await line.json('dlq', 'redrive', '--all')).toEqual({ redriven: 0 });
    expect(await line.json('poll', 'agent-b')).toMatchObject({ messages: [{ attempt: 1 }, { attempt: 1 }] });
  });

  it('numbers, what was cleaned up, and what the doctor says', async () => {
    using line = new CommandLine();
    await line.register('agent-a', 'agent-b');
    await line.parley('send', 'agent-a', '*', 'To all', '--delay', '1h');
    const { metrics, ...stats } = Object(await line.json('stats', '--verify'));
    expect(stats).toMatchObject({
      total_messages: 1,
      deliveries: { queued: 1, leased: 0, acked: 0, failed: 0 },
      agents: { active: 2, inactive: 0 },
      verified: { ok: true },
    });
    expect(metrics.map(({ name }: { name: string }) => name)).toEqual([
      'queued_count',
      'leased_age_max',
      'failed_rate',
      'agent_inactive',
    ]);
    expect(await line.json('poll', 'agent-b')).toEqual({ agent: 'agent-b', messages: [] });
    expect(await line.json('cleanup', '--dry-run')).toEqual({ expired: 0, removed: 0, dry_run: true });
    expect(await line.json('config', 'validate')).toMatchObject({ mode: 'demo', warnings: [] });
    expect(await line.json('deregister', 'agent-b')).toEqual({ agent_id: 'agent-b', deregistered: true });

    const doctor = Object(await line.json('doctor'));
    expect(doctor.healthy).toBe(true);
    expect(doctor.checks.map(({ name }: { name: string }) => name)).toEqual(
      expect.arrayContaining([
        'node',
        'configuration',
        'database',
        'permissions',
        'disk',
        'log',
        'sqlite',
        'integrity',
      ]),
    );
    for (const check of doctor.checks)
      expect(check).toEqual({
        name: expect.any(String),
        outcome: expect.stringMatching(/^(ok|warning)$/),
        detail: expect.stringMatching(/./),
        fix: check.outcome === 'ok' ? null : expect.stringMatching(/./),
      });
  });
});
