// Links and addresses through netlink: round trips with the kernel, refusals with the kernel's own words, news, and
// exchanges that failed and must leave nothing behind.

import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import type { Ip } from '../../src/lib/ip.ts';
import type { KernelAddress } from '../../src/lib/link.ts';
import { native } from '../../src/net/native.ts';
import { encodeMessage, NETLINK_ROUTE, NLM_F_ACK, RTM_NEWADDR } from '../../src/net/netlink.ts';
import { type News, Route, readNews } from '../../src/net/route.ts';
import { encodeNewAddress } from '../../src/net/rt-address.ts';
import { Cable, ip, Tape } from './cable.ts';

let cable: Cable;
let route: Route;
let index: number;

interface Shown {
  readonly [name: string]: unknown;
}
/** What iproute2 shows of an address on device a. */
function show(address: string): Shown | undefined {
  const [link] = JSON.parse(ip('-d', '-j', 'address', 'show', 'dev', 'a')) as [
    { addr_info: { local: string }[] },
  ];
  return link.addr_info.find(({ local }) => local === address);
}
const plain = (address: string): KernelAddress => ({
  index,
  address: address as Ip,
  prefix: address.includes(':') ? 128 : 32,
  scope: 0,
});

before(() => {
  cable = new Cable('route');
  index = cable.index('near');
});
after(() => cable.remove());
beforeEach(() => {
  route = new Route();
});
afterEach(() => {
  native.stop();
  route.close();
});

describe('addresses', () => {
  it('with label, broadcast, scope and no prefix route are as iproute2 shows them, and go again', () => {
    const address: KernelAddress = {
      index,
      address: '10.20.0.5' as Ip,
      prefix: 24,
      scope: 253,
      label: 'a:vip',
      broadcast: '10.20.0.255' as Ip,
      noPrefixRoute: true,
    };
    assert.deepEqual(route.add([address]), []);
    const shown = show('10.20.0.5');
    assert.deepEqual(
      [shown?.prefixlen, shown?.scope, shown?.label, shown?.broadcast, shown?.noprefixroute],
      [24, 'link', 'a:vip', '10.20.0.255', true],
    );
    assert.ok(!ip('route').includes('10.20.0.0/24'));
    const { protocol, ...read } =
      route.addresses().find((one) => one.address === address.address) ?? assert.fail('not dumped');
    assert.deepEqual(read, {
      index,
      address: '10.20.0.5',
      prefix: 24,
      scope: 253,
      secondary: false,
      tentative: false,
      label: 'a:vip',
      broadcast: '10.20.0.255',
    });
    // Kernels from 5.18 on keep IFA_PROTO.
    if (protocol !== undefined) assert.equal(protocol, 18);
    assert.deepEqual(route.remove([address]), []);
    assert.equal(show('10.20.0.5'), undefined);
  });

  it('of IPv6 may be deprecated and skip duplicate address detection', () => {
    const address: KernelAddress = { ...plain('fd00::5'), deprecated: true, noDad: true };
    assert.deepEqual(route.add([address]), []);
    const shown = show('fd00::5');
    assert.deepEqual(
      [shown?.deprecated, shown?.nodad, shown?.tentative, shown?.preferred_life_time],
      [true, true, undefined, 0],
    );
    // Without noDad it has to be waited for.
    assert.deepEqual(route.add([plain('fd00::6')]), []);
    const tentative = route.addresses().filter((one) => one.tentative);
    assert.deepEqual(
      tentative.map((one) => one.address),
      ['fd00::6'],
    );
    assert.deepEqual(route.remove([address, plain('fd00::6')]), []);
  });

  it('with a peer are found by their own end', () => {
    const address: KernelAddress = { ...plain('10.30.0.1'), peer: '10.30.0.2' as Ip };
    assert.deepEqual(route.add([address]), []);
    assert.equal(show('10.30.0.1')?.address, '10.30.0.2');
    assert.ok(route.addresses().some((one) => one.address === '10.30.0.1'));
    assert.deepEqual(route.remove([address]), []);
  });

  it('that are there already, or gone already, are no failure', () => {
    const address = plain('10.20.0.6');
    assert.deepEqual(route.add([address, address]), []);
    assert.deepEqual(route.remove([address, address]), []);
    assert.deepEqual(route.remove([{ ...address, index: 999_999 }]), []);
  });

  it('by the thousand arrive, and each refusal among them names its own', () => {
    const many = Array.from({ length: 1_000 }, (_, n) => plain(`10.50.${n >> 8}.${n & 255}`));
    const bad = new Set([0, 63, 64, 500, 999]);
    const wanted = many.map((one, n) => (bad.has(n) ? { ...one, index: 999_999 } : one));
    const refused = route.add(wanted);
    assert.deepEqual(
      refused.map(({ about }) => about),
      [...bad].map((n) => wanted[n]),
    );
    assert.ok(refused.every(({ code }) => code === 'ENODEV'));
    const held = new Set(route.addresses().map(({ address }) => address));
    assert.ok(many.every(({ address }, n) => held.has(address) !== bad.has(n)));
    // All of them refused at once: every answer is read.
    assert.equal(route.add(wanted.map((one) => ({ ...one, index: 999_999 }))).length, 1_000);
    assert.deepEqual(route.remove(many), []);
  });

  it('are refused in the words of the kernel', () => {
    const [refused] = route.add([{ ...plain('10.20.0.7'), prefix: 33 }]);
    assert.equal(refused?.code, 'EINVAL');
    assert.equal(refused?.message, 'ipv4: Invalid prefix length');
    const [absent] = route.add([{ ...plain('fd00::7'), prefix: 129 }]);
    assert.deepEqual([absent?.code, (absent?.message ?? '').length > 0], ['EINVAL', true]);
  });
});

