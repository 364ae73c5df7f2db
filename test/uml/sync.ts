// Runs inside: lvs_sync_daemon with ours and with keepalived, through the same changes of role, reloads and the end; what
// the kernel's sync daemons are after each. Judges nothing; sync.test.ts does.

import { Ipvs } from '../../src/net/ipvs.ts';
import { inNamespace } from '../../src/net/namespace.ts';
import {
  addAddress,
  addCable,
  addNamespace,
  Daemon,
  type Kind,
  listedSync,
  savedTable,
  sh,
  until,
} from './world.ts';

export interface Variant {
  readonly name: string;
  /** Lines of global_defs. */
  readonly globals: string;
  /** Lines of the instance. */
  readonly lines?: string;
  /** To the first change of role and no further. */
  readonly brief?: boolean;
}

export interface Step {
  readonly what: string;
  /** As ipvsadm lists them. */
  readonly listed: readonly string[];
  /** As netlink has them. */
  readonly raw: readonly unknown[];
}

export interface Run {
  readonly steps: readonly Step[];
  readonly log: string;
}

export type Runs = Readonly<Record<string, Readonly<Record<Kind, Run>>>>;

export interface Outcome {
  readonly runs: Runs;
  /** keepalived 2.2.7 takes another namespace for the bare keyword. */
  readonly aparts: {
    readonly named: Readonly<Record<Kind, Apart>>;
    readonly bare: { readonly ours: Apart };
  };
}

const config = (globals: string, priority: number, lines = ''): string => `
global_defs {
  router_id x
  vrrp_version 3
  ${globals}
}
vrrp_instance VI_1 {
  interface eth0
  virtual_router_id 51
  priority ${priority}
  advert_int 0.2
  ${lines}
  virtual_ipaddress { 10.0.0.100/24 }
}
`;

let count = 0;

async function play(kind: Kind, { globals, lines, brief }: Variant): Promise<Run> {
  const n = ++count;
  const [own, peer] = [`own${n}`, `peer${n}`];
  addNamespace(own);
  addNamespace(peer);
  addCable([own, 'eth0'], [peer, 'eth0']);
  addAddress(own, 'eth0', '10.0.0.1/24');
  addAddress(peer, 'eth0', '10.0.0.2/24');
  const ipvs = inNamespace(own, () => Ipvs.open());
  const steps: Step[] = [];
  /** What there is once it has not changed for a while. */
  const note = async (what: string): Promise<void> => {
    let seen = JSON.stringify(ipvs.syncDaemons());
    let since = performance.now();
    await until(`${what}: the daemons settle`, () => {
      const now = JSON.stringify(ipvs.syncDaemons());
      if (now !== seen) since = performance.now();
      seen = now;
      return performance.now() - since > 600;
    });
    steps.push({ what, listed: listedSync(own), raw: ipvs.syncDaemons() });
  };
  const other = new Daemon('keepalived', peer, config('', 200), ['-P']);
  await until('the peer is master', () => other.text.includes('Entering MASTER STATE'));
  const daemon = new Daemon(kind, own, config(globals, 100, lines), ['-P']);
  const role = async (name: string, from: number): Promise<void> => {
    await until(
      () => `${kind} becomes ${name}:\n${daemon.text.slice(-2000)}`,
      () => daemon.text.slice(from).includes(`Entering ${name} STATE`),
    );
  };
  const finish = async (): Promise<Run> => {
    await daemon.stop();
    await note('stopped');
    ipvs.close();
    return { steps, log: daemon.text };
  };
  await role('BACKUP', 0);
  await note('backup');
  let from = daemon.text.length;
  await other.stop();
  await role('MASTER', from);
  await note('master');
  if (brief) return finish();
  from = daemon.text.length;
  const again = new Daemon('keepalived', peer, config('', 200), ['-P']);
  await role('BACKUP', from);
  await note('backup again');
  from = daemon.text.length;
  sh('ip', '-n', own, 'link', 'set', 'eth0', 'down');
  await role('FAULT', from);
  await note('fault');
  sh('ip', '-n', own, 'link', 'set', 'eth0', 'up');
  await note('fault is over');
  await daemon.reload(config('', 100));
  await note('reload without it');
  await daemon.reload(config(globals, 100, lines));
  await note('reload with it');
  await again.stop();
  return finish();
}

