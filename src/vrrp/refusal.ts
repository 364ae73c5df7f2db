// What the kernel refused: said once, tried again later, and never a reason to stop the rest. An instance
// without a socket is at fault; one without an address goes on with the others.

import { after, millis, seconds } from '../lib/time.ts';
import type { KernelAddress, SocketSpec, VrrpAction } from './action.ts';
import { addressKey } from './addresses.ts';
import { refresh } from './advance.ts';
import { burst } from './burst.ts';
import type { VrrpEvent } from './event.ts';
import { memberAt, setMember } from './member.ts';
import { complain } from './receive.ts';
import { refuseRouting } from './routes.ts';
import { entryOf, routeText, ruleText } from './routing-text.ts';
import type { Draft, SocketRecord } from './state.ts';
import { refuseStatics } from './statics.ts';
import { refuseSync } from './sync.ts';
import { refuseLinks } from './tend.ts';

type Refused = Extract<VrrpEvent, { type: 'refused' }>;

/** How long after a refusal the same thing is tried again. */
const RETRY = seconds(1);
/** Orders are carried out at once, so a retry that has not been refused by then has worked. */
const SETTLED = millis(100);

export function onRefused(draft: Draft, refused: Refused): void {
  const { action, code } = refused;
  switch (action.type) {
    case 'open':
      socketRefused(draft, action.socket.key, refused);
      return;
    case 'addAddresses':
      if (code !== 'EEXIST') addressesRefused(draft, action.addresses, refused);
      if (code !== 'EEXIST') staticsRefused(draft, action, refused);
      return;
    case 'addRoutes':
    case 'addRules':
      if (code !== 'EEXIST') routingRefused(draft, action, refused);
      return;
    case 'removeRoutes':
    case 'removeRules':
      // Somebody was faster, or the predecessor never added what the kernel would not take.
      if (['ESRCH', 'ENOENT', 'ENODEV', 'EINVAL', 'EOPNOTSUPP'].includes(code)) return;
      log(draft, `cannot remove ${describeRouting(draft, action)}: ${said(refused)}`);
      return;
    case 'removeAddresses':
      // Somebody was faster.
      if (code === 'EADDRNOTAVAIL' || code === 'ENODEV' || code === 'ESRCH') return;
      log(draft, `cannot remove ${action.addresses.map(text).join(', ')}: ${said(refused)}`);
      return;
    case 'shield':
    case 'unshield':
      log(draft, `cannot drop packets of virtual addresses: ${said(refused)}`);
      return;
    case 'pace':
    case 'replace':
    case 'silence':
      sendRefused(draft, (member) => member.pace === action.pace, refused);
      return;
    case 'send':
      sendRefused(draft, (member) => member.socket === action.socket, refused);
      return;
    case 'announce': {
      const name = draft.router.kernel.links[action.interface]?.name ?? `#${action.interface}`;
      log(draft, `cannot announce addresses on ${name}: ${said(refused)}`);
      return;
    }
    case 'run':
      log(draft, `(${action.owner}) cannot run ${action.script.words[0] ?? ''}: ${said(refused)}`);
      return;
    case 'filter':
      // Every packet is looked at here then: more work, and nothing is missed.
      log(draft, `cannot filter ${describe(action.socket)}: ${said(refused)}`);
      return;
    case 'hush':
      log(
        draft,
        `cannot keep reports of membership off ${action.links.map(({ name }) => name).join(', ')}: ${said(refused)}`,
      );
      return;
    case 'makeLinks':
      refuseLinks(draft, action.links, said(refused));
      return;
    case 'removeLinks':
      if (code === 'ENODEV') return;
      log(
        draft,
        `cannot remove ${action.links.map(({ name }) => name).join(', ')}: ${said(refused)}`,
      );
      return;
    case 'tune':
      for (const { family, interface: at, name, value } of action.settings)
        log(
          draft,
          `cannot set net.${family}.${at === undefined ? '' : `conf.${at}.`}${name} to ${value}: ${said(refused)}`,
        );
      return;
    case 'startSync': {
      const { role, interface: name } = action.daemon;
      log(draft, `cannot start the IPVS sync daemon as ${role} on ${name}: ${said(refused)}`);
      refuseSync(draft, action.daemon);
      return;
    }
    case 'stopSync':
      log(draft, `cannot stop the IPVS sync daemon as ${action.role}: ${said(refused)}`);
      return;
    case 'close':
    case 'probe':
    case 'kill':
    case 'log':
    case 'exit':
      return;
  }
}

function socketRefused(draft: Draft, key: string, refused: Refused): void {
  const record = draft.router.sockets[key];
  if (record === undefined) return;
  const code = said(refused);
  if (record.code !== code) log(draft, `cannot open ${describe(record.spec)}: ${code}`);
  setSocket(draft, { ...record, state: 'refused', code, until: after(draft.now, RETRY) });
  refreshUsers(draft, key);
}

