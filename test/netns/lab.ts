// The test network: hosts are network namespaces, each with one interface eth0 into a bridge in a namespace
// of its own. Starts daemons, cuts cables, kills machines, and keeps what crossed the wire and who held which
// address. Never touches the machine's own network, waits only for conditions, and removes what it made, on
// failure and on a signal too. Instants are microseconds since the lab's epoch, on the wall clock.

import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Capture } from './capture.ts';
import { startCapture } from './capture.ts';
import { cleanEnvironment, run, runNow } from './command.ts';
import type { DaemonKind, DaemonOptions } from './daemon.ts';
import { Daemon, realTimeWords } from './daemon.ts';
import { atEnd } from './ending.ts';
import type { Probe } from './probe.ts';
import { startProbe } from './probe.ts';
import { requireProgram } from './programs.ts';
import type { Change, Span } from './timeline.ts';
import { holderSpans, holdersNow, readMonitorLine } from './timeline.ts';
import type { Frame } from './wire.ts';

export interface LabOptions {
  /** Names of the hosts; the n-th has 10.0.0.n/24, fd00::n/64 and 02:00:00:00:00:0n. */
  readonly hosts?: readonly string[];
  /** What tcpdump keeps; `false` captures nothing. */
  readonly capture?: string | false;
}

export interface Macvlan {
  readonly name: string;
  readonly address: string;
  readonly addresses: readonly string[];
}

const prefix = 'ka-lab';
const living = new Set<Lab>();
let counter = 0;
let guarded = false;

export class Host {
  readonly lab: Lab;
  readonly name: string;
  readonly namespace: string;
  readonly address4: string;
  readonly address6: string;
  readonly mac: string;
  readonly daemons: Daemon[] = [];
  private readonly number: number;
  private started = 0;
  private readonly macvlans: string[] = [];

  constructor(lab: Lab, name: string, number: number) {
    this.lab = lab;
    this.name = name;
    this.number = number;
    this.namespace = `${lab.tag}-${name}`;
    this.address4 = `10.0.0.${number}`;
    this.address6 = `fd00::${number.toString(16)}`;
    this.mac = `02:00:00:00:00:${number.toString(16).padStart(2, '0')}`;
  }

  /** The bridge's side of this host's cable. */
  get port(): string {
    return `p${this.number}`;
  }

  /** fe80:: address made of the MAC (RFC 4291 appendix A), which is what eth0 gets here. */
  get linkLocal(): string {
    return `fe80::ff:fe00:${this.number.toString(16)}`;
  }

  start(kind: DaemonKind, config: string, options: DaemonOptions = {}): Daemon {
    this.started++;
    const own = join(this.lab.folder, `${this.name}${this.started}`);
    const folder = options.after?.place.folder ?? own;
    const place = { namespace: this.namespace, folder, changed: this.lab.changed };
    const daemon = new Daemon(kind, place, config, options);
    this.daemons.push(daemon);
    return daemon;
  }

  /** The machine dies: its cable carries nothing more (its own carrier stays) and its processes are gone. */
  killMachine(): void {
    const doomed = this.daemons.map((daemon) => ({ daemon, pids: daemon.pids() }));
    runNow('bridge', ['-n', this.lab.switch, 'link', 'set', 'dev', this.port, 'state', '0']);
    this.lab.record({ host: this.name, what: 'cable', name: '', device: '', present: false });
    for (const { daemon, pids } of doomed) daemon.killAll(pids);
  }

  /** The machine boots again: nothing left of what daemons had added, cable whole. */
  async reviveMachine(): Promise<void> {
    const words = ['-n', this.namespace, 'addr', 'flush', 'dev', 'eth0'];
    await run('ip', words);
    await this.blockMacvlans();
    await this.addOwnAddresses();
    await run('bridge', ['-n', this.lab.switch, 'link', 'set', 'dev', this.port, 'state', '3']);
    this.lab.record({ host: this.name, what: 'cable', name: '', device: '', present: true });
  }

  /** Pulls the cable: both ends lose their carrier. */
  async linkDown(): Promise<void> {
    await run('ip', ['-n', this.lab.switch, 'link', 'set', this.port, 'down']);
  }

  async linkUp(): Promise<void> {
    await run('ip', ['-n', this.lab.switch, 'link', 'set', this.port, 'up']);
    await this.lab.untilForwards(this);
  }

