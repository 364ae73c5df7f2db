// Advice on a configuration that is valid: what will not do what its writer hopes. Pure. It knows one machine, or several
// that were given together; it never guesses what stands in a file it has not seen.

import type { Diagnostic } from './config/diagnostic.ts';
import type { Node, Place } from './config/parser.ts';
import type { Config } from './keywords.ts';
import { family, type Ip, ipBytes } from './lib/ip.ts';
import { type Duration, toSeconds } from './lib/time.ts';

/** A machine's configuration and, where it is known, what its interfaces have. */
export interface Machine {
  readonly config: Config;
  readonly nodes: readonly Node[];
  readonly networks?: ReadonlyMap<string, readonly Network[]>;
}

export interface Network {
  readonly address: Ip;
  readonly prefix: number;
}

/** Every piece of advice by its stable name, for --ignore and for comments. */
export const ADVICE = {
  'weight-without-effect':
    'A weight that leaves the priority as it is, or never changes who is master.',
  'master-on-both-sides':
    'Several machines, or several instances, begin as MASTER of one virtual router.',
  'same-priority': 'Two machines have the same priority: the higher address decides.',
  'peers-differ': 'Two machines of one virtual router differ in what must be the same.',
  'auth-pass-cut': 'A password of more than 8 characters: the rest is not sent and not compared.',
  'strict-drops-traffic':
    'vrrp_strict without accept: a master that is not the owner drops what is sent to its addresses.',
  'strict-unicast': 'vrrp_strict does not go with unicast peers.',
  'advert-int-too-short':
    'The backup takes over after a stall that every busy machine has now and then.',
  'address-outside-network': 'A virtual address that is in no network of its interface.',
  'timeout-longer-than-interval': 'A check may still run when the next one is due.',
} as const;
export type AdviceName = keyof typeof ADVICE;

type Instance = Config['vrrp_instance'][number];

export function advise(machines: readonly Machine[]): readonly Diagnostic[] {
  const found: Diagnostic[] = [];
  for (const machine of machines) adviseOne(machine, (advice) => found.push(advice));
  advisePeers(machines, (advice) => found.push(advice));
  return found;
}

type Say = (advice: Diagnostic) => void;

function advice(
  id: AdviceName,
  place: Place | undefined,
  message: string,
  hint: string,
  length?: number,
): Diagnostic {
  return {
    id,
    severity: 'warning',
    class: 'none',
    message,
    hint,
    ...(place === undefined ? {} : place),
    ...(length === undefined ? {} : { length }),
  };
}

function adviseOne({ config, nodes, networks }: Machine, say: Say): void {
  for (const instance of config.vrrp_instance) {
    const block = blockOf(nodes, 'vrrp_instance', instance.name);
    weights(instance, block, say);
    password(instance, block, say);
    strictness(config, instance, block, say);
    interval(instance, block, say);
    outside(instance, block, networks, say);
  }
  for (const script of config.vrrp_script ?? []) {
    const block = blockOf(nodes, 'vrrp_script', script.name);
    if (script.timeout === undefined || script.timeout <= script.interval) continue;
    say(
      advice(
        'timeout-longer-than-interval',
        statementOf(block, 'timeout')?.place ?? block?.place,
        `vrrp_script ${script.name} may take ${shown(script.timeout)} and is due every ${shown(script.interval)}`,
        'a run that is due is left out; make timeout shorter than interval',
      ),
    );
  }
  checkers(nodes, say);
}

const shown = (duration: Duration): string => `${toSeconds(duration)} s`;

const blockOf = (nodes: readonly Node[], keyword: string, name: string): Node | undefined =>
  nodes.find((node) => node.keyword === keyword && node.words[0]?.text === name);

const statementOf = (block: Node | undefined, keyword: string): Node | undefined =>
  block?.children?.findLast((node) => node.keyword === keyword);

const LISTS = [
  'track_script',
  'track_file',
  'track_process',
  'track_interface',
  'track_bfd',
] as const;

interface Weighted {
  readonly name: string;
  readonly weight: number;
  readonly node: Node | undefined;
}

function weightsOf(instance: Instance, block: Node | undefined): readonly Weighted[] {
  return LISTS.flatMap((list) => {
    const tracked = (instance as unknown as Readonly<Record<string, unknown>>)[list];
    if (!Array.isArray(tracked)) return [];
    const lines = (block?.children ?? [])
      .filter((node) => node.keyword === list)
      .flatMap((node) => node.children ?? []);
    return (tracked as readonly Record<string, unknown>[]).flatMap((item) => {
      const name = String(item.name ?? item.interface ?? '');
      const weight = typeof item.weight === 'number' ? item.weight : 0;
      const node = lines.find((line) => line.words[0]?.text === name);
      return weight === 0 ? [] : [{ name, weight, node }];
    });
  });
}

