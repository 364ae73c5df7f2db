// docs/keepalived.service under the systemd of Debian 12: what an administrator sees of starting, reloading, killing and
// stopping, and what the journal has, line for line beside keepalived 2.2.7 under Debian's own unit.

import assert from 'node:assert/strict';
import { existsSync, lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { runInside } from './machine.ts';
import type { Entry, Input, Lap, Look, Seen, Step } from './unit.ts';

const OWN = '10.0.0.1';
/** After the reload. */
const ALL = [OWN, '10.0.0.100', '10.0.0.101'];

const input: Input = {
  config: `
global_defs {
  router_id lab
  script_user root
  startup_script /etc/keepalived/startup
}
vrrp_instance VI_1 {
  interface eth0
  virtual_router_id 51
  priority 150
  version 3
  advert_int 0.2
  virtual_ipaddress {
    ADDRESSES
  }
}
virtual_server 10.0.0.200 80 {
  delay_loop 60
  protocol TCP
  lvs_sched rr
  lvs_method NAT
  real_server 10.0.0.2 80 {
    TCP_CHECK {
      connect_timeout 1
      warmup 1
      retry 0
    }
  }
}
`,
};

/** Where systemd, the journal and the packages of a machine write. */
const HOST = ['/etc', '/var/lib/systemd', '/var/log/journal', '/usr/sbin', '/lib/systemd/system'];

/** Each file with its size and the time when it was written last. */
const listing = (): string[] =>
  HOST.filter((folder) => existsSync(folder)).flatMap((folder) =>
    ['.', ...readdirSync(folder, { recursive: true, encoding: 'utf8' })].map((name) => {
      const { ino, size, mtimeMs, mode } = lstatSync(join(folder, name));
      return `${join(folder, name)} ${ino} ${size} ${mtimeMs} ${mode}`;
    }),
  );

let seen: Seen;
let ours: Lap;
let keepalived: Lap;
let written: readonly string[];
before(async () => {
  const listed = listing();
  seen = await runInside<Seen>(import.meta.resolve('./unit.ts'), {
    input,
    first: 'systemd',
    milliseconds: 300_000,
  });
  ({ ours, keepalived } = seen.laps);
  const were = new Set(listed);
  const are = listing();
  written = [...are.filter((one) => !were.has(one)), ...listed.filter((one) => !are.includes(one))];
});

const stepsOf = ({ start, reload, broken, orphaned, killed, stop, refused }: Lap): Step[] => [
  start,
  reload,
  broken,
  orphaned,
  killed,
  stop,
  refused,
];

const textOf = ({ journal }: Step): string =>
  journal.map(({ identifier, text }) => `${identifier}: ${text}`).join('\n');

/** Running, one family of processes, and PID file and systemd know its head. */
function isWell({ properties, processes, pidFile }: Look, what: string): void {
  const { Type, ActiveState, SubState, Result, StatusText, MainPID } = properties;
  assert.deepEqual(
    { Type, ActiveState, SubState, Result, StatusText },
    {
      Type: 'notify',
      ActiveState: 'active',
      SubState: 'running',
      Result: 'success',
      StatusText: '',
    },
    what,
  );
  assert.equal(pidFile, MainPID, what);
  const parent = Number(MainPID);
  for (const one of processes)
    assert.equal(one.parent, one.pid === parent ? 1 : parent, `${what}: ${one.pid} ${one.name}`);
}

it('leaves the host as it is', () => {
  assert.match(seen.version, /^systemd 252 /);
  const mounts = seen.mounts.map((line) => line.split(' '));
  assert.deepEqual(
    mounts.filter(([, place]) => place === '/').map(([, , type]) => type),
    ['overlay'],
  );
  const writable = mounts.filter(([, , type, how]) => type === 'hostfs' && !how?.startsWith('ro'));
  assert.equal(writable.length, 1, seen.mounts.join('\n'));
  assert.match(writable[0]?.[1] ?? '', /^\/var\/tmp\/ka-uml-[^/]+$/);
  assert.deepEqual(written, []);
});

for (const kind of ['ours', 'keepalived'] as const)
  describe(kind, () => {
    const lap = (): Lap => seen.laps[kind];

    it('start returns when the daemon is ready, and not before', () => {
      const { waiting, start } = lap();
      assert.equal(waiting.returned, false, textOf(start));
      assert.equal(waiting.look.properties.ActiveState, 'activating');
      assert.equal(start.answer.status, 0, start.answer.text);
      isWell(start.look, textOf(start));
    });

    it('status has its processes and its log', () => {
      const { status, start } = lap();
      assert.equal(status.status, 0);
      assert.match(status.text, /Active: active \(running\)/);
      assert.match(
        status.text,
        RegExp(`Main PID: ${start.look.properties.MainPID} \\(keepalived\\)`),
      );
      assert.match(status.text, /keepalived --dont-fork -D\n/);
      assert.match(status.text, /Keepalived_\w+\[\d+\]: \S/);
    });

    it('a VRRP child that is killed is replaced, and the unit knows nothing of it', () => {
      const { broken, orphaned } = lap();
      isWell(orphaned.look, textOf(orphaned));
      assert.equal(orphaned.look.properties.NRestarts, '0');
      assert.deepEqual(orphaned.look.addresses, ALL);
      assert.match(textOf(orphaned), /Keepalived: VRRP child process\(\d+\) died: Respawning/);
      if (kind === 'ours') {
        assert.equal(orphaned.look.properties.MainPID, broken.look.properties.MainPID);
        assert.deepEqual(orphaned.heard, [150]);
      }
    });

    it('stop is clean', () => {
      const { stop } = lap();
      const { ActiveState, SubState, Result, ExecMainStatus } = stop.look.properties;
      assert.equal(stop.answer.status, 0);
      assert.deepEqual(
        { ActiveState, SubState, Result, ExecMainStatus },
        { ActiveState: 'inactive', SubState: 'dead', Result: 'success', ExecMainStatus: '0' },
      );
      assert.deepEqual(stop.look.processes, []);
      assert.deepEqual(stop.look.addresses, [OWN]);
      assert.equal(stop.look.pidFile, undefined);
      assert.equal(stop.heard.at(-1), 0);
      assert.match(textOf(stop), /systemd: keepalived.service: Deactivated successfully/);
      assert.doesNotMatch(textOf(stop), /SIGKILL|died|timed out/);
    });

    it('a start with a file that is wrong fails, once, and the journal says why', () => {
      const { refused } = lap();
      const { ActiveState, Result, NRestarts, ExecMainStatus } = refused.look.properties;
      assert.notEqual(refused.answer.status, 0);
      assert.deepEqual(
        { ActiveState, Result, NRestarts, ExecMainStatus },
        { ActiveState: 'failed', Result: 'exit-code', NRestarts: '0', ExecMainStatus: '2' },
      );
      assert.match(textOf(refused), /Line 14\) VRRP parsed invalid IP nonsense/);
    });
  });

