// Lines of routes and rules: what is written reads back to the same, whatever the words are in any order; and no line
// makes reading throw.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { splitWords, textOf } from '../../src/config/text.ts';
import type { ValueType } from '../../src/config/value.ts';
import { routeLine } from '../../src/vrrp/route.ts';
import { ruleLine } from '../../src/vrrp/rule.ts';

const wordsOf = (line: string): string[] => splitWords(textOf(line)).words.map(({ text }) => text);

const u8 = fc.integer({ min: 0, max: 255 });
const u32 = fc.integer({ min: 0, max: 0xffffffff });
const ip4 = fc.tuple(u8, u8, u8, u8).map((parts) => parts.join('.'));
const ip6 = fc.tuple(u8, u8).map(([a, b]) => `fd00:${a.toString(16)}::${b.toString(16)}`);
const name = fc.constantFrom('eth0', 'eth1', 'a-b');
const option = (word: string, value: fc.Arbitrary<unknown>): fc.Arbitrary<string> =>
  value.map((v) => `${word} ${v}`);
const lock = fc.constantFrom('', 'lock ');
const metric = (word: string): fc.Arbitrary<string> =>
  fc.tuple(lock, u32).map(([locked, n]) => `${word} ${locked}${n}`);
const time = fc.oneof(
  fc.integer({ min: 200, max: 120_000 }).map((n) => `${n}ms`),
  fc.integer({ min: 1, max: 120 }).map((n) => `${n}s`),
  fc.integer({ min: 1600, max: 9000 }).map(String),
);

const routeOptions = (address: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.oneof(
    option('via', address),
    option('src', address),
    option('tos', fc.oneof(u8, fc.constant('CS1'))),
    option('table', fc.oneof(u32, fc.constant('main'))),
    option('protocol', fc.oneof(u8, fc.constant('static'))),
    option('scope', fc.oneof(u8, fc.constant('link'))),
    option('metric', u32),
    option('dev', name),
    option('mtu', u32),
    metric('advmss'),
    metric('ssthresh'),
    option('hoplimit', u8),
    option('rtt', time),
    option('rttvar', time),
    option('rto_min', fc.integer({ min: 200, max: 9000 })),
    option('congctl', fc.constantFrom('reno', 'lock cubic')),
    fc.constantFrom('onlink', 'no_track', 'add', 'append', 'features ecn', 'ttl-propagate enabled'),
  );

/** Behind everything else: words such as src would belong to the tunnel. */
const encap = fc.constantFrom(
  [],
  ['encap ip id 5 dst 10.0.0.1 tos EF ttl 3'],
  ['encap ip6 id 9 tc 4'],
  ['encap mpls 100/200'],
  ['encap ila 1:2:3:4'],
);

const hop = (address: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc
    .tuple(address, name, fc.integer({ min: 1, max: 256 }), fc.constantFrom('', ' onlink'))
    .map(([via, dev, weight, more]) => `nexthop via ${via} dev ${dev} weight ${weight}${more}`);

const route = fc.constantFrom(ip4, ip6).chain((address) =>
  fc
    .tuple(
      fc.constantFrom('', 'blackhole ', 'local ', '77 '),
      fc.oneof(
        address.map((a) => `${a}/24`),
        address,
      ),
      fc.array(routeOptions(address), { maxLength: 6 }),
      encap,
      fc.array(hop(address), { maxLength: 3 }),
    )
    .map(([type, to, options, tunnel, hops]) =>
      [`${type}${to}`, ...options, ...tunnel, ...hops].join(' '),
    ),
);

const range = fc.tuple(u32, u32).map(([a, b]) => `${a}-${b}`);
const ruleOption = fc.oneof(
  option('from', ip4),
  option('to', fc.oneof(ip4, fc.constant('10.0.0.0/8'))),
  option('tos', fc.oneof(u8, fc.constant('CS1'))),
  option(
    'fwmark',
    fc.oneof(
      u32,
      fc.tuple(u32, u32).map(([a, b]) => `${a}/${b}`),
    ),
  ),
  option('iif', name),
  option('oif', name),
  option('realms', fc.constantFrom('5', '5/6', 'cosmos/3')),
  option('suppress_prefixlength', u8),
  option('suppress_ifgroup', fc.oneof(u8, fc.constant('default'))),
  option('tunnel-id', u32),
  option('uidrange', range),
  option('ipproto', fc.constantFrom('tcp', '17')),
  option('sport', fc.constant('1-2')),
  option('dport', fc.constant('80-443')),
  option('protocol', u8),
  fc.constantFrom('not', 'no_track'),
);
const rule = fc
  .tuple(
    fc.uniqueArray(ruleOption, { selector: (text) => text.split(' ')[0], maxLength: 7 }),
    fc.constantFrom('table 100', 'table main', 'l3mdev'),
    u32,
  )
  .map(([options, action, priority]) => [...options, action, `priority ${priority}`].join(' '));

function readsBack<T>(type: ValueType<T>, line: string): void {
  const first = type.parse(wordsOf(line), line);
  assert.ok(first.value !== undefined, `${line}: ${JSON.stringify(first.complaints)}`);
  const written = type.format(first.value);
  const second = type.parse(wordsOf(written), written);
  assert.deepEqual(second.value, first.value, `${line} -> ${written}`);
}

test('a route is written in a way that reads back to the same', () => {
  fc.assert(fc.property(route, (line) => readsBack(routeLine(false), line)));
});

test('a rule is written in a way that reads back to the same', () => {
  fc.assert(fc.property(rule, (line) => readsBack(ruleLine(false), line)));
});

test('no words make reading a route or a rule throw', () => {
  const words =
    'default to via inet nexthop encap ip id mpls ila tos table rtt lock realms or as 5 10.0.0.1/8 fd00::/8 - / x from not goto type uidrange sport priority hasOwnProperty';
  const word = fc.oneof(fc.constantFrom(...words.split(' ')), fc.string());
  fc.assert(
    fc.property(fc.array(word, { minLength: 1, maxLength: 8 }), (line) => {
      for (const type of [routeLine(true), ruleLine(true)] as ValueType<unknown>[]) {
        const { value, complaints = [] } = type.parse(line, line.join(' '));
        assert.ok(value !== undefined || complaints.length > 0, line.join(' '));
      }
    }),
    { numRuns: 2000 },
  );
});
