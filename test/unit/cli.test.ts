// The command line as getopt_long reads it, and what it becomes.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  COMPATIBLE,
  type Invocation,
  type Options,
  readCommandLine,
  versionText,
} from '../../src/cli.ts';
import { insertSuffix } from '../../src/supervisor/identity.ts';
import { VERSION } from '../../src/version.ts';

function run(...words: string[]): Options {
  const invocation = readCommandLine(words);
  assert.equal(invocation.kind, 'run', JSON.stringify(invocation));
  return (invocation as Extract<Invocation, { kind: 'run' }>).options;
}

const error = (...words: string[]): string => {
  const invocation = readCommandLine(words);
  assert.equal(invocation.kind, 'error', JSON.stringify(invocation));
  return (invocation as Extract<Invocation, { kind: 'error' }>).text;
};

type Ran = Extract<Invocation, { kind: 'run' }>;

test("without words: keepalived's defaults", () => {
  assert.deepEqual(run(), {
    file: '/etc/keepalived/keepalived.conf',
    vrrp: true,
    check: true,
    console: false,
    detail: 0,
    facility: 3,
    keepIpvs: false,
    duties: { tells: false, observes: false, stays: false },
    all: false,
    respawn: true,
    daemon: true,
    coreDump: false,
    allConfig: false,
  });
});

test('--vrrp and --check, long and short: one child alone, or both', () => {
  const children = (...words: string[]): boolean[] => {
    const { vrrp, check } = run(...words);
    return [vrrp, check];
  };
  for (const word of ['-P', '--vrrp']) assert.deepEqual(children(word), [true, false]);
  for (const word of ['-C', '--check']) assert.deepEqual(children(word), [false, true]);
  assert.deepEqual(children('--vrrp', '--check'), [true, true]);
});

test('letters may stand together, the last one with its value glued or following', () => {
  for (const words of [['-nlDf', '/x'], ['-nlDf/x'], ['-n', '-l', '-D', '-f', '/x']]) {
    const options = run(...words);
    assert.deepEqual(
      [options.daemon, options.console, options.detail, options.file],
      [false, true, 1, '/x'],
    );
  }
  assert.equal(run('-DD', '-D').detail, 3);
});

test('long words take = or the next word, and may be shortened while they stay unambiguous', () => {
  for (const words of [['--use-file=/x'], ['--use-file', '/x'], ['--use=/x']])
    assert.equal(run(...words).file, '/x');
  assert.equal(run('--p', '/x').pid, '/x');
  assert.equal(error('--log=1'), 'Unknown option --log=1');
  assert.equal(error('--dont-re'), 'Unknown option --dont-re');
});

test('every option of this version has its effect', () => {
  assert.equal(run('-C').vrrp, false);
  assert.equal(run('-C').check, true);
  assert.deepEqual([run('-P').vrrp, run('-P').check], [true, false]);
  assert.deepEqual([run('-C', '-P').vrrp, run('-C', '-P').check], [true, true]);
  assert.equal(run('-I').keepIpvs, true);
  assert.equal(run('-G').facility, undefined);
  assert.equal(run('-S', '1').facility, 17);
  assert.equal(run('--log-facility=local7').facility, 23);
  assert.equal(run('-S', 'user').facility, 1);
  assert.equal(run('-R').respawn, false);
  assert.equal(run('-u', '0x12').umask, 0x12);
  assert.equal(run('-u', '022').umask, 0o22);
  assert.equal(run('-r', '/r').vrrpPid, '/r');
  assert.equal(run('-c', '/c').checkersPid, '/c');
  assert.equal(run('-s', 'blue').namespace, 'blue');
  assert.equal(run('-m').coreDump, true);
  assert.deepEqual([run('-M').coreDump, run('-M').corePattern], [true, 'core']);
  assert.equal(run('-Mcore.%p').corePattern, 'core.%p');
  assert.equal(run('-e').allConfig, true);
  assert.equal(run('-i', 'node1').configId, 'node1');
  assert.equal(run('-g').logFile, '/tmp/keepalived.log');
  assert.equal(run('-g/x').logFile, '/x');
});

test('a value that may be left out must be glued on; another word is a stray one', () => {
  const glued = readCommandLine(['-t/x', '-f', '/y']);
  assert.ok(glued.kind === 'test' && glued.output === '/x' && glued.options.file === '/y');
  const apart = readCommandLine(['-lt', '/x', 'y']);
  assert.ok(apart.kind === 'test' && apart.output === undefined);
  assert.equal(apart.notices.strays, 'Unexpected argument(s): /x y ');
});

test('-t implies the foreground, no respawn and no syslog', () => {
  const check = readCommandLine(['-t']);
  assert.ok(check.kind === 'test');
  const { daemon, respawn, facility } = check.options;
  assert.deepEqual([daemon, respawn, facility], [false, false, undefined]);
});