  /** `ip WORDS` on this host. */
  ip(...words: string[]): Promise<string> {
    return run('ip', ['-n', this.namespace, ...words]);
  }

  /** The kernel takes its time to call a link up that has a carrier: who starts meanwhile is at fault first. */
  async untilRunning(device: string): Promise<void> {
    await this.lab.until(`${device} of ${this.name} runs`, async () => {
      const [link] = JSON.parse(await this.ip('-j', 'link', 'show', 'dev', device)) as [
        { operstate: string },
      ];
      return link.operstate === 'UP';
    });
  }

  /** Any program on this host. */
  exec(words: readonly string[]): Promise<string> {
    return run('nsenter', [`--net=/run/netns/${this.namespace}`, '--', ...words]);
  }

  /** Addresses with prefix of every interface, as `ip -j addr` has them. */
  async addresses(): Promise<string[]> {
    interface Info {
      addr_info?: { local?: string; prefixlen?: number }[];
    }
    const links = JSON.parse(await this.ip('-j', 'addr')) as Info[];
    return links.flatMap((link) =>
      (link.addr_info ?? []).map((entry) => `${entry.local}/${entry.prefixlen}`),
    );
  }

  async addOwnAddresses(): Promise<void> {
    const lines = [
      `addr replace ${this.address4}/24 dev eth0`,
      `addr replace ${this.address6}/64 dev eth0 nodad`,
      `addr replace ${this.linkLocal}/64 dev eth0 nodad`,
    ];
    await run('ip', ['-n', this.namespace, '-batch', '-'], `${lines.join('\n')}\n`);
  }

  /** None of the host's macvlans answers any more. */
  async blockMacvlans(): Promise<void> {
    for (const name of this.macvlans) await this.ip('link', 'set', name, 'protodown', 'on');
  }

  /** The interface of its own MAC that FRR's vrrpd wants for a virtual router. */
  async addMacvlan({ name, address, addresses }: Macvlan): Promise<void> {
    const lines = [
      `link add ${name} link eth0 address ${address} type macvlan mode bridge`,
      ...addresses.map((one) => `addr add ${one} dev ${name}${one.includes(':') ? ' nodad' : ''}`),
      `addr add ${linkLocalOf(address)}/64 dev ${name} nodad`,
      // Until vrrpd says otherwise it must not answer for the virtual address.
      `link set ${name} protodown on`,
      `link set ${name} up`,
    ];
    this.macvlans.push(name);
    await run('ip', ['-n', this.namespace, '-batch', '-'], `${lines.join('\n')}\n`);
  }
}

export class Lab {
  readonly tag: string;
  readonly folder: string;
  readonly epoch: number;
  readonly hosts: readonly Host[];
  readonly changes: Change[] = [];
  private capture: Capture | undefined;
  private readonly children: ChildProcess[] = [];
  private readonly waiting = new Set<() => void>();
  private closed = false;

  private constructor(names: readonly string[]) {
    counter++;
    this.tag = `${prefix}${process.pid}-${counter}`;
    this.folder = mkdtempSync(join(tmpdir(), `${this.tag}-`));
    this.epoch = Math.floor(Date.now() / 1000);
    this.hosts = names.map((name, i) => new Host(this, name, i + 1));
    living.add(this);
  }

  /** The namespace of the bridge. */
  get switch(): string {
    return `${this.tag}-sw`;
  }

  static async open(options: LabOptions = {}): Promise<Lab> {
    guard();
    sweep();
    const lab = new Lab(options.hosts ?? ['a', 'b']);
    try {
      await lab.build(options.capture);
      return lab;
    } catch (error) {
      await lab.close();
      throw error;
    }
  }

  host(name: string): Host {
    const found = this.hosts.find((host) => host.name === name);
    if (found === undefined) throw new Error(`the lab has no host ${name}`);
    return found;
  }

  get frames(): readonly Frame[] {
    return this.capture?.frames ?? [];
  }

  now(): number {
    return (Date.now() - this.epoch * 1000) * 1000;
  }

  holders(address: string): string[] {
    return holdersNow(this.changes, address);
  }

  spans(address: string): Span[] {
    return holderSpans(this.changes, address, this.now());
  }

  readonly changed = (): void => {
    for (const check of [...this.waiting]) check();
  };

  record(change: Omit<Change, 'at'>): void {
    this.changes.push({ at: this.now(), ...change });
    this.changed();
  }