/** What a priority may become. The owner of the addresses has no weights: they are refused. */
const clamp = (priority: number): number => Math.min(254, Math.max(1, priority));

function weights(instance: Instance, block: Node | undefined, say: Say): void {
  for (const { name, weight, node } of weightsOf(instance, block)) {
    if (clamp(instance.priority + weight) !== instance.priority) continue;
    say(
      advice(
        'weight-without-effect',
        node?.place ?? block?.place,
        `(${instance.name}) weight ${weight} of ${name} leaves priority ${instance.priority} as it is`,
        'a priority stays between 1 and 254',
        name.length,
      ),
    );
  }
}

function password(instance: Instance, block: Node | undefined, say: Say): void {
  const node = statementOf(statementOf(block, 'authentication'), 'auth_pass');
  const text = node?.words[0]?.text ?? '';
  if (text.length <= 8) return;
  say(
    advice(
      'auth-pass-cut',
      node?.place,
      `(${instance.name}) only the first 8 of ${text.length} characters of the password count`,
      'every receiver in the network can read the password; it protects against mistakes only',
    ),
  );
}

function strictness(config: Config, instance: Instance, block: Node | undefined, say: Say): void {
  const own = statementOf(block, 'strict_mode');
  const off = ['off', 'false', 'no'].includes(own?.words[0]?.text ?? '');
  if (off || (own === undefined && config.global_defs.vrrp_strict !== true)) return;
  // RFC 3768 knows no accept mode: keepalived takes it away.
  const accepts = instance.version === 3 && statementOf(block, 'accept') !== undefined;
  if (!accepts && instance.priority !== 255)
    say(
      advice(
        'strict-drops-traffic',
        own?.place ?? block?.place,
        `(${instance.name}) in strict mode a master that is not the owner drops what is sent to its addresses`,
        "add 'accept' (version 3 only), or leave vrrp_strict out",
      ),
    );
  if (instance.unicast_peer.length > 0)
    say(
      advice(
        'strict-unicast',
        statementOf(block, 'unicast_peer')?.place ?? block?.place,
        `(${instance.name}) strict mode knows no unicast peers`,
        "leave vrrp_strict out, or set 'strict_mode off' for this instance",
      ),
    );
}

/** Virtual machines are moved, hosts are busy: pauses of this length are ordinary. */
const ORDINARY_STALL: Duration = 100_000 as Duration;

function interval(instance: Instance, block: Node | undefined, say: Say): void {
  const patience = instance.advert_int * instance.down_timer_adverts;
  if (patience >= ORDINARY_STALL) return;
  say(
    advice(
      'advert-int-too-short',
      statementOf(block, 'advert_int')?.place ?? block?.place,
      `(${instance.name}) a backup takes over after ${shown(patience as Duration)} without adverts`,
      'machines stall for 100 ms now and then: make advert_int or down_timer_adverts larger',
    ),
  );
}

function outside(
  instance: Instance,
  block: Node | undefined,
  networks: ReadonlyMap<string, readonly Network[]> | undefined,
  say: Say,
): void {
  const lines = (block?.children ?? [])
    .filter((node) => node.keyword === 'virtual_ipaddress')
    .flatMap((node) => node.children ?? []);
  for (const [index, vip] of instance.virtual_ipaddress.entries()) {
    const device = vip.dev ?? instance.interface;
    const known = (device === undefined ? undefined : networks?.get(device))?.filter(
      (network) => family(network.address) === family(vip.address),
    );
    if (known === undefined || known.length === 0) continue;
    if (known.some((network) => inside(vip.address, network))) continue;
    const shownNetworks = known.map((n) => `${n.address}/${n.prefix}`).join(', ');
    say(
      advice(
        'address-outside-network',
        lines[index]?.place ?? block?.place,
        `(${instance.name}) ${vip.address} is in no network of ${device} (${shownNetworks})`,
        'the hosts beside it cannot reach it without a route',
        vip.address.length,
      ),
    );
  }
}

function inside(address: Ip, network: Network): boolean {
  const [a, b] = [ipBytes(address), ipBytes(network.address)];
  for (let bit = 0; bit < network.prefix; bit++) {
    const mask = 0x80 >> (bit & 7);
    if (((a[bit >> 3] ?? 0) & mask) !== ((b[bit >> 3] ?? 0) & mask)) return false;
  }
  return true;
}

