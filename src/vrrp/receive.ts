// From a datagram to the instance it is for. Whatever is wrong with it is a counter of that instance and at most
// one log line a minute for each reason; nothing received ever moves the schedule of our own adverts.

import { type Ip, isMulticast } from '../lib/ip.ts';
import type { Instant } from '../lib/time.ts';
import { seconds, since } from '../lib/time.ts';
import { advance } from './advance.ts';
import { restrain } from './chatter.ts';
import type { ReceivedPacket } from './event.ts';
import { memberAt, setMember } from './member.ts';
import { hearing, keyOf, overtakes, UNNUMBERED } from './numbering.ts';
import {
  type Advert,
  addressDifference,
  type Drop,
  decodeAdvert,
  disagreement,
  type Expectation,
  OWNER_PRIORITY,
  vridOf,
} from './packet.ts';
import { brokenSeal, numberOf } from './seal.ts';
import { isSealed, isUnicast } from './socket.ts';
import { authType, hasBareChecksum, password } from './speech.ts';
import type { Draft, Member } from './state.ts';

/** The same complaint about the same instance is not logged more often. */
const COMPLAINT_PAUSE = seconds(60);

export function receive(draft: Draft, socket: string, packet: ReceivedPacket): void {
  const vrid = vridOf(packet);
  if (vrid === undefined) return;
  const position = addressee(draft, socket, vrid, packet.source);
  if (position < 0 && draft.router.sockets[socket]?.spec.every === true)
    sayUnknown(draft, socket, vrid);
  if (position < 0 || isForeign(draft, position, socket, packet)) return;
  if (ignoresAll(memberAt(draft, position))) return;
  const before = memberAt(draft, position).state.name;
  const said = draft.actions.length;
  judge(draft, position, packet);
  // A change of role is always said.
  if (memberAt(draft, position).state.name === before) restrain(draft, said);
}

/** Unicast instances may share a number on a socket: the one whose peer speaks is meant, for a stranger the first. */
function addressee({ router }: Draft, socket: string, vrid: number, source: Ip): number {
  const hears = (member: Member): boolean =>
    member.socket === socket && member.config.virtual_router_id === vrid;
  const first = router.members.findIndex(hears);
  const known = ({ config }: Member): boolean =>
    config.unicast_peer.some(({ address }) => address === source);
  if (!router.members[first]?.config.unicast_peer.length) return first;
  const named = router.members.findIndex((member) => hears(member) && known(member));
  return named < 0 ? first : named;
}

/** log_unknown_vrids. */
function sayUnknown(draft: Draft, socket: string, vrid: number): void {
  const { spec } = draft.router.sockets[socket] ?? {};
  const said = draft.actions.length;
  const name = spec?.interface?.name;
  const where = name === undefined ? '' : ` on interface(${name})`;
  const text = `Unknown VRID(${vrid}) received${where}. ignoring...`;
  draft.actions.push({ type: 'log', severity: 'info', text });
  restrain(draft, said);
}

function judge(draft: Draft, position: number, packet: ReceivedPacket): void {
  const { config } = memberAt(draft, position);
  const decoded = decode(draft, position, packet);
  if (!decoded.ok) {
    count(draft, position, decoded.error);
    return;
  }
  const advert = decoded.value;
  const drop = disagreement(advert, expectation(memberAt(draft, position)));
  const wrong = drop ?? sealDrop(draft, position, packet);
  if (wrong !== undefined) {
    count(draft, position, wrong);
    return;
  }
  accept(draft, position, advert);
  const difference = skipsAddresses(memberAt(draft, position), advert)
    ? undefined
    : addressDifference(
        advert,
        config.virtual_ipaddress.map(({ address }) => address),
        config.virtual_router_id,
      );
  if (difference !== undefined) count(draft, position, difference);
  advance(draft, position, { type: 'advert', advert });
}

/** Not meant for this instance: another group or destination, another interface, or one of our own adverts. */
function isForeign(
  draft: Draft,
  position: number,
  socket: string,
  packet: ReceivedPacket,
): boolean {
  const { config } = memberAt(draft, position);
  const at = draft.router.sockets[socket]?.spec.interface?.index;
  if (at !== undefined && packet.interface !== at) return true;
  const toGroup = isMulticast(packet.destination);
  if (isUnicast(config) ? toGroup : packet.destination !== config.mcast_dst_ip) return true;
  return draft.router.members.some(({ source }) => source === packet.source);
}