describe('only ours', () => {
  it('reload returns when the new file is in force', () => {
    const { start, deaf, reload } = ours;
    assert.deepEqual([deaf.look.properties.ActiveState, deaf.returned], ['reloading', false]);
    // Under Debian's unit it returns, whatever the daemon does.
    assert.equal(keepalived.deaf.look.properties.ActiveState, 'active');
    assert.equal(reload.answer.status, 0, reload.answer.text);
    isWell(reload.look, textOf(reload));
    assert.equal(reload.look.properties.MainPID, start.look.properties.MainPID);
    assert.deepEqual(reload.look.addresses, ALL);
    assert.deepEqual(reload.heard, [150]);
    assert.match(textOf(reload), /Keepalived: Reload complete/);
  });

  it('reload of a file that is wrong changes nothing, and when it returns the journal has the reason', () => {
    const { broken, start } = ours;
    isWell(broken.look, textOf(broken));
    assert.equal(broken.look.properties.MainPID, start.look.properties.MainPID);
    assert.deepEqual(broken.look.addresses, ALL);
    assert.deepEqual(broken.heard, [150]);
    const errors = broken.journal.filter(({ priority }) => priority === '3');
    assert.match(errors[0]?.text ?? '', /Line 14\) VRRP parsed invalid IP nonsense/);
    assert.equal(
      errors.at(-1)?.text,
      'Configuration not reloaded: the previous one stays in force',
    );
    const reloaded = broken.journal.find(({ text }) => text.startsWith('Reloaded keepalived'));
    assert.ok((errors.at(-1)?.at ?? 0) < (reloaded?.at ?? 0), JSON.stringify(broken.journal));
  });

  it('a parent that is killed is started again; its children leave in order, and nothing is there twice', () => {
    const { orphaned, killed, start } = ours;
    isWell(killed.look, textOf(killed));
    assert.equal(killed.look.properties.NRestarts, '1');
    const old = new Set(orphaned.look.processes.map(({ pid }) => pid));
    assert.deepEqual(
      killed.look.processes.filter(({ pid }) => old.has(pid)),
      [],
    );
    assert.equal(killed.look.processes.length, start.look.processes.length);
    assert.deepEqual(killed.look.addresses, ALL);
    assert.deepEqual(killed.heard.slice(0, 2), [150, 0]);
    // Nobody had to kill them.
    assert.doesNotMatch(textOf(killed), /Killing process/);
  });
});

