// Step functions with one thing wrong, made from the real one.

import { internetChecksum } from '../../src/lib/checksum.ts';
import type { Duration, Instant } from '../../src/lib/time.ts';
import type { VrrpEvent } from '../../src/vrrp/event.ts';
import type { VrrpInstance } from '../../src/vrrp/keywords.ts';
import { step } from '../../src/vrrp/router.ts';
import { adverts } from '../../src/vrrp/speech.ts';
import type { Member } from '../../src/vrrp/state.ts';
import type { StepFunction } from './mutation.ts';

export const stepWith =
  (change: (event: VrrpEvent) => VrrpEvent | undefined): StepFunction =>
  (state, event, now) => {
    const changed = change(event);
    return changed === undefined ? { state, actions: [] } : step(state, changed, now);
  };

/** Timers of backups are changed whenever they are set. */
export const withTimers =
  (change: (down: Instant, config: VrrpInstance, interval: Duration) => number): StepFunction =>
  (state, event, now) => {
    const result = step(state, event, now);
    const members = result.state.members.map((member, i) => {
      const old = state.members[i]?.state;
      const { state: next, config } = member;
      if (
        next.name !== 'backup' ||
        (old?.name === 'backup' && old.masterDownAt === next.masterDownAt)
      )
        return member;
      const masterDownAt = change(next.masterDownAt, config, next.masterInterval) as Instant;
      return { ...member, state: { ...next, masterDownAt } };
    });
    return { ...result, state: { ...result.state, members } };
  };

export const skewOf = ({ version, priority }: VrrpInstance, interval: number): number =>
  ((256 - priority) / 256) * (version === 2 ? 1e6 : interval);

/** The same advert with other bytes, and a checksum that says they are right. */
export function rewritten(event: VrrpEvent, change: (vrrp: Uint8Array) => void): VrrpEvent {
  if (event.type !== 'packet') return event;
  const bytes = event.packet.bytes.slice();
  const vrrp = bytes.subarray(20);
  change(vrrp);
  vrrp.fill(0, 6, 8);
  const version = (vrrp[0] ?? 0) >> 4;
  const pseudo = Uint8Array.of(...bytes.subarray(12, 20), 0, 112, 0, vrrp.length);
  const sum = version === 2 ? internetChecksum(vrrp) : internetChecksum(pseudo, vrrp);
  vrrp.set([sum >> 8, sum & 0xff], 6);
  return { ...event, packet: { ...event.packet, bytes } };
}

export const interval = (multiply: number) => (event: VrrpEvent) =>
  rewritten(event, (vrrp) => {
    if ((vrrp[0] ?? 0) >> 4 !== 3) return;
    const centis = Math.min(0xfff, Math.ceil((((vrrp[4] ?? 0) << 8) | (vrrp[5] ?? 0)) * multiply));
    vrrp.set([centis >> 8, centis & 0xff], 4);
  });

/** Whoever should win a tie loses it: an equal priority is seen as one more or one less. */
export const invertedTie: StepFunction = (state, event, now) => {
  const [member] = state.members;
  if (event.type !== 'packet' || member?.state.name !== 'master') return step(state, event, now);
  if (event.packet.bytes[22] !== member.config.priority) return step(state, event, now);
  const real = step(state, event, now);
  const stayed = real.state.members[0]?.state.name === 'master';
  const priority = member.config.priority + (stayed ? 1 : -1);
  const [sent] = adverts(member.config, event.packet.source, priority);
  return step(
    state,
    { ...event, packet: { ...event.packet, bytes: sent?.bytes ?? event.packet.bytes } },
    now,
  );
};

export const without =
  (type: string): StepFunction =>
  (state, event, now) => {
    const { actions, ...rest } = step(state, event, now);
    return { ...rest, actions: actions.filter((action) => action.type !== type) };
  };

/** Whatever became of a member is changed once more. */
export const withMembers =
  (change: (member: Member, before: Member | undefined, now: Instant) => Member): StepFunction =>
  (state, event, now) => {
    const result = step(state, event, now);
    const members = result.state.members.map((member, i) => change(member, state.members[i], now));
    return { ...result, state: { ...result.state, members } };
  };

/** When a backup with preempt_delay may preempt is changed each time that it hears of that. */
export const withPreemption = (
  change: (preemptAt: Instant, now: Instant) => number,
): StepFunction =>
  withMembers((member, _, now) =>
    member.state.name === 'backup' && member.state.preemptAt !== undefined
      ? {
          ...member,
          state: { ...member.state, preemptAt: change(member.state.preemptAt, now) as Instant },
        }
      : member,
  );