test('mistakes are named as keepalived names them', () => {
  assert.equal(error('-Z'), 'Unknown option -Z');
  assert.equal(error('-nZ'), 'Unknown option -Z');
  assert.equal(error('--foo=1'), 'Unknown option --foo=1');
  assert.equal(error('--version=3'), 'Unknown option --version=3');
  assert.equal(error('-f'), 'Missing parameter for option -f');
  assert.equal(error('--use-file'), 'Missing parameter for option --use-file');
  assert.equal(error('--use-file='), 'Missing parameter for option --use-file');
  assert.equal(error('--signum=stop'), 'Unknown sigfunc stop');
  assert.equal(error('--signum=constructor'), 'Unknown sigfunc constructor');
});

test('an option of a part that is not there yet is named, and genhash in another place is refused', () => {
  const { notices } = readCommandLine(['-x', '-A', 'udp:1', '--bfd_pid=/run/b']) as Ran;
  assert.deepEqual(notices.ignored, [
    '--bfd_pid: there is no BFD process yet',
    '--snmp: SNMP is not served yet',
    '--snmp-agent-socket: SNMP is not served yet',
  ]);
  assert.equal(error('-T'), '-T must be the first option');
});

test('-d, -a, -V and --all', () => {
  const run = (...words: readonly string[]): Ran => readCommandLine(words) as Ran;
  assert.deepEqual(run().options.duties, { tells: false, observes: false, stays: false });
  const { duties, all } = run('-daV', '--all').options;
  assert.deepEqual(duties, { tells: true, observes: true, stays: true });
  assert.equal(all, true);
  const long = ['--dump-conf', '--address-monitoring', '--dont-release-vrrp'];
  assert.deepEqual(run(...long).options.duties, duties);
});

test('a wrong facility or mask is reported and ignored', () => {
  const invocation = readCommandLine(['-S', '9', '-u', 'xx']);
  assert.ok(invocation.kind === 'run');
  assert.deepEqual(invocation.notices, {
    ignored: ["Invalid log facility '9'", 'Invalid --umask option xx'],
    counted: true,
  });
  assert.equal(invocation.options.facility, 3);
});

test('--signum gives the numbers that programs send', () => {
  const numbers = { STOP: 15, RELOAD: 1, DATA: 10, STATS: 12, STATS_CLEAR: 63 };
  for (const [word, number] of Object.entries(numbers))
    assert.deepEqual(readCommandLine([`--signum=${word}`]), {
      kind: 'print',
      text: String(number),
    });
});

test('the first of -v and -h decides, also before a mistake that follows', () => {
  assert.equal(readCommandLine(['-n', '-v', '-Z']).kind, 'version');
  assert.equal(readCommandLine(['-h', '-v']).kind, 'help');
  assert.equal(readCommandLine(['-Z', '-v']).kind, 'error');
});

test('line 1 word 2 of -v is a version that programs can parse; line 2 says what this is', () => {
  const [first = '', second = ''] = versionText('Linux 6', 'v20').split('\n');
  assert.match(first.split(' ')[1] ?? '', /^v\d+\.\d+\.\d+$/);
  assert.equal(first.split(' ')[1], `v${COMPATIBLE}`);
  assert.match(second, /keepalived-ts/);
});

test('the version is that of the package', () => {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  assert.equal((JSON.parse(text) as { version: string }).version, VERSION);
});

test('each process has its own log file', () => {
  assert.equal(insertSuffix('/var/log/ka.log', '_vrrp'), '/var/log/ka_vrrp.log');
  assert.equal(insertSuffix('/var/lo.g/ka', '_vrrp'), '/var/lo.g/ka_vrrp');
  assert.equal(insertSuffix('/var/.ka', '_vrrp'), '/var/.ka_vrrp');
});

test('any words give an answer, never an exception or an exit', () => {
  const word = fc.oneof(
    fc.string(),
    fc.constantFrom(
      '-',
      '--',
      '---',
      '-t',
      '-M',
      '-g',
      '-f',
      '--no-syslog',
      '--no_bfd',
      '-DtDD',
      '-S',
    ),
    fc.string().map((text) => `-${text}`),
    fc.string().map((text) => `--${text}`),
    fc.string().map((text) => `--use-file=${text}`),
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 8 }), (words) => {
      assert.ok(readCommandLine(words).kind.length > 0);
    }),
    { numRuns: 1000 },
  );
});

test('a first word that asks for something else', () => {
  assert.deepEqual(readCommandLine(['convert', '-i', 'x', 'a.conf']), {
    kind: 'tool',
    tool: 'convert',
    words: ['-i', 'x', 'a.conf'],
  });
  assert.equal(readCommandLine(['-n', 'convert']).kind, 'run');
});