/** Peers up to keepalived 1.3.6 sum up unicast adverts as if they went to the group. */
function decode(
  draft: Draft,
  position: number,
  packet: ReceivedPacket,
): ReturnType<typeof decodeAdvert> {
  const member = memberAt(draft, position);
  const { config } = member;
  const bareChecksum = hasBareChecksum(config);
  const decoded = decodeAdvert(packet, { bareChecksum });
  const tries = isUnicast(config) && config.family === 4 && config.version === 3;
  if (decoded.ok || decoded.error.reason !== 'checksum' || !tries || bareChecksum) return decoded;
  if (config.old_unicast_checksum === 'never') return decoded;
  const old = decodeAdvert(packet, { summedFor: config.mcast_dst_ip });
  if (!old.ok) return decoded;
  const { speaking } = member;
  if (member.legacy !== true)
    setMember(draft, position, {
      ...member,
      legacy: true,
      ...(speaking === undefined ? {} : { speaking: { ...speaking, renewAt: draft.now } }),
    });
  return old;
}

/** What is wrong with the authentication header, and the number of one with which nothing is. */
function sealDrop(draft: Draft, position: number, packet: ReceivedPacket): Drop | undefined {
  const member = memberAt(draft, position);
  if (!isSealed(member.config)) return undefined;
  const { numbering = UNNUMBERED, speaking } = member;
  const text = brokenSeal(packet.bytes, packet.source, keyOf(member.config), numbering.heard);
  if (text !== undefined) return { reason: 'authFailure', text };
  const number = numberOf(packet.bytes);
  const heard = hearing(numbering, number);
  const overtaken = speaking !== undefined && overtakes(number, numbering);
  setMember(draft, position, {
    ...member,
    numbering: heard,
    ...(overtaken ? { speaking: { ...speaking, renewAt: draft.now } } : {}),
  });
  return undefined;
}

/** owner_ignore_adverts: whatever another says, the addresses are ours. */
const ignoresAll = ({ config }: Member): boolean =>
  config.owner_ignore_adverts === true && config.priority === OWNER_PRIORITY;

function expectation({ config }: Member): Expectation {
  return {
    version: config.version,
    interval: config.advert_int,
    authType: authType(config),
    password: password(config),
    ...(isUnicast(config)
      ? { unicast: { checkSource: config.check_unicast_src, peers: config.unicast_peer } }
      : {}),
  };
}

function skipsAddresses({ config, state }: Member, { source }: Advert): boolean {
  return config.skip_check_adv_addr && state.name === 'backup' && state.master?.address === source;
}

function accept(draft: Draft, position: number, { priority }: Advert): void {
  const member = memberAt(draft, position);
  const { received, priorityZeroReceived } = member.statistics;
  setMember(draft, position, {
    ...member,
    statistics: {
      ...member.statistics,
      received: received + 1,
      priorityZeroReceived: priorityZeroReceived + (priority === 0 ? 1 : 0),
    },
  });
}

function count(draft: Draft, position: number, { reason, text }: Drop): void {
  const member = memberAt(draft, position);
  const { drops } = member.statistics;
  setMember(draft, position, {
    ...member,
    statistics: { ...member.statistics, drops: { ...drops, [reason]: drops[reason] + 1 } },
  });
  complain(draft, position, reason, text);
}

/** Logs, unless the same was said about this instance less than a minute ago. */
export function complain(
  draft: Draft,
  position: number,
  about: string,
  text: string,
  mark = '',
): void {
  const member = memberAt(draft, position);
  const last: Instant | undefined = member.complained[about];
  if (last !== undefined && since(draft.now, last) < COMPLAINT_PAUSE) return;
  setMember(draft, position, {
    ...member,
    complained: { ...member.complained, [about]: draft.now },
  });
  draft.actions.push({
    type: 'log',
    severity: 'info',
    text: `(${member.config.name})${mark} ${text}`,
  });
}