const SERVICE = `
virtual_server 10.0.0.100 80 {
  lvs_sched rr
  lvs_method NAT
  protocol TCP
  real_server 10.0.0.9 80 {
  }
}
`;

/** Without an instance the checker child plays both roles. */
const director = (globals: string): string => `
global_defs {
  router_id x
  ${globals}
}
${SERVICE}`;

async function direct(kind: Kind, globals: string): Promise<Run> {
  const own = `own${++count}`;
  addNamespace(own);
  addNamespace(`peer${count}`);
  addCable([own, 'eth0'], [`peer${count}`, 'eth0']);
  addAddress(own, 'eth0', '10.0.0.1/24');
  const ipvs = inNamespace(own, () => Ipvs.open());
  const steps: Step[] = [];
  const note = async (what: string, running: number): Promise<void> => {
    await until(
      () => `${kind}, ${what}: ${running} daemons\n${daemon.text.slice(-2000)}`,
      () => ipvs.syncDaemons().length === running,
    );
    steps.push({ what, listed: listedSync(own), raw: ipvs.syncDaemons() });
  };
  const daemon = new Daemon(kind, own, director(globals), ['-C']);
  await note('started', 2);
  await daemon.stop();
  await note('stopped', 0);
  ipvs.close();
  return { steps, log: daemon.text };
}

/** Where IPVS is told from another namespace: the tables and sync daemons of the two namespaces, and where the address is. */
export interface Apart {
  readonly wanted: readonly string[];
  readonly other: readonly string[];
  readonly left: readonly string[];
  readonly addressed: readonly string[];
  readonly log: string;
}

/** `named`: net_namespace_ipvs has a name; otherwise it is bare, and the rest lives in net_namespace. */
async function apart(kind: Kind, named: boolean): Promise<Apart> {
  const n = ++count;
  const [start, second] = [`own${n}`, `other${n}`];
  for (const name of [start, second]) {
    addNamespace(name);
    addNamespace(`${name}p`);
    addCable([name, 'eth0'], [`${name}p`, 'eth0']);
    addAddress(name, 'eth0', '10.0.0.1/24');
  }
  const head = named
    ? [`net_namespace_ipvs ${second}`]
    : [`net_namespace ${second}`, 'namespace_with_ipsets', 'net_namespace_ipvs'];
  const [ipvs, rest] = named ? [second, start] : [start, second];
  const table = (name: string): readonly string[] => [...savedTable(name), ...listedSync(name)];
  const text = `${head.join('\n')}\n${config('lvs_sync_daemon eth0 VI_1', 100)}${SERVICE}`;
  const daemon = new Daemon(kind, start, text);
  await until(
    () =>
      `${kind}: IPVS of ${ipvs} has a service, a server and a sync daemon\n${daemon.text.slice(-3000)}`,
    () => table(ipvs).length === 3 && table(ipvs).some((line) => line.startsWith('master')),
  );
  const seen = { wanted: table(ipvs), other: table(rest) };
  const addressed = [start, second].filter((name) =>
    sh('ip', '-n', name, '-o', 'address').includes('10.0.0.100/'),
  );
  await daemon.stop();
  return {
    ...seen,
    left: table(ipvs),
    addressed: addressed.map((name) => (name === rest ? 'rest' : 'ipvs')),
    log: daemon.text,
  };
}

export async function main(variants: readonly Variant[]): Promise<Outcome> {
  const runs: [string, Readonly<Record<Kind, Run>>][] = [];
  // One processor: everything at once would make everybody late.
  for (const variant of variants) {
    const [ours, keepalived] = await Promise.all([
      play('ours', variant),
      play('keepalived', variant),
    ]);
    runs.push([variant.name, { ours, keepalived }]);
  }
  const alone = 'lvs_sync_daemon eth0';
  const [ours, keepalived] = [await direct('ours', alone), await direct('keepalived', alone)];
  const aparts = {
    named: { ours: await apart('ours', true), keepalived: await apart('keepalived', true) },
    bare: { ours: await apart('ours', false) },
  };
  return {
    runs: Object.fromEntries([...runs, ['no instance', { ours, keepalived }]]),
    aparts,
  };
}
