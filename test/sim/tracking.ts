// Machines with two virtual routers in one sync group, each on a network of its own, and trackers on all of them: links
// that flap, scripts that fail, hang or die, numbers in files, processes that come and go. What trackers say is kept
// a second time here, by other means than the code under test has. A mutation breaks what is around the core.

import assert from 'node:assert/strict';
import type { Link, LinkAddress } from '../../src/lib/link.ts';
import { type Instant, seconds } from '../../src/lib/time.ts';
import type { VrrpAction } from '../../src/vrrp/action.ts';
import type { VrrpEvent } from '../../src/vrrp/event.ts';
import type { VrrpConfig } from '../../src/vrrp/keywords.ts';
import { createRouter, nextDeadline, type RouterState, step } from '../../src/vrrp/router.ts';
import type { RunEnd } from '../../src/vrrp/tracker.ts';
import { config, instance, ip } from './config.ts';
import { address, link, priorityIn } from './host.ts';
import type { StepFunction } from './mutation.ts';

export interface TrackingMutation {
  /** Members move each by itself. */
  readonly alone?: true;
  /** New content of a schedule does not reach the thread. */
  readonly deafPace?: true;
  /** Ends of scripts, or news of links, never arrive. */
  readonly lost?: 'probed' | 'link';
  /** A hung script that was killed counts as having succeeded just before. */
  readonly tooLate?: true;
  /** The core itself. */
  readonly step?: StepFunction;
}

/** What others do to a machine. */
export interface Blow {
  readonly at: number;
  readonly who: number;
  readonly what: 'network' | 'uplink' | 'script' | 'hang' | 'file' | 'process';
  readonly value: number;
}

const NETWORKS = [2, 3] as const;
const UPLINK = 4;
const LATENCY = 300;
const BASE = [150, 140, 130] as const;
const TIMEOUT = seconds(1);

function setUp(position: number, alone: boolean): VrrpConfig {
  const weight = { weight: 0, reverse: false };
  const member = (name: string, network: number) =>
    instance({
      name,
      interface: `eth${network}`,
      virtual_router_id: 50 + network,
      priority: BASE[position] ?? 100,
      virtual_ipaddress: [{ address: ip(`10.0.${network}.100`), prefix: 24, scope: 0 }],
    });
  const group = {
    name: 'G',
    group: ['A', 'B'],
    sync_group_tracking_weight: false,
    track_interface: [{ name: `eth${UPLINK}`, weight: -30, reverse: false }],
    track_script: [{ name: 's', weight: 20, reverse: false }],
    track_file: [{ name: 'f', weight: -1, reverse: false }],
    track_process: [{ name: 'p', weight: 0, reverse: false }],
  };
  const lists = alone ? group : {};
  const members = [member('A', 2), member('B', 3)].map((one) => ({
    ...one,
    track_interface: [],
    ...(alone ? { ...lists, name: one.name } : {}),
  }));
  return {
    ...config(...members),
    vrrp_script: [
      {
        name: 's',
        script: { words: ['s'], uid: 0, gid: 0 },
        interval: seconds(1),
        timeout: TIMEOUT,
        weight,
        rise: 1,
        fall: 1,
        init_fail: false,
      },
    ],
    track_file: [{ name: 'f', file: '/f', weight }],
    vrrp_track_process: [{ name: 'p', process: ['p'], weight, quorum: 1, full_command: false }],
    ...(alone ? {} : { vrrp_sync_group: [group] }),
  };
}

class Machine {
  readonly links = new Map<number, boolean>([...NETWORKS, UPLINK].map((index) => [index, true]));
  readonly paces = new Map<number, { at: number; period: number; bytes: Uint8Array }>();
  state: RouterState;
  /** What the script would say, and whether it would say anything. */
  status = 0;
  hangs = false;
  file = 0;
  processes = 1;
  /** What the last run of the script came to; undefined before the first. */
  judged: boolean | undefined;

  readonly position: number;

  constructor(position: number, alone: boolean) {
    this.position = position;
    this.state = createRouter(setUp(position, alone));
  }

  link(index: number): Link {
    return link(index, `eth${index}`, { running: this.links.get(index) === true });
  }

  addresses(): LinkAddress[] {
    return NETWORKS.map((index) => address(`10.0.${index}.${this.position + 1}`, 24, { index }));
  }

  /** By the facts, and not by what the machine believes. */
  priority(): number {
    const base = BASE[this.position] ?? 100;
    // A file that is a fault adds nothing.
    const file = this.file >= 254 ? 0 : this.file;
    const sum = base - (this.links.get(UPLINK) ? 0 : 30) + (this.judged === true ? 20 : 0) - file;
    return Math.min(254, Math.max(1, sum));
  }

  well(): boolean {
    return (
      NETWORKS.every((index) => this.links.get(index)) && this.processes > 0 && this.file < 254
    );
  }
}