describe('a netlink exchange', () => {
  it('that overflowed is an error, and the next one reads its own answers', () => {
    const fd = native.netlinkSocket(NETLINK_ROUTE, 0, 2_048);
    const wrong = Array.from({ length: 200 }, (_, n) =>
      encodeNewAddress({ ...plain('10.20.0.8'), index: 999_999 }, n + 1, n === 199),
    );
    const messages = Buffer.concat(wrong);
    assert.throws(() => native.request(fd, messages, 200), { code: 'ENOBUFS', syscall: 'recv' });
    const right = encodeNewAddress(plain('10.20.0.8'), 200, true);
    assert.deepEqual(native.request(fd, right, 200), []);
    assert.ok(route.remove([plain('10.20.0.8')]).length === 0);
    native.close(fd);
  });

  it('does not take the answers to what a shot sent, which are collected', async () => {
    const tape = new Tape();
    const fd = native.netlinkSocket(NETLINK_ROUTE, 0, 1 << 20);
    const bytes = encodeNewAddress({ ...plain('10.20.0.9'), index: 999_999 }, 77, true);
    native.shot(1, native.now(), [{ fd, datagrams: [{ bytes }] }]);
    const fired = await tape.first('fired');
    assert.equal(fired.errno, 0);
    assert.deepEqual(
      native.collect(fd).map(({ sequence, code }) => [sequence, code]),
      [[77, 'ENODEV']],
    );
    assert.deepEqual(native.collect(fd), []);
    native.close(fd);
  });

  it('with a message whose length lies is refused or ends, and reads nothing it must not', () => {
    const fd = native.netlinkSocket(NETLINK_ROUTE, 0, 1 << 20);
    const message = encodeMessage(RTM_NEWADDR, NLM_F_ACK, 5, new Uint8Array(8), []);
    // A view that begins at an odd address, and one that is shorter than its header says.
    const odd = new Uint8Array(message.length + 1);
    odd.set(message, 1);
    const [refused] = native.request(fd, odd.subarray(1), 5);
    assert.equal(refused?.sequence, 5);
    assert.throws(() => native.request(fd, message.subarray(0, 20), 5), TypeError);
    const mute = encodeMessage(RTM_NEWADDR, 0, 5, new Uint8Array(8), []);
    assert.throws(() => native.dump(fd, mute), TypeError);
    native.close(fd);
  });
});

describe('links', () => {
  it('are dumped with what routers need to know of them', () => {
    const links = new Map(route.links().map((link) => [link.name, link]));
    const { a } = Object.fromEntries(links);
    const [shown] = JSON.parse(ip('-j', 'link', 'show', 'dev', 'a')) as [
      { ifindex: number; address: string; mtu: number },
    ];
    assert.deepEqual(
      [a?.index, a?.mac, a?.mtu, a?.hardware, a?.up, a?.running, a?.multicast, a?.kind],
      [shown.ifindex, shown.address, shown.mtu, 1, true, true, true, 'veth'],
    );
    assert.deepEqual([links.get('lo')?.hardware, links.get('lo')?.multicast], [772, false]);
  });

  it('and addresses are news when they change', async () => {
    const tape = new Tape();
    const news = (): News[] =>
      tape
        .of('packet')
        .filter(({ fd }) => route.isMonitor(fd))
        .flatMap(({ bytes }) => readNews(bytes));
    ip('link', 'add', 'name', 'm', 'link', 'a', 'type', 'macvlan', 'mode', 'private');
    ip('address', 'add', '10.40.0.1/24', 'dev', 'm');
    ip('link', 'set', 'dev', 'm', 'up');
    ip('-n', cable.far, 'link', 'set', 'dev', 'b', 'down');
    const of = (wanted: string): string[] =>
      news()
        .map((one) => {
          if ('link' in one) return `${one.link.name} ${one.link.up} ${one.link.running}`;
          return 'address' in one ? `${one.type} ${one.address.address}` : one.type;
        })
        .filter((line) => line.startsWith(wanted));
    // The kernel tells carriers at most once a second.
    await tape.until(() => of('a ').includes('a true false'), 'the pulled cable');
    ip('link', 'delete', 'dev', 'm');
    await tape.until(() => of('linkGone').length > 0, 'the end of the link');
    assert.equal(of('m ')[0], 'm false false');
    assert.ok(of('m ').includes('m true true'));
    assert.ok(of('address 10.40.0.1').length >= 1);
    assert.ok(of('addressGone 10.40.0.1').length === 1);
    ip('-n', cable.far, 'link', 'set', 'dev', 'b', 'up');
    await tape.until(() => of('a ').at(-1) === 'a true true', 'the carrier');
  });
});