describe('the journal', () => {
  const syslogOf = (lap: Lap): Entry[] =>
    stepsOf(lap)
      .flatMap(({ journal }) => journal)
      .filter(({ identifier }) => identifier !== 'systemd');

  it('has everything through syslog, from whom it says, without a date of its own', () => {
    const all = syslogOf(ours);
    assert.ok(all.length > 60, String(all.length));
    assert.deepEqual([...new Set(all.map(({ identifier }) => identifier))].sort(), [
      'Keepalived',
      'Keepalived_healthcheckers',
      'Keepalived_vrrp',
    ]);
    for (const entry of all) {
      const { text, transport, facility, pids } = entry;
      assert.deepEqual({ transport, facility }, { transport: 'syslog', facility: '3' }, text);
      assert.equal(pids[0], pids[1], text);
      assert.doesNotMatch(text, /\b\d\d:\d\d:\d\d\b(?!.*Node)|Keepalived(_\w+)?\[\d+\]/, text);
    }
  });

  it('has each message once', () => {
    for (const { journal } of stepsOf(ours)) {
      const texts = journal
        .filter(({ identifier }) => identifier !== 'systemd')
        // Five for each address, and once more after garp_master_delay.
        .filter(({ text }) => !/[Ss]ending.* gratuitous ARP/.test(text))
        .map(({ text, pids }) => `${pids[0]}: ${text}`);
      assert.deepEqual(texts, [...new Set(texts)]);
    }
  });

  /** Who says each text, and how urgently; numbers of processes are other ones each time. */
  function faces(lap: Lap): Map<string, string> {
    const all = new Map<string, Set<string>>();
    for (const { text, identifier, priority } of syslogOf(lap)) {
      // What is wrong in the file is said by the one process that reads it, as an error; keepalived's processes all read it.
      if (text.startsWith('(/etc/keepalived/')) continue;
      const masked = text.replace(/\d+/g, 'N');
      all.set(masked, (all.get(masked) ?? new Set()).add(`${identifier} ${priority}`));
    }
    return new Map([...all].map(([text, who]) => [text, [...who].sort().join(', ')]));
  }

  it('has keepalived’s lines under the same name, with the same priority', () => {
    const theirs = faces(keepalived);
    const same = [...faces(ours)].filter(([text]) => theirs.has(text));
    assert.ok(same.length > 20, String(same.length));
    const differing = same.filter(([text, face]) => theirs.get(text) !== face);
    assert.deepEqual(
      differing.map(([text, face]) => `${text}: ${face}, there ${theirs.get(text)}`),
      [
        // Of no interest to anybody there, and to be seen without -D in both.
        'Initializing ipvs: Keepalived_healthcheckers 6, there Keepalived_healthcheckers 7',
      ],
    );
  });
});
