// Advice that several machines give rise to together: those that share a virtual router. Pure.

import type { Node } from '../config/parser.ts';
import {
  advice,
  groupOf,
  type Instance,
  instanceBlock,
  type Machine,
  type Say,
  shown,
  statementOf,
} from './piece.ts';
import { isIdle, type Range, rangeOf, type Share, sharesOf } from './weight.ts';

/** An instance on its machine. */
interface Member {
  readonly instance: Instance;
  readonly block: Node | undefined;
  /** The weights that can move its priority. */
  readonly shares: readonly Share[];
  readonly range: Range;
  /** Its sync group: all of it is master, or nobody. */
  readonly group: object | undefined;
  /** The same virtual router on the other machines. */
  readonly rivals: Member[];
}

export function adviseTogether(machines: readonly Machine[], say: Say): void {
  const members = machines.map((machine) =>
    machine.config.vrrp_instance.map((instance) => memberOf(machine, instance)),
  );
  for (const [index, second] of members.entries())
    for (const first of members.slice(0, index)) compareMachines(first, second, say);
  weights(members.flat(), say);
}

function memberOf(machine: Machine, instance: Instance): Member {
  const all = sharesOf(machine, instance);
  return {
    instance,
    block: instanceBlock(machine, instance),
    shares: all.filter((share) => !isIdle(share, instance, all)),
    range: rangeOf(instance, all),
    group: groupOf(machine, instance),
    rivals: [],
  };
}

function grouped<Key>(
  members: Iterable<Member>,
  keysOf: (member: Member) => readonly Key[],
): ReadonlyMap<Key, readonly Member[]> {
  const groups = new Map<Key, Member[]>();
  for (const member of members)
    for (const key of keysOf(member)) {
      const group = groups.get(key);
      if (group === undefined) groups.set(key, [member]);
      else group.push(member);
    }
  return groups;
}

const byNumber = (members: readonly Member[]) =>
  grouped(members, ({ instance }) => [instance.virtual_router_id]);

function compareMachines(first: readonly Member[], second: readonly Member[], say: Say): void {
  const [mine, theirs] = [byNumber(first), byNumber(second)];
  const alone = new Set([...first, ...second]);
  for (const member of first) {
    const number = member.instance.virtual_router_id;
    const rival = rivalOf(member, mine.get(number) ?? [], theirs.get(number) ?? []);
    if (rival === undefined) continue;
    member.rivals.push(rival);
    rival.rivals.push(member);
    alone.delete(member);
    alone.delete(rival);
    compare(member, rival, say);
  }
  // Who holds the same addresses was meant to be of the same virtual router.
  const holders = grouped(
    first.filter((one) => alone.has(one)),
    ({ instance }) => instance.virtual_ipaddress.map(({ address }) => address),
  );
  for (const member of second) {
    if (!alone.has(member)) continue;
    const [meant] = member.instance.virtual_ipaddress.flatMap(
      ({ address }) => holders.get(address) ?? [],
    );
    if (meant !== undefined) compareStrangers(meant, member, say);
  }
}

/** One VRID can be in use on several networks of a machine; then the addresses tell them apart, or the interface. */
function rivalOf(
  member: Member,
  mine: readonly Member[],
  theirs: readonly Member[],
): Member | undefined {
  const like = theirs.filter((other) => areAlike(member.instance, other.instance));
  const [only] = like;
  if (only === undefined) return undefined;
  const same = mine.filter((one) => areAlike(one.instance, only.instance));
  if (like.length === 1 && same.length === 1) return only;
  const { interface: link } = member.instance;
  return (
    like.find((other) => share(member, other)) ??
    like.find(
      (other) => other.instance.interface === link && !same.some((one) => share(one, other)),
    )
  );
}

function areAlike(a: Instance, b: Instance): boolean {
  if (a.virtual_router_id !== b.virtual_router_id || a.family !== b.family) return false;
  const unicast = a.unicast_peer.length > 0;
  if (unicast !== b.unicast_peer.length > 0) return false;
  if (!unicast) return a.mcast_dst_ip === b.mcast_dst_ip;
  const known = [speaksTo(a, b), speaksTo(b, a)].filter((one) => one !== undefined);
  return known.length === 0 || known.includes(true);
}

/** Undefined where it is not said what the other one's address is. */
const speaksTo = (a: Instance, b: Instance): boolean | undefined =>
  b.unicast_src_ip === undefined
    ? undefined
    : a.unicast_peer.some(({ address }) => address === b.unicast_src_ip);

const share = (a: Member, b: Member): boolean =>
  a.instance.virtual_ipaddress.some(({ address }) =>
    b.instance.virtual_ipaddress.some((other) => other.address === address),
  );

/** Which other one is meant: names are often the same on all machines. */
const elsewhere = ({ instance, block }: Member): string =>
  block === undefined
    ? instance.name
    : `${instance.name} of ${block.place.file}:${block.place.line}`;

const bothOf = (first: Member, second: Member): string =>
  `(${second.instance.name}) this and ${elsewhere(first)}`;

