import { linkSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { going, requireSandbox, TEST_LIMITS, TestWorkspace } from '../../test/support/sandbox.ts';
import { systemClock } from '../lib/clock.ts';
import { openWorkspace } from './open-workspace.ts';

const done = { ok: true, value: undefined };

describe.each(['all', 'off'] as const)('the files of a workspace, with the sandbox %s', (mode) => {
  beforeEach(async (context) => {
    if (mode === 'all') await requireSandbox(context);
  });

  it('[TOL-01] are written, with their folders, and read', async () => {
    using workspace = await TestWorkspace.open(mode);
    expect(await workspace.files.write('a/b/c.txt', 'höhe\n', going())).toEqual(done);
    expect(await workspace.files.read('/workspace/a/b/c.txt', going())).toEqual({ ok: true, value: 'höhe\n' });
    expect(readFileSync(join(workspace.folder, 'a/b/c.txt'), 'utf8')).toBe('höhe\n');
    expect(await workspace.files.write('a/b/c.txt', '', going())).toEqual(done);
    expect(await workspace.files.read('a/b/c.txt', going())).toEqual({ ok: true, value: '' });
    expect(readdirSync(join(workspace.folder, 'a/b'))).toEqual(['c.txt']);
  });

  it('[TOL-02] are for nobody else', async () => {
    using workspace = await TestWorkspace.open(mode);
    await workspace.files.write('a', 'x', going());
    expect(statSync(workspace.folder).mode & 0o777).toBe(0o700);
    expect(statSync(join(workspace.folder, 'a')).mode & 0o777).toBe(0o600);
  });

  it('[TOL-01] keep their permissions when they are changed', async () => {
    using workspace = await TestWorkspace.open(mode);
    writeFileSync(join(workspace.folder, 'run'), 'echo 1\n', { mode: 0o755 });
    expect(await workspace.files.edit('run', '1', '2', going())).toEqual(done);
    expect(statSync(join(workspace.folder, 'run')).mode & 0o777).toBe(0o755);
  });

  it.each([
    ['-rf', '--help'],
    ['with space', "quote's"],
    ['$(id)', '`id`'],
    ['*', '?'],
    ['Zeile\nzwei', '🙂'],
  ])('[TOL-02] may be called %j and %j', async (one, other) => {
    using workspace = await TestWorkspace.open(mode);
    for (const name of [one, other]) expect(await workspace.files.write(`${one}/${name}`, name, going())).toEqual(done);
    for (const name of [one, other])
      expect(await workspace.files.read(`${one}/${name}`, going())).toEqual({ ok: true, value: name });
    const list = await workspace.files.list(one, going());
    expect(list.ok && list.value.items.map(({ name }) => name)).toEqual([one, other].sort());
  });

  it.each(['$&', '$1', "$`$'", '$$', '\\n\\1&', '</old>', ''])(
    '[TOL-02] [SEC-05] an edit puts %j there as it is',
    async (replacement) => {
      using workspace = await TestWorkspace.open(mode);
      await workspace.files.write('f', 'one (.*) three\n', going());
      expect(await workspace.files.edit('f', '(.*)', replacement, going())).toEqual(done);
      expect(await workspace.files.read('f', going())).toEqual({ ok: true, value: `one ${replacement} three\n` });
    },
  );

  it('[TOL-01] an edit wants its place exactly once', async () => {
    using workspace = await TestWorkspace.open(mode);
    await workspace.files.write('f', 'aXaXa', going());
    expect(await workspace.files.edit('f', 'X', 'Y', going())).toMatchObject({
      ok: false,
      error: expect.stringMatching(/more than once/),
    });
    expect(await workspace.files.edit('f', 'aXa', 'Y', going())).toMatchObject({
      ok: false,
      error: expect.stringMatching(/more than once/),
    });
    expect(await workspace.files.edit('f', 'Z', 'Y', going())).toMatchObject({
      ok: false,
      error: expect.stringMatching(/is not in the file/),
    });
    expect(await workspace.files.read('f', going())).toEqual({ ok: true, value: 'aXaXa' });
  });

  it('[TOL-01] edits that come together are all made', async () => {
    using workspace = await TestWorkspace.open(mode);
    const words = ['one', 'two', 'three', 'four', 'five'];
    await workspace.files.write('f', words.join(' '), going());
    await Promise.all(words.map((word) => workspace.files.edit('f', word, word.toUpperCase(), going())));
    expect(await workspace.files.read('f', going())).toEqual({ ok: true, value: 'ONE TWO THREE FOUR FIVE' });
  });

  it('[TOL-01] are listed by name, with kind and size', async () => {
    using workspace = await TestWorkspace.open(mode);
    await workspace.files.write('b', '123', going());
    await workspace.files.write('a/c', '', going());
    symlinkSync('b', join(workspace.folder, 'c'));
    const list = await workspace.files.list('.', going());
    expect(list).toMatchObject({
      ok: true,
      value: {
        items: [
          { name: 'a', kind: 'folder' },
          { name: 'b', kind: 'file', size: 3 },
          { name: 'c', kind: 'link' },
        ],
        cut: false,
      },
    });
  });

  it('[TOL-01] are searched for a text, not for a pattern', async () => {
    using workspace = await TestWorkspace.open(mode);
    await workspace.files.write('a/1', 'no\na.b\n', going());
    await workspace.files.write('2', 'axb\nsee a.b: here\n', going());
    writeFileSync(join(workspace.folder, 'binary'), 'a.b\0a.b');
    const wanted = { text: 'a.b', regex: false };
    const found = await workspace.files.search('.', wanted, going());
    expect(found.ok && found.value.items.toSorted((x, y) => (x.path < y.path ? -1 : 1))).toEqual([
      { path: '2', line: 2, text: 'see a.b: here' },
      { path: 'a/1', line: 2, text: 'a.b' },
    ]);
    expect(await workspace.files.search('a', wanted, going())).toMatchObject({ value: { items: [{ path: 'a/1' }] } });
    expect(await workspace.files.search('2', wanted, going())).toMatchObject({ value: { items: [{ path: '2' }] } });
    expect(await workspace.files.search('.', { text: 'zzz', regex: false }, going())).toMatchObject({
      value: { items: [], cut: false },
    });
  });

  it('[TOL-01] are searched whatever they are called', async () => {
    using workspace = await TestWorkspace.open(mode);
    await workspace.files.write('a\nb:1:x/c', 'found\n', going());
    const found = await workspace.files.search('.', { text: 'found', regex: false }, going());
    expect(found).toEqual({ ok: true, value: { items: [{ path: 'a\nb:1:x/c', line: 1, text: 'found' }], cut: false } });
  });

  it('[TOL-02] of which a list or a search finds a lot are cut off', async () => {
    using workspace = await TestWorkspace.open(mode);
    mkdirSync(join(workspace.folder, 'many'));
    for (let n = 0; n < 1_001; n++) writeFileSync(join(workspace.folder, 'many', `${n}`), 'found\n');
    const list = await workspace.files.list('many', going());
    expect(list.ok && [list.value.items.length, list.value.cut]).toEqual([1_000, true]);
    const found = await workspace.files.search('many', { text: 'found', regex: false }, going());
    expect(found.ok && [found.value.items.length, found.value.cut]).toEqual([200, true]);
  });

  it('[TOL-02] are refused when they are too large', async () => {
    using workspace = await TestWorkspace.open(mode);
    writeFileSync(join(workspace.folder, 'large'), 'x'.repeat(1024 * 1024 + 1));
    expect(await workspace.files.read('large', going())).toMatchObject({
      ok: false,
      error: expect.stringMatching(/larger than/),
    });
    expect(await workspace.files.write('f', 'é'.repeat(600_000), going())).toMatchObject({
      error: expect.stringMatching(/larger than/),
    });
    writeFileSync(join(workspace.folder, 'fits'), 'x'.repeat(1024 * 1024));
    expect((await workspace.files.read('fits', going())).ok).toBe(true);
  });

  it('[TOL-02] are read as they are, up to a size', async () => {
    using workspace = await TestWorkspace.open(mode);
    const content = Buffer.from(Array.from({ length: 2 * 1024 * 1024 }, (_, n) => n % 251));
    writeFileSync(join(workspace.folder, 'picture'), content);
    const read = await workspace.files.bytes('picture', content.length, going());
    expect(read.ok && read.value.equals(content)).toBe(true);
    expect(await workspace.files.bytes('picture', content.length - 1, going())).toEqual({
      ok: false,
      error: `The file is larger than ${content.length - 1} bytes.`,
    });
    expect(await workspace.files.bytes('../picture', content.length, going())).toMatchObject({ ok: false });
  });

  it.each([
    ['of bytes', Buffer.from([0xff, 0xfe, 0x41])],
    ['with NUL', Buffer.from('a\0b')],
  ])('[TOL-01] %s are not taken for text', async (_what, content) => {
    using workspace = await TestWorkspace.open(mode);
    writeFileSync(join(workspace.folder, 'f'), content);
    expect(await workspace.files.read('f', going())).toMatchObject({
      ok: false,
      error: expect.stringMatching(/binary/),
    });
    expect(await workspace.files.edit('f', 'A', 'B', going())).toMatchObject({
      ok: false,
      error: expect.stringMatching(/binary/),
    });
    expect(readFileSync(join(workspace.folder, 'f'))).toEqual(content);
  });

  it('[TOL-02] that cannot be are told, and where on this machine is not', async () => {
    using workspace = await TestWorkspace.open(mode);
    await workspace.files.write('f', 'x', going());
    mkdirSync(join(workspace.folder, 'd'));
    const wanted = { text: 'x', regex: false };
    const refusals = await Promise.all([
      workspace.files.read('none', going()),
      workspace.files.read('d', going()),
      workspace.files.read('f/x', going()),
      workspace.files.read('.', going()),
      workspace.files.write('d', 'x', going()),
      workspace.files.write('f/x', 'x', going()),
      workspace.files.write('.', 'x', going()),
      workspace.files.edit('none', 'a', 'b', going()),
      workspace.files.list('none', going()),
      workspace.files.list('f', going()),
      workspace.files.search('none', wanted, going()),
    ]);
    for (const refusal of refusals) {
      expect(refusal).toMatchObject({ ok: false, error: expect.stringMatching(/\w/) });
      expect(JSON.stringify(refusal)).not.toContain(workspace.outside);
    }
  });

  it.each([
    ['a link to a file outside', 'secret'],
    ['a link to a folder outside', 'folder/secret'],
    ['a link to a link', 'twice/secret'],
  ])('[TOL-02] [SEC-05] %s leads nowhere', async (_what, path) => {
    using workspace = await TestWorkspace.open(mode);
    const secret = plantSecret(workspace);
    expect(await workspace.files.read(path, going())).toMatchObject({ ok: false });
    expect(await workspace.files.bytes(path, 1_000, going())).toMatchObject({ ok: false });
    expect(await workspace.files.edit(path, 'secret', 'x', going())).toMatchObject({ ok: false });
    await workspace.files.write(path, 'overwritten', going());
    await workspace.files.write(`${path}/more`, 'overwritten', going());
    const found = await workspace.files.search('.', { text: 'the secret', regex: false }, going());
    expect(found.ok && found.value.items).toEqual([]);
    expect(JSON.stringify(await workspace.files.list('folder', going()))).not.toContain('secret');
    expect(readFileSync(secret, 'utf8')).toBe('the secret');
    expect(readdirSync(join(workspace.outside, 'elsewhere'))).toEqual(['secret']);
  });

  /** A secret outside, and links to it inside. */
  function plantSecret({ outside, folder }: TestWorkspace): string {
    const elsewhere = join(outside, 'elsewhere');
    mkdirSync(elsewhere, { mode: 0o777 });
    const secret = join(elsewhere, 'secret');
    writeFileSync(secret, 'the secret', { mode: 0o666 });
    symlinkSync(secret, join(folder, 'secret'));
    symlinkSync(elsewhere, join(folder, 'folder'));
    symlinkSync('folder', join(folder, 'twice'));
    return secret;
  }
});

describe('without a sandbox', () => {
  it('[TOL-02] a file that is somewhere else, too, is not read', async () => {
    using workspace = await TestWorkspace.open('off');
    writeFileSync(join(workspace.outside, 'secret'), 'the secret');
    linkSync(join(workspace.outside, 'secret'), join(workspace.folder, 'linked'));
    expect(await workspace.files.read('linked', going())).toMatchObject({
      ok: false,
      error: expect.stringMatching(/hard links/),
    });
    await workspace.files.write('linked', 'overwritten', going());
    expect(readFileSync(join(workspace.outside, 'secret'), 'utf8')).toBe('the secret');
  });

  it('[TOL-02] there are no commands, and it is said why', async () => {
    using workspace = await TestWorkspace.open('off');
    expect(workspace.shell).toMatchObject({ ok: false, error: expect.stringMatching(/sandbox\.mode is off/) });
  });

  it('[TOL-02] a search does not open folder after folder without end', async () => {
    using workspace = await TestWorkspace.open('off');
    const deep = 'd/'.repeat(1_400);
    expect(await workspace.files.write(`${deep}f`, 'found', going())).toMatchObject({ ok: true });
    const found = await workspace.files.search('.', { text: 'found', regex: false }, going());
    expect(found).toEqual({ ok: true, value: { items: [], cut: true } });
    const nearby = await workspace.files.search(deep, { text: 'found', regex: false }, going());
    expect(nearby.ok && nearby.value.items).toHaveLength(1);
  });

  it('[TOL-02] there are no regular expressions, which could take for ever', async () => {
    using workspace = await TestWorkspace.open('off');
    expect(await workspace.files.search('.', { text: '(a+)+$', regex: true }, going())).toMatchObject({ ok: false });
  });
});

describe('with a sandbox', () => {
  beforeEach(requireSandbox);

  it('[TOL-01] a regular expression is searched for', async () => {
    using workspace = await TestWorkspace.open('all');
    await workspace.files.write('f', 'one\nt[w]o\nthree\n', going());
    const found = await workspace.files.search('.', { text: '^t.+o$|^o', regex: true }, going());
    expect(found.ok && found.value.items.map(({ line }) => line)).toEqual([1, 2]);
    const broken = await workspace.files.search('.', { text: '(', regex: true }, going());
    expect(broken).toMatchObject({ ok: false, error: expect.stringMatching(/Unmatched/) });
  });
});

describe('the folder of a workspace', () => {
  it('[TOL-02] that is a file is an error of the configuration', async () => {
    using workspace = await TestWorkspace.open('off');
    writeFileSync(join(workspace.folder, 'f'), '');
    const folder = join(workspace.folder, 'f');
    await expect(openWorkspace({ folder, mode: 'off', limits: TEST_LIMITS, clock: systemClock })).rejects.toMatchObject(
      { code: 'CONFIG_INVALID', message: expect.stringContaining(folder) },
    );
  });
});