/** What a real server's check may take, against how often it is due. */
const TIMEOUTS = ['misc_timeout', 'connect_timeout'];
const DEFAULT_DELAY = 60;

function checkers(nodes: readonly Node[], say: Say, outer = DEFAULT_DELAY): void {
  for (const node of nodes) {
    if (node.children === undefined) continue;
    const given = Number(statementOf(node, 'delay_loop')?.words[0]?.text);
    const delay = Number.isFinite(given) && given > 0 ? given : outer;
    for (const keyword of TIMEOUTS) {
      const timeout = statementOf(node, keyword);
      const seconds = Number(timeout?.words[0]?.text);
      if (timeout === undefined || !(seconds > delay)) continue;
      say(
        advice(
          'timeout-longer-than-interval',
          timeout.place,
          `${node.keyword} may take ${seconds} s and is due every ${delay} s`,
          'make it shorter than delay_loop',
        ),
      );
    }
    checkers(node.children, say, delay);
  }
}

interface Member {
  readonly machine: Machine;
  readonly instance: Instance;
  readonly block: Node | undefined;
}

/** Instances of one virtual router: the same VRID, family and way of casting, on different machines. */
function advisePeers(machines: readonly Machine[], say: Say): void {
  const routers = new Map<string, Member[]>();
  for (const machine of machines)
    for (const instance of machine.config.vrrp_instance) {
      const cast = instance.unicast_peer.length > 0 ? 'unicast' : instance.mcast_dst_ip;
      // Within one machine the interface tells two virtual routers apart.
      const where = machines.length > 1 ? '' : instance.interface;
      const key = [instance.virtual_router_id, instance.family, cast, where].join(' ');
      const block = blockOf(machine.nodes, 'vrrp_instance', instance.name);
      routers.set(key, [...(routers.get(key) ?? []), { machine, instance, block }]);
    }
  for (const members of routers.values()) {
    for (const [index, second] of members.entries())
      for (const first of members.slice(0, index)) compare(first, second, say);
  }
}

function compare(first: Member, second: Member, say: Say): void {
  const [a, b] = [first.instance, second.instance];
  const place = (keyword: string): Place | undefined =>
    statementOf(second.block, keyword)?.place ?? second.block?.place;
  const both = `${a.name} and ${b.name}`;
  if (a.state === 'MASTER' && b.state === 'MASTER')
    say(
      advice(
        'master-on-both-sides',
        place('state'),
        `${both} both begin as MASTER of virtual router ${b.virtual_router_id}`,
        "write 'state BACKUP' on all but one: two masters at every start disturb connections",
      ),
    );
  if (first.machine === second.machine) return;
  if (a.priority === b.priority)
    say(
      advice(
        'same-priority',
        place('priority'),
        `${both} have the same priority ${b.priority}`,
        'give each machine a priority of its own',
      ),
    );
  else reach(first, second, say);
  for (const [keyword, left, right] of [
    ['advert_int', shown(a.advert_int), shown(b.advert_int)],
    ['version', a.version, b.version],
    ['virtual_ipaddress', addressesOf(a), addressesOf(b)],
  ] as const) {
    if (left === right) continue;
    say(
      advice(
        'peers-differ',
        place(keyword),
        `${both} differ in ${keyword}: ${left} and ${right}`,
        'all machines of a virtual router need the same',
      ),
    );
  }
}

const addressesOf = (instance: Instance): string =>
  instance.virtual_ipaddress
    .map((vip) => vip.address)
    .sort()
    .join(' ');

/** Whether all failures together can bring the higher one below the other at its best. */
function reach(first: Member, second: Member, say: Say): void {
  const [high, low] =
    first.instance.priority > second.instance.priority ? [first, second] : [second, first];
  const falls = weightsOf(high.instance, high.block);
  const rises = weightsOf(low.instance, low.block);
  if (falls.length === 0) return;
  const sum = (all: readonly Weighted[], sign: number): number =>
    all.reduce((total, one) => total + (Math.sign(one.weight) === sign ? one.weight : 0), 0);
  const worst = clamp(high.instance.priority + sum(falls, -1));
  const best = clamp(low.instance.priority + sum(rises, 1));
  if (worst < best) return;
  const [line] = falls;
  say(
    advice(
      'weight-without-effect',
      line?.node?.place ?? high.block?.place,
      `(${high.instance.name}) whatever fails, its priority is ${worst} or more, and ${low.instance.name} has ${best} at most`,
      'make the weights larger than the distance of the priorities',
    ),
  );
}