  /** Resolves with the first value of `condition` that is neither undefined nor false; one that promises is asked again when it has answered. */
  until<T>(
    what: string,
    condition: () => T | undefined | false | Promise<T | undefined | false>,
    milliseconds = 10_000,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      let asked = false;
      const settle = (): void => {
        clearTimeout(timer);
        clearInterval(clock);
        this.waiting.delete(check);
      };
      const fail = (error: unknown): void => {
        settle();
        reject(error);
      };
      const answered = (value: T | undefined | false): void => {
        asked = false;
        if (value === undefined || value === false) return;
        settle();
        resolve(value);
      };
      const check = (): void => {
        if (asked) return;
        try {
          const value = condition();
          if (value instanceof Promise) {
            asked = true;
            value.then(answered, fail);
          } else answered(value);
        } catch (error) {
          fail(error);
        }
      };
      const timer = setTimeout(() => {
        settle();
        reject(new Error(`not within ${milliseconds} ms: ${what}\n${this.describe()}`));
      }, milliseconds);
      // Conditions may look at files or at the clock, which announce nothing.
      const clock = setInterval(check, 20);
      this.waiting.add(check);
      check();
    });
  }

  untilHolder(address: string, name: string, milliseconds?: number): Promise<true> {
    return this.until(
      `${name} alone holds ${address}`,
      () => {
        const holders = this.holders(address);
        return holders.length === 1 && holders[0] === name;
      },
      milliseconds,
    );
  }

  /** From now on no host has to ask for another's MAC. */
  async pinNeighbours(): Promise<void> {
    for (const host of this.hosts) {
      const lines = this.hosts
        .filter((other) => other !== host)
        .flatMap(({ address4, address6, mac }) =>
          [address4, address6].map(
            (to) => `neigh replace ${to} lladdr ${mac} nud permanent dev eth0`,
          ),
        );
      await run('ip', ['-n', host.namespace, '-batch', '-'], `${lines.join('\n')}\n`);
    }
  }

  startProbe(name: string, address: string): Probe {
    const probe = startProbe(this.host(name).namespace, address, this.epoch, this.changed);
    this.children.push(probe.process);
    return probe;
  }

  /** Everything that helps to see why a wait ended in vain. */
  describe(): string {
    const daemons = this.hosts.flatMap((host) =>
      host.daemons.slice(-2).map((daemon) => `${host.name}: ${daemon.tail()}`),
    );
    const changes = this.changes
      .slice(-12)
      .map((c) => `  ${(c.at / 1e6).toFixed(6)} ${c.host} ${c.what} ${c.name} ${c.present}`);
    const adverts = this.frames
      .filter((frame) => frame.message.kind === 'advert')
      .slice(-6)
      .map(
        (frame) =>
          `  ${(frame.at / 1e6).toFixed(6)} ${JSON.stringify({ ...frame.message, payload: undefined })}`,
      );
    return [...daemons, 'changes:', ...changes, 'adverts:', ...adverts].join('\n');
  }

  async close(): Promise<void> {
    this.closeNow();
    const ended = this.hosts.flatMap((host) => host.daemons.map((daemon) => daemon.ended));
    await Promise.all(ended);
  }

  /** Removes everything, blocking; also what the exit handler calls. Idempotent. */
  closeNow(): void {
    if (this.closed) return;
    this.closed = true;
    living.delete(this);
    for (const child of this.children) child.kill('SIGKILL');
    for (const host of this.hosts) for (const daemon of host.daemons) daemon.killAll();
    for (const name of [...this.hosts.map((host) => host.namespace), this.switch]) {
      removeNamespace(name);
    }
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async build(filter: string | false | undefined): Promise<void> {
    const names = [this.switch, ...this.hosts.map((host) => host.namespace)];
    await run('ip', ['-batch', '-'], names.map((name) => `netns add ${name}\n`).join(''));
    const links = ['link set lo up', 'link add br0 type bridge mcast_snooping 0'];
    links.push('link set br0 addrgenmode none up');
    for (const host of this.hosts) {
      const far = `peer name eth0 address ${host.mac} netns ${host.namespace}`;
      const near = host.mac.replace(/^02/, '06');
      links.push(`link add ${host.port} address ${near} type veth ${far}`);
      links.push(`link set ${host.port} addrgenmode none master br0 up`);
    }
    await run('ip', ['-n', this.switch, '-batch', '-'], `${links.join('\n')}\n`);
    await Promise.all(this.hosts.map((host) => this.prepare(host)));
    for (const host of this.hosts) await this.untilForwards(host);
    if (filter !== false) {
      this.capture = startCapture(this.switch, 'br0', this.epoch, this.changed, filter);
      this.children.push(this.capture.process);
      await this.capture.ready;
    }
  }

  /** The kernel looks at new carriers once a second only; until then the bridge drops what comes from there. */
  async untilForwards(host: Host): Promise<void> {
    const words = ['-n', this.switch, '-j', 'link', 'show', 'dev', host.port];
    const forwards = (): boolean => runNow('bridge', words).includes('"state":"forwarding"');
    await this.until(`the bridge forwards what ${host.name} sends`, forwards);
  }

  private async prepare(host: Host): Promise<void> {
    const settings = ['net.ipv6.conf.all.accept_dad=0', 'net.ipv6.conf.default.accept_dad=0'];
    settings.push('net.ipv6.conf.eth0.accept_dad=0', 'net.ipv6.conf.eth0.accept_ra=0');
    await host.exec([requireProgram('sysctl'), '-q', '-w', ...settings]);
    await this.monitor(host);
    const links = 'link set lo up\nlink set eth0 addrgenmode eui64 up\n';
    await run('ip', ['-n', host.namespace, '-batch', '-'], links);
    await host.addOwnAddresses();
    const seen = (): boolean =>
      this.changes.some((change) => change.host === host.name && change.name === host.linkLocal);
    await this.until(`${host.name} has its addresses`, seen);
    await host.untilRunning('eth0');
  }

  private async monitor(host: Host): Promise<void> {
    // An instant is taken when the monitor reads it: it must not wait for a processor.
    const words = ['--pdeathsig', 'KILL', ...realTimeWords(99), requireProgram('ip')];
    words.push('-n', host.namespace, '-o', '-ts', 'monitor', 'link', 'address');
    const child = spawn(requireProgram('setpriv'), words, {
      stdio: ['ignore', 'pipe', 'ignore'],
      env: cleanEnvironment(),
    });
    this.children.push(child);
    let rest = '';
    let speaking = false;
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      speaking = true;
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const change = readMonitorLine(host.name, line, this.epoch);
        if (change !== undefined) this.changes.push(change);
      }
      this.changed();
    });
    // It says nothing when it is ready, so something is changed until it is heard.
    let up = false;
    await this.until(`the monitor of ${host.name} listens`, () => {
      up = !up;
      runNow('ip', ['-n', host.namespace, 'link', 'set', 'lo', up ? 'up' : 'down']);
      return speaking;
    });
  }
}

