// The same words to keepalived 2.2.7 and to ours: what programs see of a command line, its status and standard output.
// Needs both programs, but no network and no root.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { cleanEnvironment } from '../netns/command.ts';
import { requireProgram } from '../netns/programs.ts';

const folder = mkdtempSync(join(tmpdir(), 'ka-cli-'));
after(() => rmSync(folder, { recursive: true }));
const empty = join(folder, 'empty.conf');
writeFileSync(empty, '');
const built = fileURLToPath(new URL('../../dist/keepalived.js', import.meta.url));
const ours = [process.execPath, process.env.KEEPALIVED_TEST_PROGRAM ?? built];

interface Answer {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function ask(program: readonly string[], words: readonly string[]): Answer {
  const [file = '', ...before] = program;
  const env = cleanEnvironment();
  const { status, stdout, stderr } = spawnSync(file, [...before, ...words], {
    env,
    // `-tf` names a file to write: it goes where it is removed with the rest.
    cwd: folder,
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

const lines: readonly (readonly string[])[] = [
  ...['STOP', 'RELOAD', 'DATA', 'STATS', 'STATS_CLEAR'].map((word) => [`--signum=${word}`]),
  ['--signum', 'DATA'],
  ['--signum=stop'],
  ['--signum=TDUMP'],
  ['--signum'],
  ['-Z'],
  ['-nlZ'],
  ['--foo'],
  ['--foo=1'],
  ['--version=3'],
  ['-f'],
  ['--use-file'],
  ['--use-file='],
  ['-p'],
  ['--log'],
  ['-t', '-f', empty],
  ['-tf', empty],
  [`-tf${empty}`],
  ['-lDtf', empty, 'stray', 'words'],
  ['--config-test', '--use-file', empty],
  ['--config-te', `--use=${empty}`],
  ...[['-d'], ['-a'], ['-V'], ['-x'], ['--all'], ['-b', '/tmp/b'], ['-A', 'udp:1']].map((words) => [
    ...words,
    '-t',
    '-f',
    empty,
  ]),
  ['--dump'],
  ['-b'],
  ['-A'],
  ['--bfd_pid='],
  ['-L'],
  ['-O'],
  ['-t', '-f', join(folder, 'missing.conf')],
  ['-t', '-e', '-f', join(folder, 'missing.conf')],
  ['-t', '-S', '9', '-f', empty],
  ['-t', '-u', 'xx', '-f', empty],
  ['-t', '-S', '3', '-f', empty],
  ['-t', '-f', empty, '-i', 'node'],
  ['-t', '-f', empty, '--', '-Z'],
  [`-t${join(folder, 'no', 'such', 'folder')}`, '-f', empty],
];

for (const words of lines)
  test(`keepalived ${words.map((word) => word.replace(folder, '')).join(' ')}`, () => {
    const theirs = ask([requireProgram('keepalived')], words);
    const own = ask(ours, words);
    assert.deepEqual(
      { status: own.status, stdout: own.stdout },
      { status: theirs.status, stdout: theirs.stdout },
      `keepalived: ${theirs.stderr}ours: ${own.stderr}`,
    );
    // What getopt finds wrong is also said in the same words.
    // keepalived prints a byte of its own for a long option whose value is missing.
    if (/^(Unknown|Missing)/.test(theirs.stderr) && !theirs.stderr.includes('\u0002'))
      assert.equal(own.stderr, theirs.stderr);
  });

test('a facility by name is accepted; keepalived takes it too, but counts it as a mistake', () => {
  const words = ['-t', '-S', 'local3', '-f', empty];
  const theirs = ask([requireProgram('keepalived')], words);
  assert.deepEqual([theirs.status, theirs.stderr], [5, "invalid number 'local3'\n"]);
  assert.deepEqual(ask(ours, words), { status: 0, stdout: '', stderr: '' });
});

test('-v: all on standard error, several lines, word 2 of line 1 the same version', () => {
  const theirs = ask([requireProgram('keepalived')], ['-v']);
  const own = ask(ours, ['-v']);
  assert.deepEqual([own.status, own.stdout], [0, '']);
  const version = (answer: Answer): string | undefined => answer.stderr.split(/\s/)[1];
  assert.equal(version(own), version(theirs));
  assert.ok(own.stderr.split('\n').length > 2);
});

/** systemd's module of NSS knows accounts from files in /run/userdb; what follows runs with such accounts. */
const WITH_ACCOUNTS = [
  'mount -t tmpfs none /run && mkdir /run/userdb && cd /run/userdb &&',
  `echo '{"userName":"lonely","uid":61234,"gid":61234}' > lonely.user && ln -s lonely.user 61234.user &&`,
  `echo '{"groupName":"lonelies","gid":61235}' > lonelies.group && ln -s lonelies.group 61235.group &&`,
  `mount -t tmpfs none /mnt && printf 'passwd: files systemd\\ngroup: files systemd\\n' > /mnt/nsswitch.conf &&`,
  'mount --bind /mnt/nsswitch.conf /etc/nsswitch.conf && exec "$@"',
].join(' ');
const inside = ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', WITH_ACCOUNTS, 'sh'];

test('users and groups that only NSS knows are those that scripts run as', () => {
  assert.equal(
    ask(inside, ['getent', 'passwd', 'lonely']).status,
    0,
    'libnss-systemd is installed',
  );
  requireProgram('keepalived');
  const verdict = (words: string): unknown => {
    const file = join(folder, 'nss.conf');
    writeFileSync(file, `global_defs {\nenable_script_security\nscript_user ${words}\n}\n`);
    const asked = ['-t', '-f', file];
    const theirs = ask([...inside, 'keepalived'], asked).status;
    assert.equal(ask([...inside, ...ours], asked).status, theirs, words);
    return theirs;
  };
  assert.deepEqual(
    ['lonely', 'lonely lonelies', 'root lonelies', 'lonelies', 'lonely lonely'].map(verdict),
    [0, 0, 0, 5, 5],
  );
});
