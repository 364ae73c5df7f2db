// The adverts of one instance: their bytes, and the schedule that the I/O thread keeps for a master. The orders are the
// difference between what was ordered before and what the state wants; when a role begins or ends is not decided here.

import { family, type Ip } from '../lib/ip.ts';
import type { Instant } from '../lib/time.ts';
import type { Datagram, VrrpAction } from './action.ts';
import type { VrrpInstance } from './keywords.ts';
import { keyOf, nextRow, numbered } from './numbering.ts';
import { encodeAdvert } from './packet.ts';
import { nextSend } from './schedule.ts';
import { isSealed, isUnicast } from './socket.ts';
import type { Draft, Member, Speaking } from './state.ts';

type Wanted = Omit<Speaking, 'first' | 'datagrams'>;

function wantedPace({ config, rules, state, source, socket, legacy }: Member): Wanted | undefined {
  if (state.name !== 'master' || state.stall !== undefined) return undefined;
  if (source === undefined || socket === undefined) return undefined;
  const { advert_int: period } = config;
  const { priority } = rules;
  const old = isLegacy(config, legacy);
  return { socket, phase: state.phase, period, priority, source, legacy: old, config };
}

/** Stops a schedule that must not go on. */
export function settlePace(draft: Draft, member: Member): Member {
  const { speaking } = member;
  if (speaking === undefined || wantedPace(member) !== undefined) return member;
  draft.actions.push({ type: 'silence', pace: member.pace });
  const { speaking: _, ...rest } = member;
  const { state } = member;
  const last = state.name === 'master' ? state.stall?.spokeAt : undefined;
  return counted(rest, scheduledSends(speaking, last ?? draft.now));
}

/** Begins a schedule, or gives a running one what it shall send from now on. */
export function speak(draft: Draft, member: Member): Member {
  const want = wantedPace(member);
  if (want === undefined) return member;
  const old = member.speaking;
  const sameContent =
    old !== undefined &&
    old.config === want.config &&
    old.source === want.source &&
    old.legacy === want.legacy &&
    old.priority === want.priority;
  const sameSchedule =
    old !== undefined &&
    old.socket === want.socket &&
    old.phase === want.phase &&
    old.period === want.period;
  const stale = old?.renewAt !== undefined && old.renewAt <= draft.now;
  if (sameContent && sameSchedule && !stale) return member;
  const datagrams = sameContent
    ? old.datagrams
    : adverts(want.config, want.source, want.priority, want.legacy);
  if (sameSchedule) {
    const speaking = { ...want, first: old.first, datagrams };
    if (isSealed(want.config)) {
      const row = nextRow(draft, member, speaking, scheduledSends(old, draft.now));
      draft.actions.push({ type: 'replace', pace: member.pace, ...row.ticks });
      return row.member;
    }
    if (!sameBytes(old.datagrams, datagrams))
      draft.actions.push({ type: 'replace', pace: member.pace, datagrams });
    return { ...member, speaking };
  }
  const first = nextSend(want.phase, want.period, draft.now);
  const { pace } = member;
  const { socket, period } = want;
  const settled = old === undefined ? member : counted(member, scheduledSends(old, draft.now));
  const speaking = { ...want, first, datagrams };
  if (isSealed(want.config)) {
    const row = nextRow(draft, settled, speaking, 0);
    draft.actions.push({ type: 'pace', pace, socket, period, first, ...row.ticks });
    return row.member;
  }
  draft.actions.push({ type: 'pace', pace, socket, period, first, datagrams });
  return { ...settled, speaking };
}

/** How many adverts a schedule has sent by `now`. */
export function scheduledSends({ first, period }: Speaking, now: Instant): number {
  return now < first ? 0 : Math.floor((now - first) / period) + 1;
}

const counted = (member: Member, sent: number): Member => ({
  ...member,
  statistics: { ...member.statistics, sent: member.statistics.sent + sent },
});

/** The datagrams of one advert: one to the group, or one to each peer. */
export function adverts(
  config: VrrpInstance,
  source: Ip,
  priority: number,
  legacy = isLegacy(config, undefined),
): readonly Datagram[] {
  const unicast = isUnicast(config);
  const addresses = config.virtual_ipaddress
    .map(({ address }) => address)
    .filter((address) => family(address) === config.family);
  const to = unicast ? config.unicast_peer.map(({ address }) => address) : [config.mcast_dst_ip];
  return to.map((destination) => ({
    to: destination,
    bytes: encodeAdvert({
      version: config.version,
      source,
      destination,
      ttl: unicast ? config.unicast_ttl : 255,
      vrid: config.virtual_router_id,
      priority,
      interval: config.advert_int,
      addresses,
      authType: authType(config),
      password: password(config),
      bareChecksum: hasBareChecksum(config),
      ...(legacy ? { summedFor: config.mcast_dst_ip } : {}),
    }),
  }));
}

/** keepalived up to 1.3.6 summed up unicast adverts of version 3 over IPv4 as if they went to the group. */
const isLegacy = (config: VrrpInstance, heard: true | undefined): boolean =>
  isUnicast(config) &&
  config.family === 4 &&
  config.version === 3 &&
  (config.old_unicast_checksum === 'old' || heard === true);

/** IPv6 has no other checksum than the one with a pseudo-header. */
export const hasBareChecksum = ({ family: of, v3_checksum_as_v2: bare }: VrrpInstance): boolean =>
  bare === true && of === 4;

export const authType = ({ authentication }: VrrpInstance): 0 | 1 | 2 =>
  authentication === undefined ? 0 : authentication.auth_type === 'PASS' ? 1 : 2;

/** With an authentication header there is no password in the message. */
export const password = (config: VrrpInstance): Uint8Array =>
  config.authentication?.auth_type === 'PASS' ? keyOf(config) : new Uint8Array(8);

function sameBytes(a: readonly Datagram[], b: readonly Datagram[]): boolean {
  return (
    a.length === b.length &&
    a.every(({ to, bytes }, i) => {
      const other = b[i] as Datagram;
      return (
        to === other.to &&
        bytes.length === other.bytes.length &&
        bytes.every((byte, at) => byte === other.bytes[at])
      );
    })
  );
}

export function interject(draft: Draft, speaking: Speaking, member: Member): Member {
  const { member: next, datagrams } = numbered(draft, member, speaking.datagrams);
  draft.actions.push({ type: 'send', socket: speaking.socket, datagrams });
  return counted(next, 1);
}

/** RFC 9568 6.4.3: a master that gives up says so with priority 0, if its interface can still carry it. */
export function farewell(
  draft: Draft,
  before: Member,
  member: Member,
  lines: VrrpAction[],
): Member {
  const { config, source, socket } = before;
  const mute = member.faults.some(
    ({ kind, what }) =>
      kind !== 'address' && (kind === 'socket' || what === config.interface || what === config.own),
  );
  if (source === undefined || socket === undefined || mute) return member;
  const last = numbered(draft, member, adverts(config, source, 0, isLegacy(config, before.legacy)));
  draft.actions.push({ type: 'send', socket, datagrams: last.datagrams });
  lines.push({ type: 'log', severity: 'detail', text: `(${config.name}) sent 0 priority` });
  const { statistics } = member;
  return {
    ...counted(last.member, 1),
    statistics: {
      ...statistics,
      sent: statistics.sent + 1,
      priorityZeroSent: statistics.priorityZeroSent + 1,
    },
  };
}