/** fe80:: address made of a MAC (RFC 4291 appendix A). */
function linkLocalOf(address: string): string {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = address
    .split(':')
    .map((x) => Number.parseInt(x, 16));
  const words = [((a ^ 2) << 8) | b, (c << 8) | 0xff, 0xfe00 | d, (e << 8) | f];
  return `fe80::${words.map((word) => word.toString(16)).join(':')}`;
}

function removeNamespace(name: string): void {
  try {
    runNow('ip', ['netns', 'del', name]);
  } catch {
    // it was never made
  }
}

/** Removes what labs of dead processes left behind; never what another made. */
function sweep(): void {
  if (counter > 0) return;
  for (const name of leftovers('/run/netns')) {
    for (const pid of runNow('ip', ['netns', 'pids', name]).split('\n').filter(Boolean)) {
      try {
        process.kill(Number(pid), 'SIGKILL');
      } catch {
        // it ended meanwhile
      }
    }
    removeNamespace(name);
  }
  for (const name of leftovers(tmpdir())) {
    rmSync(join(tmpdir(), name), { recursive: true, force: true });
  }
}

/** Names in a folder that belong to a lab whose process is gone. */
function leftovers(folder: string): string[] {
  let names: string[] = [];
  try {
    names = readdirSync(folder);
  } catch {
    // no namespace was ever made
  }
  return names.filter((name) => {
    const owner = new RegExp(`^${prefix}(\\d+)-\\d+-`).exec(name)?.[1];
    return owner !== undefined && Number(owner) !== process.pid && !isAlive(Number(owner));
  });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** However this process ends, short of SIGKILL, its labs go with it. */
function guard(): void {
  if (guarded) return;
  guarded = true;
  if (process.getuid?.() !== 0) throw new Error('network namespaces need root');
  atEnd(() => {
    for (const lab of living) lab.closeNow();
  });
}
