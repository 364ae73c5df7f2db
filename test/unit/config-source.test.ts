// Files as they are found on disk, and what is known of the machine.

import assert from 'node:assert/strict';
import {
  chmodSync,
  lchownSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, describe, it } from 'node:test';
import { daemonStatus, exitStatus } from '../../src/config/diagnostic.ts';
import {
  gatherFacts,
  type Loaded,
  loadConfiguration,
  nameInHosts,
} from '../../src/config/source.ts';

const folder = mkdtempSync(join(tmpdir(), 'ka-config-source-'));
after(() => rmSync(folder, { recursive: true, force: true }));

function write(name: string, text: string, mode = 0o644): string {
  const path = join(folder, name);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

const load = (file: string, more: { allConfig?: boolean; configId?: string } = {}): Loaded =>
  loadConfiguration({ file, directory: folder, ...more });
const verdict = (loaded: Loaded): unknown[] => [
  loaded.diagnostics.map((d) => d.id),
  exitStatus(loaded.diagnostics),
  daemonStatus(loaded.diagnostics),
];

describe('the file of -f', () => {
  it('may be missing for -t, but no daemon starts without it', () => {
    assert.deepEqual(verdict(load('nowhere')), [['file-missing'], 0, 6]);
    assert.deepEqual(verdict(load('none*')), [['file-no-match'], 0, 6]);
    assert.deepEqual(verdict(load('nowhere', { allConfig: true })), [['file-missing'], 4, 6]);
  });

  it('is neither a directory nor a program', () => {
    mkdirSync(join(folder, 'd'), { recursive: true });
    write('program', 'use_pid_dir\n', 0o755);
    assert.deepEqual(verdict(load('d')), [['file-directory'], 0, 6]);
    assert.deepEqual(verdict(load('program')), [['file-not-plain'], 0, 6]);
  });

  it('may be several files, which is said', () => {
    const one = write('several/1.conf', 'global_defs {\nrouter_id a\n}\n');
    const two = write('several/2.conf', 'global_defs {\nvrrp_version 3\n}\n');
    const loaded = load('several/*.conf');
    assert.deepEqual(verdict(loaded), [['several-files'], 5, undefined]);
    assert.equal(loaded.config?.global_defs.router_id, 'a');
    assert.equal(loaded.config?.global_defs.vrrp_version, 3);
    assert.deepEqual(loaded.files, [one, two]);
  });

  it('may be empty', () => {
    const loaded = load(write('empty.conf', ''));
    assert.deepEqual(verdict(loaded), [[], 0, undefined]);
    assert.deepEqual(loaded.config?.vrrp_instance, []);
  });
});

describe('included files', () => {
  it('are looked up beside the file that names them', () => {
    write('in/inner/leaf.conf', 'router_id leaf\n');
    write('in/inner/mid.conf', 'include leaf.conf\n');
    const loaded = load(write('in/main.conf', 'global_defs {\ninclude inner/mid.conf\n}\n'));
    assert.deepEqual(verdict(loaded), [[], 0, undefined]);
    assert.equal(loaded.config?.global_defs.router_id, 'leaf');
  });

  it('are found to include themselves', () => {
    write('cycle/a.conf', 'use_pid_dir\ninclude b.conf\n');
    write('cycle/b.conf', 'include a.conf\n');
    const loaded = load('cycle/a.conf');
    assert.deepEqual(verdict(loaded), [['include-cycle'], 5, undefined]);
    assert.equal(loaded.config?.use_pid_dir, true);
  });

  it('stop everything where their keyword says so', () => {
    const loaded = load(write('must.conf', 'includem nowhere\nfoo\n'));
    assert.deepEqual(verdict(loaded), [['include-missing'], 6, 6]);
    assert.equal(loaded.config, undefined);
  });
});

describe('what is wrong', () => {
  it('is said file by file and line by line, and at the end what ends the daemon', () => {
    write('order/b.conf', 'vrrp_script c {\nscript /no/such\nfoo\n}\n');
    const main = [
      ...['include b.conf', 'vrrp_instance B {', 'interface lo', '}', 'vrrp_instance A {'],
      ...['interface lo', 'priority 300', 'virtual_router_id 5', 'bar', 'virtual_ipaddress {'],
      ...['10.9.0.300', '}', '}', 'include c.conf', 'baz', ''],
    ];
    write('order/c.conf', 'use_pid_dirs\n');
    const { diagnostics } = load(write('order/a.conf', main.join('\n')));
    const said = diagnostics.map((d) => `${d.file?.split('/').at(-1)}:${d.line} ${d.id}`);
    assert.deepEqual(said, [
      'a.conf:3 loopback',
      'a.conf:6 loopback',
      'a.conf:7 number-out-of-range',
      'a.conf:9 unknown-keyword',
      'a.conf:11 invalid-address',
      'a.conf:15 unknown-keyword',
      'b.conf:1 script-security',
      'b.conf:2 script-unusable',
      'b.conf:3 unknown-keyword',
      'c.conf:1 unknown-keyword',
      'a.conf:2 vrid-missing',
      'a.conf:6 interface-missing',
    ]);
    assert.deepEqual(diagnostics.at(-1)?.severity, 'fatal');
  });
});

describe('the namespace of the file', () => {
  it('is told even where nothing else can be used', () => {
    const loaded = load(
      write('ns.conf', 'net_namespace blue\nvrrp_instance A {\ninterface no-such-if\n}\n'),
    );
    assert.equal(loaded.config, undefined);
    assert.equal(loaded.net_namespace, 'blue');
  });
});

describe('facts', () => {
  const facts = gatherFacts();
  const root = { uid: 0, gid: 0 };

  it('know interfaces and accounts', () => {
    assert.equal(facts.interfaces.get('lo')?.loopback, true);
    assert.ok((facts.interfaces.get('lo')?.mtu ?? 0) >= 1280);
    assert.deepEqual(facts.user('root'), root);
    assert.equal(facts.user('0'), undefined);
    assert.equal(facts.user('no such user'), undefined);
    assert.equal(facts.group('root'), 0);
  });

  it('have the MTU that the kernel tells, which is asked once and only when somebody needs it', () => {
    let asked = 0;
    const links = () => {
      asked += 1;
      return new Map([['lo', { mac: '', mtu: 300 }]]);
    };
    const { interfaces } = gatherFacts({ links });
    assert.equal(asked, 0);
    assert.equal(interfaces.get('lo')?.mtu, 300);
    assert.equal(interfaces.get('lo')?.mtu, 300);
    assert.equal(asked, 1);
    // One that came in between, or nobody to ask.
    assert.ok((gatherFacts({ links: () => new Map() }).interfaces.get('lo')?.mtu ?? 0) >= 1280);
  });

  it('find commands and say what is wrong with them', () => {
    const { message } = facts.inspect('no-such-program-anywhere', root);
    assert.equal(message, 'Cannot find script no-such-program-anywhere in path - disabling');
    const found = facts.inspect('sh', root);
    assert.match(found.message ?? '', /resolved by path search to/);
    assert.ok(found.path?.startsWith('/'));
    assert.equal(
      facts.inspect(join(folder, 'absent'), root).message,
      `Script ${join(folder, 'absent')} cannot be accessed - No such file or directory`,
    );
    assert.match(facts.inspect(folder, root).message ?? '', /^Wrong file type found/);
    const plain = write('plain', '');
    assert.match(facts.inspect(plain, root).message ?? '', /is not executable for uid:gid 0:0/);
  });

  it('run a link to a file beside it by its own name, as keepalived does', () => {
    const program = write('beside', '#!/bin/sh\n', 0o755);
    symlinkSync('beside', join(folder, 'name'));
    symlinkSync('.', join(folder, 'again'));
    const pathOf = (path: string): string | undefined =>
      facts.inspect(join(folder, path), root).path;
    assert.equal(pathOf('name'), join(dirname(program), 'name'));
    assert.equal(pathOf('again/name'), join(dirname(program), 'name'));
    assert.equal(pathOf('again/beside'), program);
    // Who owns the link decides what runs.
    lchownSync(join(folder, 'name'), 65534, 65534);
    assert.match(facts.inspect(join(folder, 'name'), root).insecure ?? '', /^Unsafe permissions/);
  });

  it('run the file behind a link', () => {
    mkdirSync(join(folder, 'elsewhere'));
    const program = write('elsewhere/real', '#!/bin/sh\n', 0o755);
    symlinkSync(program, join(folder, 'link'));
    assert.equal(facts.inspect(join(folder, 'link'), root).path, program);
  });

  it('call a script insecure that others may write, for root', () => {
    const loose = write('loose', '#!/bin/sh\n', 0o777);
    const { insecure, remedy } = facts.inspect(loose, root);
    assert.match(insecure ?? '', /^Unsafe permissions found/);
    assert.equal(remedy, `${loose} can be written by others than root: chmod go-w ${loose}`);
    chmodSync(loose, 0o755);
    assert.equal(facts.inspect(loose, root).insecure, undefined, 'that mends it');
    chmodSync(loose, 0o777);
    assert.equal(facts.inspect(loose, { uid: 65534, gid: 65534 }).insecure, undefined);
  });

  it('trust the group of root, for the file and for its folder', () => {
    mkdirSync(join(folder, 'shared'));
    const program = write('shared/program', '#!/bin/sh\n', 0o775);
    chmodSync(join(folder, 'shared'), 0o2775);
    assert.equal(facts.inspect(program, root).insecure, undefined);
    for (const path of [program, join(folder, 'shared')]) {
      lchownSync(path, 0, 100);
      assert.match(facts.inspect(program, root).remedy ?? '', /: chmod go-w /);
      lchownSync(path, 0, 0);
    }
  });

  it('find nothing behind a slash after the name of a file', () => {
    const program = write('behind', '#!/bin/sh\n', 0o755);
    assert.match(facts.inspect(`${program}/`, root).message ?? '', /- Not a directory$/);
  });
});

it('the name of this machine is the first one in its line of /etc/hosts', () => {
  const hosts = [
    '127.0.0.1 localhost',
    '# 10.0.0.1 a.example.com lb1',
    '10.0.0.2 lb1.example.com lb1 x',
  ];
  assert.equal(nameInHosts('lb1', hosts), 'lb1.example.com');
  assert.equal(nameInHosts('lb2', hosts), 'lb2');
});
