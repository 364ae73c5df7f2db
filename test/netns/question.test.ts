// Every option of a checker at the server's end: our daemon and keepalived 2.2.7, each on a host of its own with the same file,
// ask another host, which tells from where, to where and in which bytes it was asked. The rows are in question.ts.

import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  dnsRows,
  httpRows,
  miscRows,
  pingRows,
  smtpRows,
  sslRows,
  tcpRows,
  udpRows,
} from '../../src/check/checkers.ts';
import { type Capture, startCapture } from './capture.ts';
import { cleanEnvironment, run, runNow } from './command.ts';
import type { DaemonKind } from './daemon.ts';
import type { Place, Sight } from './listener.ts';
import { requireProgram } from './programs.ts';
import { ELSEWHERE, ROWS, type Row, type Seen } from './question.ts';
import { program, type Running, Sandbox, until, withIpvs } from './sandbox.ts';

const here = fileURLToPath(new URL('.', import.meta.url));
const fixtures = join(here, '../fixtures');
const KINDS = ['ours', 'keepalived'] as const;
/** Of the row's listener, and of the real server where another port is to be asked. */
const portOf = (at: number): number => 20_000 + at;
const otherPort = (at: number): number => 30_000 + at;
/** Of a server that several services have, with the same check; one asks at other times. */
const SHARED = 19_999;
const LOOPS = [3600, 3600, 3600, 3601];
const isEcho = ({ manner }: Row): boolean => manner === 'echo';

/** Where the question of a row goes: echoes are told apart by the address. */
function targetOf(row: Row, at: number): string {
  if (!isEcho(row)) return row.address;
  return row.address.includes(':') ? `${row.address}${at}` : `10.7.1.${at % 250}`;
}

function configurationOf(kind: DaemonKind): string {
  const services = ROWS.map((row, at) => {
    if (row.alone && kind === 'keepalived') return '';
    const filled = (lines: readonly string[] = []): string =>
      lines
        .join('\n ')
        .replaceAll('PORT', `${portOf(at)}`)
        .replaceAll('OTHER', targetOf(row, at));
    const page = row.url ?? ['path /'];
    const url = row.kind.endsWith('_GET') ? `url {\n ${filled(page)}\n }` : '';
    const server = isEcho(row) && row.elsewhere ? '10.7.0.99' : targetOf(row, at);
    const port = row.elsewhere ? otherPort(at) : portOf(at);
    const own = server.includes(':') ? `2001:db8::${at}` : `10.0.${at}.1`;
    return `virtual_server ${own} 80 {
 delay_loop 3600
 lvs_sched rr
 lvs_method NAT
 protocol ${/UDP|DNS/.test(row.kind) ? 'UDP' : 'TCP'}
 warmup 0
 connect_timeout 100
 ${filled(row.service)}
 real_server ${server} ${port} {
 ${filled(row.real)}
 ${row.kind} {
 ${filled(row.lines)}
 ${url}
 }
 }
}
`;
  });
  const shared = LOOPS.map(
    (loop, at) => `virtual_server 10.1.${at}.1 80 {
 delay_loop ${loop}
 lvs_sched rr
 lvs_method NAT
 protocol TCP
 warmup 0
 real_server 10.7.0.2 ${SHARED} {
 TCP_CHECK {
 }
 }
}
`,
  );
  const tls = join(fixtures, 'tls/good');
  return `global_defs {
 checker_log_all_failures
}
SSL {
 certificate ${tls}.pem
 key ${tls}.key
}
${[...services, ...shared].join('')}`;
}

/** One daemon on a host with two ways to another host, on which all servers are. */
class World {
  readonly kind: DaemonKind;
  readonly box: Sandbox;
  readonly sights: Sight[] = [];
  readonly #far: string;
  #listener: ChildProcess | undefined;
  #captures: readonly Capture[] = [];
  daemon: Running | undefined;
  #said = '';

  constructor(kind: DaemonKind) {
    this.kind = kind;
    const name = `ka-ask-${process.pid}-${kind}`;
    this.#far = `${name}-f`;
    this.box = new Sandbox(name, mkdtempSync(join(tmpdir(), 'ka-ask-')));
  }