function compare(first: Member, second: Member, say: Say): void {
  const [a, b] = [first.instance, second.instance];
  const both = bothOf(first, second);
  const at = (keyword: string): Node | undefined =>
    statementOf(second.block, keyword) ?? second.block;
  if (a.state === 'MASTER' && b.state === 'MASTER') {
    const message = `${both} begin as MASTER of virtual router ${b.virtual_router_id}`;
    const hint =
      "write 'state BACKUP' on all but one: two masters at every start disturb connections";
    say(advice('master-on-both-sides', at('state'), message, hint));
  }
  if (a.priority === b.priority) {
    const message = `${both} have the same priority ${b.priority}`;
    say(
      advice('same-priority', at('priority'), message, 'give each machine a priority of its own'),
    );
  }
  const differ = (keyword: string, left: unknown, right: unknown): void => {
    if (left === right) return;
    differs(both, at(keyword), `${keyword}: ${right} and ${left}`, say);
  };
  differ('advert_int', shown(a.advert_int), shown(b.advert_int));
  differ('version', a.version, b.version);
  differ('virtual_ipaddress', addressesOf(a), addressesOf(b));
  if (JSON.stringify(a.authentication) !== JSON.stringify(b.authentication))
    differs(both, at('authentication'), 'authentication', say);
  if (speaksTo(a, b) === false) listless(first, second, say);
  if (speaksTo(b, a) === false) listless(second, first, say);
}

const differs = (both: string, node: Node | undefined, what: string, say: Say): void =>
  say(
    advice(
      'peers-differ',
      node,
      `${both} differ in ${what}`,
      'all machines of a virtual router need the same',
    ),
  );

/** `member` has peers, and the other one's source address is none of them. */
function listless(member: Member, other: Member, say: Say): void {
  const source = other.instance.unicast_src_ip;
  const message = `(${member.instance.name}) ${source} of ${elsewhere(other)} is no peer here`;
  const hint = 'all machines of a virtual router need each other as peers';
  say(advice('peers-differ', statementOf(member.block, 'unicast_peer'), message, hint));
}

/** Nobody hears the other one, and both become master of the same addresses. */
function compareStrangers(first: Member, second: Member, say: Say): void {
  const [a, b] = [first.instance, second.instance];
  const keyword = (['virtual_router_id', 'mcast_dst_ip'] as const).find((one) => a[one] !== b[one]);
  const unicast = [a, b].some(({ unicast_peer }) => unicast_peer.length > 0);
  const [name, what] =
    keyword === 'virtual_router_id'
      ? [keyword, `: ${b.virtual_router_id} and ${a.virtual_router_id}`]
      : unicast || keyword === undefined
        ? ['unicast_peer', '']
        : [keyword, `: ${b.mcast_dst_ip} and ${a.mcast_dst_ip}`];
  const message = `${bothOf(first, second)} hold the same addresses and differ in ${name}${what}`;
  const hint = 'they do not hear each other: both become master';
  say(advice('peers-differ', statementOf(second.block, name) ?? second.block, message, hint));
}

const addressesOf = (instance: Instance): string =>
  instance.virtual_ipaddress
    .map((vip) => vip.address)
    .sort()
    .join(' ');

/** Of those whose weights change nothing the highest is named: with its weight the others may do. */
function weights(members: readonly Member[], say: Say): void {
  const named = new Set<Member>();
  const groups = grouped(members, ({ group }) => (group === undefined ? [] : [group]));
  const sorted = members.toSorted((a, b) => b.instance.priority - a.instance.priority);
  for (const member of sorted) {
    if (member.shares.length === 0 || member.rivals.length === 0) continue;
    const mates = (member.group && groups.get(member.group)) ?? [];
    if ([...member.rivals, ...mates].some((other) => named.has(other))) continue;
    const found = orderOf(member) ?? (isHeld(member) ? heldOf(member) : undefined);
    if (found === undefined || mates.some((mate) => canChange(mate))) continue;
    say(advice(...found));
    named.add(member);
  }
}

const canChange = (member: Member): boolean =>
  member.rivals.length > 0 && orderOf(member) === undefined && !isHeld(member);

type Piece = Parameters<typeof advice>;
const whereOf = ({ shares, block }: Member): Node | undefined => shares[0]?.node ?? block;

/** What there is to say where every rival is above or below it whatever the weights do. */
function orderOf(member: Member): Piece | undefined {
  const { instance, range, rivals } = member;
  const [below, ...lower] = rivals
    .filter((rival) => range.least >= rival.range.most)
    .sort((a, b) => b.range.most - a.range.most);
  const [above, ...higher] = rivals
    .filter((rival) => range.most <= rival.range.least)
    .sort((a, b) => a.range.least - b.range.least);
  const told = [below, ...lower, above, ...higher].filter((one) => one !== undefined);
  if (new Set(told).size < rivals.length) return undefined;
  const hint = 'make the weights larger than the distance of the priorities';
  if (below !== undefined) {
    const message = `(${instance.name}) whatever fails, its priority is ${range.least} or more, and ${elsewhere(below)} has ${below.range.most} at most`;
    return ['weight-without-effect', whereOf(member), message, hint];
  }
  if (above === undefined) return undefined;
  const message = `(${instance.name}) whatever is found, its priority is ${range.most} at most, and ${elsewhere(above)} has ${above.range.least} or more`;
  return ['weight-without-effect', whereOf(member), message, hint];
}

/** Whoever may be above another one in time does not preempt it. */
function isHeld({ instance, range, rivals }: Member): boolean {
  const takers = rivals.filter((rival) => range.least < rival.range.most);
  const takes = !instance.nopreempt && rivals.some((rival) => range.most > rival.range.least);
  return takers.length > 0 && takers.every((rival) => rival.instance.nopreempt) && !takes;
}

function heldOf(member: Member): Piece {
  const taker = member.rivals.find((rival) => member.range.least < rival.range.most) as Member;
  const message = `(${member.instance.name}) ${elsewhere(taker)} does not take over when weights lower this one: it has nopreempt`;
  const hint =
    'a backup with nopreempt waits until the master is silent: with weight 0 a failure silences it';
  return ['nopreempt-ignores-weight', whereOf(member), message, hint];
}
