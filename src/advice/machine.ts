// Advice that one machine's configuration gives rise to. Pure.

import type { Node } from '../config/parser.ts';
import { byteLength } from '../config/text.ts';
import { family, type Ip, ipBytes, isLinkLocal6, parseIp } from '../lib/ip.ts';
import type { Duration } from '../lib/time.ts';
import {
  advice,
  blockOf,
  firstOf,
  type Instance,
  instanceBlock,
  linesOf,
  type Machine,
  type Network,
  type Say,
  shown,
  statementOf,
  virtualOf,
} from './piece.ts';
import { isIdle, sharesOf } from './weight.ts';

export function adviseOne(machine: Machine, say: Say): void {
  for (const instance of machine.config.vrrp_instance) {
    const block = instanceBlock(machine, instance);
    weights(machine, instance, block, say);
    password(instance, block, say);
    strictness(instance, block, say);
    interval(instance, block, say);
    outside(machine, instance, block, say);
  }
  scripts(machine, say);
  checkers(machine.nodes, say);
}

function weights(machine: Machine, instance: Instance, block: Node | undefined, say: Say): void {
  const shares = sharesOf(machine, instance);
  for (const share of shares) {
    if (!isIdle(share, instance, shares)) continue;
    const { name, priority } = instance;
    const message = `(${name}) ${share.text} never moves a priority of ${priority}`;
    const hint = 'a priority stays between 1 and 254';
    say(advice('weight-without-effect', share.node ?? block, message, hint));
  }
}

function password(instance: Instance, block: Node | undefined, say: Say): void {
  if (instance.authentication === undefined) return;
  const node = statementOf(statementOf(block, 'authentication'), 'auth_pass');
  const length = byteLength(firstOf(node));
  if (length <= 8) return;
  const message = `(${instance.name}) only the first 8 of ${length} bytes of the password count`;
  const hint =
    'every receiver in the network can read the password; it protects against mistakes only';
  say(advice('auth-pass-cut', node, message, hint));
}

function strictness(instance: Instance, block: Node | undefined, say: Say): void {
  if (instance.strict_mode !== true) return;
  const node = statementOf(block, 'strict_mode') ?? block;
  // Who writes no_accept wants it.
  if (!instance.accept && statementOf(block, 'no_accept') === undefined) {
    const message = `(${instance.name}) in strict mode a master that is not the owner drops what is sent to its addresses`;
    const hint = "add 'accept' (version 3 only), or leave vrrp_strict out";
    say(advice('strict-drops-traffic', node, message, hint));
  }
  if (instance.unicast_peer.length > 0) {
    const message = `(${instance.name}) strict mode knows no unicast peers`;
    const hint = "leave vrrp_strict out, or set 'strict_mode off' for this instance";
    say(advice('strict-unicast', statementOf(block, 'unicast_peer') ?? node, message, hint));
  }
}

/** Virtual machines are moved, hosts are busy: pauses of this length are ordinary. */
const ORDINARY_STALL: Duration = 100_000 as Duration;

function interval(instance: Instance, block: Node | undefined, say: Say): void {
  const patience = (instance.advert_int * instance.down_timer_adverts) as Duration;
  if (patience >= ORDINARY_STALL) return;
  const message = `(${instance.name}) a backup takes over after ${shown(patience)} without adverts`;
  const hint =
    'machines stall for 100 ms now and then: make advert_int or down_timer_adverts larger';
  say(advice('advert-int-too-short', statementOf(block, 'advert_int') ?? block, message, hint));
}

