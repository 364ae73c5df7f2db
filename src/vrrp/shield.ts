// no_accept and strict mode: while an instance is master its addresses are there for others' packets to be routed by, and
// packets to them or from them are dropped (RFC 9568 6.1, Accept_Mode). What is dropped is a function of what is held;
// the orders are the difference. An owner accepts whatever is said.

import { isLinkLocal6 } from '../lib/ip.ts';
import type { KernelAddress, Shielded, VrrpAction } from './action.ts';
import type { VrrpInstance } from './keywords.ts';
import { OWNER_PRIORITY } from './packet.ts';
import type { Draft, Member } from './state.ts';

const NONE: readonly Shielded[] = [];

export const isShielded = ({ accept, priority }: VrrpInstance): boolean =>
  !accept && priority !== OWNER_PRIORITY;

/** Before addresses are there nobody may reach them. */
export function raise(
  draft: Draft,
  member: Member,
  held: readonly KernelAddress[],
  lines: VrrpAction[],
): Member {
  const wanted = isShielded(member.config) ? held.map((one) => shieldOf(draft, member, one)) : NONE;
  const { shield = NONE } = member;
  const added = lacking(wanted, shield);
  if (added.length === 0) return member;
  draft.actions.push({ type: 'shield', addresses: added });
  if (shield.length === 0) say(member, 'setting', lines);
  return { ...member, shield: [...shield, ...added] };
}

/** Once addresses are gone nothing of them needs to be dropped. */
export function lower(
  draft: Draft,
  member: Member,
  held: readonly KernelAddress[],
  lines: VrrpAction[],
): Member {
  const { shield = NONE, ...rest } = member;
  if (shield.length === 0) return member;
  const wanted = isShielded(member.config) ? held.map((one) => shieldOf(draft, member, one)) : NONE;
  const gone = lacking(shield, wanted);
  if (gone.length === 0) return member;
  draft.actions.push({ type: 'unshield', addresses: gone });
  const left = lacking(shield, gone);
  if (left.length > 0) return { ...rest, shield: left };
  say(member, 'removing', lines);
  return rest;
}

/** What a process before this one has left goes, unless an order of this step has replaced it already. */
export function clearShield(draft: Draft): void {
  const asks = draft.router.members.some(({ config }) => isShielded(config));
  if (asks && !draft.actions.some(({ type }) => type === 'shield'))
    draft.actions.push({ type: 'shield', addresses: [] });
}

/** A link-local address is one of many of its kind: only on its own interface. */
function shieldOf(draft: Draft, { config }: Member, { address, index }: KernelAddress): Shielded {
  if (!isLinkLocal6(address)) return { address };
  const name = draft.router.kernel.links[index]?.name;
  return config.shield_by_name === true && name !== undefined
    ? { address, interface: name }
    : { address, index };
}

const keyOf = (one: Shielded): string => JSON.stringify(one);

function lacking(some: readonly Shielded[], others: readonly Shielded[]): readonly Shielded[] {
  const keys = new Set(others.map(keyOf));
  return some.filter((one) => !keys.has(keyOf(one)));
}

const say = ({ config }: Member, verb: string, lines: VrrpAction[]): void => {
  lines.push({
    type: 'log',
    severity: 'detail',
    text: `(${config.name}) ${verb} firewall drop rule`,
  });
};
