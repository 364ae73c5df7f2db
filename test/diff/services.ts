// Virtual servers whose verdict depends on the order of their statements: which of them tells the family, which method holds
// for a server, which servers are one.

import { type Case, inside } from './cases.ts';

const GROUPS =
  'virtual_server_group g {\n10.9.0.100 80\n}\nvirtual_server_group h {\nfd00::100 80\n}\nvirtual_server_group m {\nfwmark 5\n}\n';

const real = (address: string, ...lines: readonly string[]): string =>
  [`real_server ${address} {`, ...lines, '}'].join('\n');

const STATEMENTS: Readonly<Record<string, string>> = {
  r4: real('10.9.1.5 80'),
  r6: real('fd00::5 80'),
  tunnel4: real('10.9.1.6 80', 'lvs_method TUN'),
  tunnel6: real('fd00::6 80', 'lvs_method TUN'),
  nat6: real('fd00::7 80', 'lvs_method NAT'),
  g6: 'persistence_granularity 64',
  g4: 'persistence_granularity 255.255.255.0',
  gx: 'persistence_granularity x',
  i4: 'ip_family inet',
  i6: 'ip_family inet6',
  s4: 'sorry_server 10.9.1.9 80',
  s6: 'sorry_server fd00::9 80',
  st: 'sorry_server_lvs_method TUN',
  si: 'sorry_server_inhibit',
  tun: 'lvs_method TUN',
  nat: 'lvs_method NAT',
};

/** In a service whose method is NAT to begin with. */
const FAMILIES = [
  ...[
    'r4 g6',
    'r6 g4',
    'r4 i6',
    'r6 i4',
    'i4 i6 r4',
    'i6 i4 r6',
    'g6 g4 r4',
    'gx g4 r4',
    's4 g6 r4',
  ],
  ...[
    's6 r4',
    'r6 s4',
    's6 i4 r4',
    'tunnel4 g6',
    'tunnel4 r6',
    'tunnel6 i4 r4',
    'i4 tunnel6',
    'i6 r4',
  ],
];

/** Without one. */
const METHODS = [
  ...[
    'r4 r6 tun',
    'i6 r4 tun',
    'r6 tun',
    'tun r4 nat',
    'tun r6 nat',
    'tun r4 nat r6',
    'r4 nat tun r6',
  ],
  ...[
    'r4 s6 tun',
    's6 tun r4',
    'tun s6 r4 nat',
    's6 st r4',
    's6 r4 st',
    'tun s6 nat6 r4',
    'r4 i6 tun',
  ],
  ...['s6 st s6 r4', 's4 si s4 si r4', 'si s4 r4', 'st s4 r4'],
];

const GRAINS = [
  ...[
    '64',
    '128',
    '129',
    '0',
    '24',
    '255.255.255.0',
    '255.255.255.256',
    '4294967295',
    '4294967296',
    'x',
  ],
  ...[
    '64x',
    '010.1',
    '0x10',
    '1.2',
    '256.1',
    '1.16777215',
    '1.16777216',
    '1..2',
    '+64',
    '" 64"',
    '"64 "',
    '',
  ],
];

/** Two that are one, without a port or with it. */
const PAIRS = [
  ...[
    '10.9.1.5 / 10.9.1.5 80',
    '10.9.1.5 80 / 10.9.1.5',
    '10.9.1.5 / 10.9.1.5',
    '10.9.1.5 0 / 10.9.1.5',
  ],
  ...['10.9.1.5 80 / 10.9.1.5 80', '10.9.1.5 81 / 10.9.1.5 80', 'fd00::5 80 / fd00:0::5 80'],
];

/** A sorry server that is a real one, or is not. */
const SORRIES = [
  'sorry_server 10.9.1.5 80 / sorry_server_inhibit / real_server 10.9.1.5 80 { / }',
  'sorry_server 10.9.1.5 80 / inhibit_on_failure / real_server 10.9.1.5 80 { / }',
  'sorry_server 10.9.1.5 80 / inhibit_on_failure / real_server 10.9.1.5 { / }',
  'sorry_server 10.9.1.5 / inhibit_on_failure / real_server 10.9.1.5 80 { / }',
  'sorry_server 10.9.1.5 / inhibit_on_failure / real_server 10.9.1.5 { / }',
];

const HEADINGS = ['fwmark 5', 'group g', 'group h', 'group m', '10.9.0.100 80', 'fd00::100 80'];

const service = (heading: string, ...lines: readonly string[]): string =>
  [
    `${GROUPS}virtual_server ${heading} {`,
    'lvs_sched rr',
    ...(/^fwmark|m$/.test(heading) ? [] : ['protocol TCP']),
    ...lines,
    '}\n',
  ].join('\n');

const written = (names: string): readonly string[] =>
  names.split(' ').map((name) => STATEMENTS[name] as string);

const LINKS = ['eth0', 'nosuch'].flatMap((name) => [
  ...['', 'x', 'MII', 'MII x', 'x MII'].map((rest) => ['linkbeat_interfaces', `${name} ${rest}`]),
  ...['5', '5 6', 'x', '5 x', 'x 5', '-1', '99999999', '5 6 7'].map((rest) => [
    'interface_up_down_delays',
    `${name} ${rest}`,
  ]),
]);

export const SERVICES: readonly Case[] = [
  ...HEADINGS.flatMap((heading) => [
    ...FAMILIES.map((names) => ({
      name: `${heading}: ${names}`,
      text: service(heading, 'lvs_method NAT', ...written(names)),
    })),
    ...METHODS.map((names) => ({
      name: `${heading}: ${names}`,
      text: service(heading, ...written(names)),
    })),
    ...PAIRS.map((pair) => ({
      name: `${heading}: ${pair}`,
      text: service(heading, 'lvs_method DR', ...pair.split(' / ').map((one) => real(one))),
    })),
  ]),
  ...['fwmark 5', '10.9.0.100 80', 'fd00::100 80'].flatMap((heading) =>
    GRAINS.map((grain) => ({
      name: `${heading}: persistence_granularity ${grain}`,
      text: service(heading, `lvs_method TUN\npersistence_granularity ${grain}`, real('10.9.1.5')),
    })),
  ),
  ...SORRIES.map((lines) => ({
    name: `a sorry server and ${lines}`,
    text: service('10.9.0.100 80', 'lvs_method NAT', ...lines.split(' / ')),
  })),
  // An interface that is not there ends its line.
  ...LINKS.map(([block, line]) => ({
    name: `${block} ${line}`,
    text: `${block} {\n${line}\n}\n${inside()}`,
  })),
  {
    name: 'fwmark 0',
    text: service('fwmark 0', 'lvs_method NAT', real('10.9.1.5')),
    differs: {
      why: 'keepalived takes it for an address, which it reads from memory that it has not written',
      onlyOurs: [10],
      words: ['virtual server fwmark 0 is no mark: packets without one have it - skipping'],
    },
  },
];