function outside(machine: Machine, instance: Instance, block: Node | undefined, say: Say): void {
  for (const keyword of ['virtual_ipaddress', 'virtual_ipaddress_excluded'] as const) {
    let lines: ReadonlyMap<Ip | undefined, Node> | undefined;
    for (const { address, dev = instance.interface, peer } of instance[keyword]) {
      // The far end of a link is reached through it; link-local addresses are on every link.
      if (dev === undefined || peer !== undefined || isLinkLocal6(address)) continue;
      const device = instance.made?.find(({ name }) => name === dev)?.parent ?? dev;
      const known = networksFor(address, device, machine);
      if (known.length === 0 || known.some((network) => inside(address, network))) continue;
      lines ??= new Map(
        linesOf(block, keyword).map((line) => [
          parseIp(firstOf(line).split('/')[0] as string),
          line,
        ]),
      );
      const has = known.map((network) => `${network.address}/${network.prefix}`).join(', ');
      const message = `(${instance.name}) ${address} is in no network of ${device} (${has})`;
      const hint = 'hosts of those networks reach it by a route only';
      say(advice('address-outside-network', lines.get(address) ?? block, message, hint));
    }
  }
}

/** What an interface has of its own; a master has the virtual addresses too. */
function networksFor(address: Ip, device: string, machine: Machine): readonly Network[] {
  if (device === 'lo') return [];
  const virtual = virtualOf(machine);
  return (machine.networks?.get(device) ?? []).filter(
    (network) =>
      family(network.address) === family(address) &&
      !virtual.has(network.address) &&
      !isLinkLocal6(network.address),
  );
}

function inside(address: Ip, network: Network): boolean {
  const [a, b] = [ipBytes(address), ipBytes(network.address)];
  for (let bit = 0; bit < network.prefix; bit++) {
    const mask = 0x80 >> (bit & 7);
    if (((a[bit >> 3] ?? 0) & mask) !== ((b[bit >> 3] ?? 0) & mask)) return false;
  }
  return true;
}

function scripts(machine: Machine, say: Say): void {
  for (const { name, timeout, interval: due } of machine.config.vrrp_script ?? []) {
    if (timeout === undefined || timeout <= due) continue;
    const block = blockOf(machine, 'vrrp_script', name);
    const message = `vrrp_script ${name} may take ${shown(timeout)} and is due every ${shown(due)}`;
    const hint = 'a run that is due is left out; make timeout shorter than interval';
    const node = statementOf(block, 'timeout') ?? block;
    say(advice('timeout-longer-than-interval', node, message, hint));
  }
}

const DEFAULT_DELAY = 60;
const CHECKER = /_(?:CHECK|GET)$/;

/** What the checks of real servers may take, against how often they are due. */
function checkers(nodes: readonly Node[], say: Say): void {
  const within = (node: Node, keyword: RegExp): readonly Node[] =>
    (node.children ?? []).filter((one) => keyword.test(one.keyword));
  for (const service of nodes.filter(({ keyword }) => keyword === 'virtual_server')) {
    // One statement of a service may be that of many checks.
    const said = new Set<Node>();
    for (const server of within(service, /^real_server$/))
      for (const checker of within(server, CHECKER)) {
        const around = [checker, server, service];
        const delay = secondsOf(nearest('delay_loop', around)) ?? DEFAULT_DELAY;
        const timeouts = [
          nearest('connect_timeout', around),
          nearest('misc_timeout', [checker]),
          ...within(checker, /^host$/).map((host) => nearest('connect_timeout', [host])),
        ];
        for (const timeout of timeouts) {
          const longest = secondsOf(timeout);
          if (timeout === undefined || longest === undefined || longest <= delay) continue;
          if (said.has(timeout)) continue;
          said.add(timeout);
          const message = `${checker.keyword} may take ${longest} s and is due every ${delay} s`;
          const hint = 'make it shorter than delay_loop';
          say(advice('timeout-longer-than-interval', timeout, message, hint));
        }
      }
  }
}

const nearest = (keyword: string, blocks: readonly Node[]): Node | undefined =>
  blocks.map((block) => statementOf(block, keyword)).find((node) => node !== undefined);

function secondsOf(node: Node | undefined): number | undefined {
  const seconds = Number(firstOf(node) || Number.NaN);
  return seconds > 0 ? seconds : undefined;
}