  async open(): Promise<void> {
    await this.box.open();
    await run('ip', ['netns', 'add', this.#far]);
    await this.#plug();
    await this.#listen();
    this.#captures = ['a', 'b'].map((device) =>
      startCapture(this.#far, device, 0, () => {}, 'icmp or icmp6'),
    );
    await Promise.all(this.#captures.map(({ ready }) => ready));
    this.box.write('tmp/keepalived.conf', configurationOf(this.kind));
    const words = ['-n', '-l', '-D', '-C', '-f', '/tmp/keepalived.conf'];
    if (this.kind === 'ours') {
      this.daemon = this.box.start([process.execPath, program, ...words], { env: withIpvs });
      return;
    }
    const library = join(this.box.folder, 'tmp/standin.so');
    const source = join(here, '../diff/standin.c');
    execFileSync('g++', ['-x', 'c', '-shared', '-fPIC', '-o', library, source, '-ldl']);
    const env = { LD_PRELOAD: '/tmp/standin.so' };
    this.daemon = this.box.start([requireProgram('keepalived'), ...words], { env });
  }

  /** `a` is the usual way, `b` the one that somebody must ask for; what bears the mark 77 has an address of its own. */
  async #plug(): Promise<void> {
    const { namespace } = this.box;
    const batch = (name: string, lines: readonly string[]): Promise<string> =>
      run('ip', ['-n', name, '-batch', '-'], `${lines.join('\n')}\n`);
    const cable = (device: string): string =>
      `link add name ${device} type veth peer name ${device} netns ${this.#far}`;
    await batch(namespace, [cable('a'), cable('b')]);
    for (const [name, end] of [
      [namespace, 1],
      [this.#far, 2],
    ] as const) {
      const sysctl = [`net.ipv4.conf.all.rp_filter=0`, `net.ipv4.conf.default.rp_filter=0`];
      for (const device of ['a', 'b']) sysctl.push(`net.ipv4.conf.${device}.rp_filter=0`);
      await run('ip', ['netns', 'exec', name, requireProgram('sysctl'), '-q', '-w', ...sysctl]);
      await batch(name, [
        'link set dev a addrgenmode none',
        'link set dev b addrgenmode none',
        'link set dev lo up',
        'link set dev a up',
        'link set dev b up',
        `address add 10.7.0.${end}/16 dev a`,
        `address add 10.6.0.${end}/24 dev b`,
        `address add fe80::${end}/64 dev a nodad`,
        `address add fd00:7::${end}/64 dev a nodad`,
      ]);
    }
    await batch(namespace, [
      'address add 10.7.0.5/32 dev a',
      'address add 10.7.0.7/32 dev a',
      'address add fd00:7::5/128 dev a nodad',
      'route add 10.0.0.0/8 dev b src 10.6.0.1',
      'rule add fwmark 77 lookup 77',
      'route add 10.7.0.0/16 dev a src 10.7.0.7 table 77',
    ]);
    const echoes = ROWS.flatMap((row, at) => (isEcho(row) ? [targetOf(row, at)] : []));
    await batch(this.#far, [
      'address add 10.7.0.3/16 dev a',
      ...echoes.map((address) =>
        address.includes(':')
          ? `address add ${address}/64 dev a nodad`
          : `address add ${address}/16 dev a`,
      ),
    ]);
  }

  async #listen(): Promise<void> {
    const places = ROWS.flatMap(({ manner }, at): Place[] =>
      manner === 'echo' ? [] : [{ port: portOf(at), manner }],
    );
    places.push({ port: SHARED, manner: 'tcp' });
    const words = ['--import', 'tsx', join(here, 'listener.ts'), JSON.stringify(places)];
    const inside = [`--net=/run/netns/${this.#far}`, process.execPath, ...words];
    this.#listener = spawn(requireProgram('nsenter'), inside, {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: cleanEnvironment(),
      cwd: join(here, '../..'),
    });
    let rest = '';
    this.#listener.stdout?.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines)
        if (line === '"ready"') this.#said = line;
        else this.sights.push(JSON.parse(line) as Sight);
    });
    await until('the listener', () => this.#said !== '', 60_000);
  }

  /** How the server of a row was asked, the first question first. */
  seen(row: Row, at: number): readonly Seen[] {
    if (!isEcho(row)) return this.sights.filter(({ toPort }) => toPort === portOf(at));
    const target = targetOf(row, at);
    return this.#captures
      .flatMap(({ frames }) => frames.flatMap(({ bytes }) => echoOf(bytes) ?? []))
      .filter(({ to }) => to === target);
  }

  close(): void {
    this.#listener?.kill('SIGKILL');
    for (const { process } of this.#captures) process.kill('SIGKILL');
    this.box.close();
    runNow('ip', ['netns', 'del', this.#far]);
  }
}

const ECHO = 8;
const ECHO6 = 128;

/** A request for an echo in an Ethernet frame. */
function echoOf(frame: Buffer): Seen | undefined {
  const packet = frame.subarray(14);
  const six = frame.readUInt16BE(12) === 0x86dd;
  const message = packet.subarray(six ? 40 : ((packet[0] ?? 0) & 15) * 4);
  if (message[0] !== (six ? ECHO6 : ECHO)) return undefined;
  const [from, to] = six
    ? [packet.subarray(8, 24), packet.subarray(24, 40)]
    : [packet.subarray(12, 16), packet.subarray(16, 20)];
  return {
    from: textOf(from),
    fromPort: message.readUInt16BE(4),
    to: textOf(to),
    toPort: 0,
    bytes: message.subarray(8).toString('latin1'),
    hops: packet[six ? 7 : 8] ?? 0,
    length: (six ? packet.readUInt16BE(4) + 40 : packet.readUInt16BE(2)) - (six ? 40 : 20),
  };
}

function textOf(address: Buffer): string {
  if (address.length === 4) return [...address].join('.');
  const host = new URL(`http://[${address.toString('hex').replace(/....(?=.)/g, '$&:')}]`).hostname;
  return host.slice(1, -1);
}

const worlds = new Map<DaemonKind, World>();
before(async () => {
  for (const kind of KINDS) {
    const world = new World(kind);
    worlds.set(kind, world);
    await world.open();
  }
});
after(() => {
  for (const world of worlds.values()) world.close();
});

const worldOf = (kind: DaemonKind): World => worlds.get(kind) ?? assert.fail(kind);

/** The first question that the server of the row has had. */
async function first(kind: DaemonKind, row: Row, at: number): Promise<Seen> {
  const world = worldOf(kind);
  const seen = await until(
    `${kind}: ${row.kind} ${row.what}`,
    () => {
      const all = world.seen(row, at);
      return all.length >= (row.times ?? 1) ? all[0] : undefined;
    },
    30_000,
  ).catch((error: Error) => {
    const name = new RegExp(`:(${portOf(at)}|${otherPort(at)})\\b`);
    const lines = `${world.daemon?.stderr}${world.daemon?.stdout}`.split('\n');
    assert.fail(`${error.message}\n${lines.filter((line) => name.test(line)).join('\n')}`);
  });
  return row.manner === 'names' ? { ...seen, bytes: seen.bytes.slice(2) } : seen;
}

/** Of what was seen, what the row speaks of. */
const only = (seen: Seen, sees: Partial<Seen>): Partial<Seen> =>
  Object.fromEntries(Object.keys(sees).map((name) => [name, seen[name as keyof Seen]]));

for (const kind of new Set(ROWS.map((row) => row.kind)))
  describe(kind, () => {
    for (const [at, row] of ROWS.entries())
      if (row.kind === kind)
        it(`${row.what}${row.theirs === undefined ? '' : ', unlike keepalived'}`, async () => {
          const filled = Object.entries(row.sees).map(([name, value]) => [
            name,
            typeof value === 'string' ? value.replace('PORT', `${portOf(at)}`) : value,
          ]);
          const sees = Object.fromEntries(filled) as Partial<Seen>;
          const ours = await first('ours', row, at);
          assert.deepEqual(only(ours, sees), sees);
          if (row.alone) return;
          const theirs = await first('keepalived', row, at);
          if (row.theirs === undefined) assert.deepEqual(only(theirs, sees), sees, 'keepalived');
          else {
            assert.deepEqual(only(theirs, row.theirs), row.theirs);
            assert.notDeepEqual(only(theirs, sees), sees, 'keepalived does the same');
          }
          assert.equal(ours.bytes, theirs.bytes, 'the same bytes');
        });
  });

it('one check behind several services is made once, one at other times by itself; unlike keepalived', async () => {
  const asked = (kind: DaemonKind): number =>
    worldOf(kind).sights.filter(({ toPort }) => toPort === SHARED).length;
  await until('keepalived has asked for each', () => asked('keepalived') === LOOPS.length, 30_000);
  await until('ours has asked', () => asked('ours') >= new Set(LOOPS).size, 30_000);
  assert.equal(asked('ours'), new Set(LOOPS).size);
});

describe('each option', () => {
  const blocks = {
    TCP_CHECK: tcpRows,
    HTTP_GET: { ...httpRows, ...httpRows.url.rows },
    SSL_GET: { ...sslRows, ...sslRows.url.rows },
    SMTP_CHECK: smtpRows,
    DNS_CHECK: dnsRows,
    UDP_CHECK: udpRows,
    PING_CHECK: pingRows,
    MISC_CHECK: miscRows,
  };
  for (const [kind, options] of Object.entries(blocks))
    it(`of ${kind} is seen here, or elsewhere`, () => {
      const seen = ROWS.filter((row) => row.kind === kind)
        .flatMap(({ lines, url = [] }) => [...lines, ...url])
        .map((line) => line.split(' ')[0]);
      for (const option of Object.keys(options)) {
        if (seen.includes(option)) continue;
        const file = ELSEWHERE[option];
        assert.ok(file !== undefined, `${kind}: nothing shows ${option}`);
        const text = readFileSync(join(here, '..', file), 'utf8');
        assert.ok(text.includes(option), `${option} in ${file}`);
      }
    });
});