/** Asks again for sockets that were refused, and believes in those that have not been refused again. */
export function retrySockets(draft: Draft): void {
  for (const record of Object.values(draft.router.sockets)) {
    if (record.until === undefined || record.until > draft.now) continue;
    if (record.state === 'refused') {
      draft.actions.push({ type: 'open', socket: record.spec });
      setSocket(draft, { ...record, state: 'trying', until: after(draft.now, SETTLED) });
    } else {
      setSocket(draft, { spec: record.spec, state: 'open' });
      refreshUsers(draft, record.spec.key);
    }
  }
}

function setSocket(draft: Draft, record: SocketRecord): void {
  draft.router = {
    ...draft.router,
    sockets: { ...draft.router.sockets, [record.spec.key]: record },
  };
}

function refreshUsers(draft: Draft, key: string): void {
  for (const [position, { socket }] of draft.router.members.entries())
    if (socket === key) refresh(draft, position);
}

function addressesRefused(
  draft: Draft,
  addresses: readonly KernelAddress[],
  refused: Refused,
): void {
  const keys = new Set(addresses.map(addressKey));
  for (const position of draft.router.members.keys()) {
    const member = memberAt(draft, position);
    const ours = member.held.filter((held) => keys.has(addressKey(held)));
    if (ours.length === 0) continue;
    const known = member.refused.filter((held) => !keys.has(addressKey(held)));
    setMember(draft, position, {
      ...member,
      refused: [...known, ...ours],
      repairAt: after(draft.now, RETRY),
    });
    complain(
      draft,
      position,
      `address ${refused.code}`,
      `cannot add ${ours.map(text).join(', ')}: ${said(refused)}`,
    );
  }
}

type RoutingAction = Extract<
  VrrpAction,
  { type: 'addRoutes' | 'removeRoutes' | 'addRules' | 'removeRules' }
>;

function routingRefused(
  draft: Draft,
  action: Extract<RoutingAction, { type: 'addRoutes' | 'addRules' }>,
  refused: Refused,
): void {
  const what = describeRouting(draft, action);
  for (const position of draft.router.members.keys()) {
    const member = memberAt(draft, position);
    const routing = refuseRouting(draft, member.routing, action);
    if (routing === undefined) continue;
    setMember(draft, position, { ...member, routing });
    complain(draft, position, `routing ${what}`, `cannot add ${what}: ${said(refused)}`);
  }
  staticsRefused(draft, action, refused);
}

function staticsRefused(
  draft: Draft,
  action: Parameters<typeof refuseStatics>[1],
  refused: Refused,
): void {
  if (!refuseStatics(draft, action)) return;
  const what =
    action.type === 'addAddresses'
      ? `address ${action.addresses.map(text).join(', ')}`
      : describeRouting(draft, action);
  log(draft, `cannot add static ${what}: ${said(refused)}`);
}

function describeRouting(draft: Draft, action: RoutingAction): string {
  const { links } = draft.router.kernel;
  return action.type === 'addRoutes' || action.type === 'removeRoutes'
    ? `route ${action.routes.map((route) => routeText(entryOf(route, links))).join(', ')}`
    : `rule ${action.rules.map(ruleText).join(', ')}`;
}

function sendRefused(
  draft: Draft,
  concerns: (member: { readonly pace: number; readonly socket?: string }) => boolean,
  refused: Refused,
): void {
  const position = draft.router.members.findIndex(concerns);
  if (position >= 0)
    complain(draft, position, `send ${refused.code}`, `send advert error ${said(refused)}`);
}

/**
 * What the I/O thread tried for a schedule was not sent, and does not count as sent. keepalived says so each time,
 * we once a minute for each errno. Of an interface that has gone down meanwhile nothing is said: that is a fault.
 */
export function onUnsent(
  draft: Draft,
  { pace, errno, message }: Extract<VrrpEvent, { type: 'unsent' }>,
): void {
  const position = draft.router.members.findIndex((member) => member.pace === pace);
  if (position < 0) return;
  const member = memberAt(draft, position);
  const { statistics } = member;
  setMember(draft, position, {
    ...member,
    statistics: { ...statistics, sent: statistics.sent - 1 },
  });
  if (member.speaking === undefined) return;
  complain(draft, position, `send ${errno}`, `send advert error ${errno} (${message})`, ':');
}

const said = ({ code, message }: Refused): string => `${code} (${message})`;
const text = ({ address, prefix }: KernelAddress): string => `${address}/${prefix}`;

function describe({ family, group, source, interface: at }: SocketSpec): string {
  const where = at === undefined ? '' : ` on ${at.name}`;
  return `IPv${family} VRRP socket${where} for ${group ?? source ?? 'any address'}`;
}

function log(draft: Draft, line: string): void {
  draft.actions.push({ type: 'log', severity: 'error', text: line });
}

/** The addresses of a master that were refused, once it is time. */
export function repairRefused(draft: Draft, position: number): void {
  const member = memberAt(draft, position);
  if (member.repairAt === undefined || member.repairAt > draft.now) return;
  const { repairAt: _, refused, ...rest } = member;
  setMember(draft, position, { ...rest, refused: [] });
  if (refused.length === 0 || member.state.name !== 'master') return;
  const lines: VrrpAction[] = [];
  burst(draft, member, refused, refused, member.config.garp_master_repeat, lines);
  draft.actions.push(...lines);
}