/** Plays a history, lets the machines come to rest, and throws where something is not as it must be. */
export function play(
  machines: number,
  blows: readonly Blow[],
  { alone, deafPace, lost, tooLate, step: stepped = step }: TrackingMutation = {},
): void {
  const all = Array.from({ length: machines }, (_, i) => new Machine(i, alone === true));
  let queue: { at: number; run: () => void }[] = [];
  let now = 1;
  const later = (at: number, run: () => void): void => {
    queue.push({ at: Math.max(at, now), run });
  };

  const take = (machine: Machine, event: VrrpEvent): void => {
    if (event.type === lost) return;
    const { state, actions } = stepped(machine.state, event, now as Instant);
    machine.state = state;
    for (const action of actions) perform(machine, action);
    together(machine);
  };
  const together = ({ state, position }: Machine): void => {
    const names = state.members.map((member) => member.state.name);
    assert.ok(
      names[0] === names[1] || (!names.includes('master') && !names.includes('fault')),
      `r${position} at ${now}: ${names.join(' and ')}`,
    );
  };
  const transmit = (from: Machine, network: number, bytes: Uint8Array): void => {
    if (from.links.get(network) !== true) return;
    for (const to of all)
      if (to !== from)
        later(now + LATENCY, () => {
          const member = to.state.members[network - 2];
          if (to.links.get(network) !== true || member?.socket === undefined) return;
          const packet = {
            source: ip(`10.0.${network}.${from.position + 1}`),
            destination: ip('224.0.0.18'),
            hopLimit: 255,
            interface: network,
            bytes,
          };
          take(to, { type: 'packet', socket: member.socket, packet });
        });
  };
  const perform = (machine: Machine, action: VrrpAction): void => {
    switch (action.type) {
      case 'pace':
        machine.paces.set(action.pace, {
          at: action.first,
          period: action.period,
          bytes: action.datagrams[0]?.bytes as Uint8Array,
        });
        break;
      case 'replace': {
        const pace = machine.paces.get(action.pace);
        assert.ok(pace !== undefined, 'only what is paced is replaced');
        if (deafPace === undefined) pace.bytes = action.datagrams[0]?.bytes as Uint8Array;
        break;
      }
      case 'silence':
        machine.paces.delete(action.pace);
        break;
      case 'send':
        transmit(
          machine,
          Number(/eth(\d)/.exec(action.socket)?.[1]),
          action.datagrams[0]?.bytes as Uint8Array,
        );
        break;
      case 'probe':
        probe(machine, action.run);
        break;
      default:
        break;
    }
  };
  const probe = (machine: Machine, run: number): void => {
    const end = (at: number, how: RunEnd, good: boolean | undefined): void =>
      later(at, () => {
        if (good !== undefined) machine.judged = good;
        take(machine, { type: 'probed', run, end: how });
      });
    const { status, hangs } = machine;
    if (!hangs) {
      end(now + 2000, { status }, status === 0);
      return;
    }
    // It fails at its time-out, whatever it says when it has been ended.
    if (tooLate !== undefined) end(now + TIMEOUT - 1, { status: 0 }, undefined);
    later(now + TIMEOUT, () => {
      machine.judged = false;
    });
    end(now + TIMEOUT + 100_000, { status: 0 }, undefined);
  };
  const suffer = (machine: Machine, { what, value }: Blow): void => {
    const turn = (index: number): void => {
      machine.links.set(index, machine.links.get(index) !== true);
      take(machine, { type: 'link', link: machine.link(index) });
    };
    switch (what) {
      case 'network':
        turn(NETWORKS[value % 2] as number);
        break;
      case 'uplink':
        turn(UPLINK);
        break;
      case 'script':
        machine.status = value % 3;
        machine.hangs = false;
        break;
      case 'hang':
        machine.hangs = value % 2 === 0;
        break;
      case 'file':
        machine.file = [0, 5, 40, 200, 254][value % 5] as number;
        take(machine, { type: 'fileRead', name: 'f', text: `${machine.file}\n` });
        break;
      case 'process':
        machine.processes = value % 3;
        take(machine, { type: 'processes', counts: { p: machine.processes } });
        break;
    }
  };

  const tick = (): boolean => {
    let next: { at: number; run: () => void } | undefined;
    const consider = (at: number | undefined, run: () => void): void => {
      if (at !== undefined && (next === undefined || at < next.at)) next = { at, run };
    };
    for (const item of queue)
      consider(item.at, () => {
        queue = queue.filter((other) => other !== item);
        item.run();
      });
    for (const machine of all) {
      for (const [pace, schedule] of machine.paces)
        consider(schedule.at, () => {
          schedule.at += schedule.period;
          const at = machine.state.members.findIndex((member) => member.pace === pace);
          transmit(machine, 2 + at, schedule.bytes);
        });
      consider(nextDeadline(machine.state), () => take(machine, { type: 'deadline' }));
    }
    const { at, run } = next as unknown as { at: number; run: () => void };
    if (at > end) return false;
    now = Math.max(now, at);
    run();
    return true;
  };

  const last = Math.max(0, ...blows.map(({ at }) => at)) * 100_000;
  const end = last + 40_000_000;
  for (const machine of all) {
    const facts = {
      links: [...NETWORKS, UPLINK].map((index) => machine.link(index)),
      addresses: machine.addresses(),
    };
    take(machine, { type: 'facts', facts, observed: { files: {}, counts: { p: 1 } } });
  }
  for (const blow of blows)
    later(blow.at * 100_000, () => suffer(all[blow.who % machines] as Machine, blow));
  while (tick());

  for (const machine of all) {
    const { rules, state } = machine.state.members[0] ?? assert.fail();
    assert.equal(rules.priority, machine.priority(), `r${machine.position}: effective priority`);
    assert.equal(state.name === 'fault', !machine.well(), `r${machine.position} is ${state.name}`);
    for (const { bytes } of machine.paces.values())
      assert.equal(priorityIn(bytes), machine.priority(), `r${machine.position}: on the wire`);
  }
  const best = Math.max(0, ...all.filter((one) => one.well()).map((one) => one.priority()));
  const masters = all.filter((one) => one.state.members[0]?.state.name === 'master');
  assert.equal(masters.length, best > 0 ? 1 : 0, 'one master where anybody is well');
  assert.ok(
    masters.every((one) => one.priority() === best),
    'the best is master',
  );
}
