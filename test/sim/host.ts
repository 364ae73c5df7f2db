// One router with a kernel made of two tables: what it orders is carried out at once, and comes back as news
// when the test asks for it. For tests that look at orders; the segment of many routers is in segment.ts.

import type { Ip } from '../../src/lib/ip.ts';
import type { Link, LinkAddress } from '../../src/lib/link.ts';
import type { Instant } from '../../src/lib/time.ts';
import type { KernelAddress, VrrpAction } from '../../src/vrrp/action.ts';
import type { VrrpEvent } from '../../src/vrrp/event.ts';
import type { VrrpConfig, VrrpInstance } from '../../src/vrrp/keywords.ts';
import { createRouter, nextDeadline, type RouterState, step } from '../../src/vrrp/router.ts';
import { adverts } from '../../src/vrrp/speech.ts';
import type { Member } from '../../src/vrrp/state.ts';
import { ip } from './config.ts';

export const link = (index = 2, name = 'eth0', changes: Partial<Link> = {}): Link => ({
  index,
  name,
  mac: `02:00:00:00:00:0${index % 10}`,
  mtu: 1500,
  hardware: 1,
  up: true,
  running: true,
  multicast: true,
  ...changes,
});

export const address = (
  text: string,
  prefix = 24,
  changes: Partial<LinkAddress> = {},
): LinkAddress => ({
  index: 2,
  address: ip(text),
  prefix,
  scope: text.startsWith('fe80') ? 253 : 0,
  secondary: false,
  tentative: false,
  ...changes,
});

export const FACTS = {
  links: [link()],
  addresses: [address('10.0.0.5'), address('fd00::5', 64), address('fe80::5', 64)],
};

export type Of<T extends VrrpAction['type']> = Extract<VrrpAction, { type: T }>;

export class Host {
  state: RouterState;
  now = 0 as Instant;
  actions: readonly VrrpAction[] = [];
  readonly kernel = new Set<string>();

  constructor(config: VrrpConfig) {
    this.state = createRouter(config);
  }

  take(event: VrrpEvent, now = this.now): this {
    this.now = now;
    const { state, actions } = step(this.state, event, now);
    this.state = state;
    this.actions = actions;
    for (const action of actions) {
      if (action.type === 'addAddresses')
        for (const held of action.addresses) this.kernel.add(held.address);
      if (action.type === 'removeAddresses')
        for (const held of action.addresses) this.kernel.delete(held.address);
    }
    return this;
  }

  start(facts = FACTS, now = 0 as Instant): this {
    return this.take({ type: 'facts', facts }, now);
  }

  /** At the instant for which it asked to be called. */
  deadline(): this {
    const at = nextDeadline(this.state);
    if (at === undefined) throw new Error('it waits for nothing');
    return this.take({ type: 'deadline' }, at);
  }

  until(name: string): this {
    for (let i = 0; i < 100; i++) {
      if (this.member().state.name === name) return this;
      this.deadline();
    }
    throw new Error(`it never became ${name}`);
  }

  /** An advert of a peer that has the same configuration but for `changes`. */
  hears(
    priority: number,
    from = '10.0.0.9',
    changes: Partial<VrrpInstance> = {},
    now = this.now,
  ): this {
    const { config, socket = '' } = this.member();
    const sent = adverts({ ...config, ...changes }, ip(from), priority)[0];
    if (sent === undefined) throw new Error('no advert');
    return this.take(
      {
        type: 'packet',
        socket,
        packet: {
          source: ip(from),
          destination: sent.to,
          hopLimit: 255,
          interface: 2,
          bytes: sent.bytes,
        },
      },
      now,
    );
  }

  member(name?: string): Member {
    const member = this.state.members.find(
      ({ config }) => name === undefined || config.name === name,
    );
    if (member === undefined) throw new Error(`no instance ${name ?? ''}`);
    return member;
  }

  of<T extends VrrpAction['type']>(type: T): readonly Of<T>[] {
    return this.actions.filter((action): action is Of<T> => action.type === type);
  }

  get kinds(): readonly string[] {
    return this.actions.filter(({ type }) => type !== 'log').map(({ type }) => type);
  }

  get logs(): readonly string[] {
    return this.of('log').map(({ text }) => text);
  }

  /** Scripts in order, with what is appended. */
  get scripts(): readonly string[] {
    return this.of('run').map(({ script, words }) => [...script.words, ...words].join(' '));
  }
}

/** The priority in the advert that an IPv4 datagram carries. */
export const priorityIn = (bytes: Uint8Array | undefined): number | undefined => bytes?.[22];

export const asNews = ({ index, address, prefix }: KernelAddress): LinkAddress => ({
  index,
  address,
  prefix,
  scope: 0,
  secondary: true,
  tentative: false,
});

export const texts = (addresses: readonly { readonly address: Ip }[]): readonly string[] =>
  addresses.map(({ address }) => address);
