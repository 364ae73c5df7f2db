// Every kind of service and destination that a configuration can ask for, twice: as keepalived.conf has it, and as the
// orders that must make the same of it. Data only.

import type { Ip } from '../../src/lib/ip.ts';
import {
  type DestinationKey,
  type Forwarding,
  type IpvsDestination,
  type IpvsOrder,
  type IpvsService,
  SERVICE_FLAG,
  type ServiceKey,
} from '../../src/lib/ipvs.ts';

export interface Case {
  readonly name: string;
  readonly config: string;
  readonly orders: readonly IpvsOrder[];
}

const { persistent, onePacket, scheduler1, scheduler2 } = SERVICE_FLAG;
const EVERYBODY4 = '255.255.255.255' as Ip;
const EVERYBODY6 = 128;
const ip = (text: string): Ip => text as Ip;

interface Wanted {
  readonly key: ServiceKey;
  readonly service?: Partial<IpvsService>;
  readonly destination?: DestinationKey;
  readonly to?: Partial<IpvsDestination>;
}

const isSix = (key: ServiceKey): boolean =>
  'mark' in key ? key.family === 6 : key.address.includes(':');

function orders({ key, service, destination, to }: Wanted): IpvsOrder[] {
  const usual = isSix(key) ? ip('2001:db8:1::7') : ip('192.0.2.7');
  return [
    {
      type: 'addService',
      key,
      service: {
        scheduler: 'rr',
        flags: 0,
        timeout: 0,
        netmask: isSix(key) ? EVERYBODY6 : EVERYBODY4,
        ...service,
      },
    },
    {
      type: 'addDestination',
      key,
      destination: destination ?? { address: usual, port: 'mark' in key ? 0 : key.port },
      to: { forwarding: { method: 'DR' }, weight: 1, upperThreshold: 0, lowerThreshold: 0, ...to },
    },
  ];
}

interface Written {
  readonly heading: string;
  readonly protocol?: string;
  /** Lines of the service. */
  readonly lines?: string;
  readonly scheduler?: string;
  readonly method?: string;
  readonly server?: string;
  /** Lines of the real server. */
  readonly serverLines?: string;
}

const text = ({
  heading,
  protocol,
  lines = '',
  scheduler = 'rr',
  method = 'DR',
  server,
  serverLines = '',
}: Written): string => `
virtual_server ${heading} {
  ${protocol === undefined ? '' : `protocol ${protocol}`}
  lvs_sched ${scheduler}
  lvs_method ${method}
  ${lines}
  real_server ${server} {
    ${serverLines}
  }
}
`;

let last = 0;
/** Each case has an address of its own, so that all are in one file. */
const next4 = (): string => `203.0.113.${++last}`;

/** TCP, port 80, one server. */
function web(
  name: string,
  written: Partial<Written>,
  wanted: Partial<Omit<Wanted, 'key'>>,
  protocol: 'TCP' | 'UDP' | 'SCTP' = 'TCP',
): Case {
  const address = next4();
  return {
    name,
    config: text({ heading: `${address} 80`, protocol, server: '192.0.2.7 80', ...written }),
    orders: orders({ key: { protocol, address: ip(address), port: 80 }, ...wanted }),
  };
}

const scheduler = (name: string, lines = '', flags = 0): Case =>
  web(
    `scheduler ${name} ${lines}`.trim(),
    { scheduler: name, lines },
    { service: { scheduler: name, flags } },
  );

const method = (words: string, forwarding: Forwarding): Case =>
  web(`method ${words}`, { method: words }, { to: { forwarding } });

const weighted = (name: string, serverLines: string, to: Partial<IpvsDestination>): Case =>
  web(name, { serverLines }, { to });

export const cases: readonly Case[] = [
  web('TCP over IPv4', {}, {}),
  web('UDP over IPv4', {}, {}, 'UDP'),
  web('SCTP over IPv4', {}, {}, 'SCTP'),
  {
    name: 'TCP over IPv6',
    config: text({ heading: '2001:db8::1 443', protocol: 'TCP', server: '2001:db8:1::7 443' }),
    orders: orders({ key: { protocol: 'TCP', address: ip('2001:db8::1'), port: 443 } }),
  },
  {
    name: 'a mark',
    config: text({ heading: 'fwmark 11', server: '192.0.2.7 0' }),
    orders: orders({ key: { family: 4, mark: 11 } }),
  },
  {
    name: 'a mark of IPv6',
    config: text({ heading: 'fwmark 12', server: '2001:db8:1::7 0', lines: 'ip_family inet6' }),
    orders: orders({ key: { family: 6, mark: 12 } }),
  },
  web(
    'persistence of the usual length',
    { lines: 'persistence_timeout' },
    {
      service: { flags: persistent, timeout: 360 },
    },
  ),
  web(
    'persistence',
    { lines: 'persistence_timeout 50' },
    {
      service: { flags: persistent, timeout: 50 },
    },
  ),
  web(
    'granularity',
    { lines: 'persistence_timeout 50\n persistence_granularity 255.255.255.0' },
    {
      service: { flags: persistent, timeout: 50, netmask: ip('255.255.255.0') },
    },
  ),
  {
    name: 'granularity over IPv6',
    config: text({
      heading: '2001:db8::2 80',
      protocol: 'TCP',
      server: '2001:db8:1::7 80',
      lines: 'persistence_timeout 60\n persistence_granularity 64',
    }),
    orders: orders({
      key: { protocol: 'TCP', address: ip('2001:db8::2'), port: 80 },
      service: { flags: persistent, timeout: 60, netmask: 64 },
    }),
  },
  {
    name: 'every port',
    config: text({
      heading: '203.0.113.250 0',
      protocol: 'TCP',
      server: '192.0.2.7 0',
      lines: 'persistence_timeout 60',
    }),
    orders: orders({
      key: { protocol: 'TCP', address: ip('203.0.113.250'), port: 0 },
      service: { flags: persistent, timeout: 60 },
    }),
  },
  web(
    'persistence engine',
    { lines: 'persistence_timeout 60\n persistence_engine sip' },
    { service: { flags: persistent, timeout: 60, engine: 'sip' } },
    'UDP',
  ),
  web('one packet', { lines: 'ops' }, { service: { flags: onePacket } }, 'UDP'),
  ...['rr', 'wrr', 'lc', 'wlc', 'lblc', 'lblcr', 'sh', 'mh', 'dh', 'fo', 'ovf', 'sed', 'nq'].map(
    (name) => scheduler(name),
  ),
  scheduler('sh', 'sh-port', scheduler2),
  scheduler('sh', 'sh-fallback', scheduler1),
  scheduler('sh', 'sh-port\n sh-fallback', scheduler1 | scheduler2),
  scheduler('mh', 'mh-port', scheduler2),
  scheduler('mh', 'mh-fallback', scheduler1),
  method('NAT', { method: 'NAT' }),
  method('TUN', { method: 'TUN', type: 'ipip' }),
  method('TUN type gue port 6080', { method: 'TUN', type: 'gue', port: 6080 }),
  method('TUN type gue port 6080 csum', {
    method: 'TUN',
    type: 'gue',
    port: 6080,
    checksum: 'csum',
  }),
  method('TUN type gue port 6080 remcsum', {
    method: 'TUN',
    type: 'gue',
    port: 6080,
    checksum: 'remcsum',
  }),
  method('TUN type gre', { method: 'TUN', type: 'gre' }),
  method('TUN type gre csum', { method: 'TUN', type: 'gre', checksum: 'csum' }),
  weighted('a method of its own', 'lvs_method TUN', {
    forwarding: { method: 'TUN', type: 'ipip' },
  }),
  {
    name: 'a group: a range, a network and a mark',
    config: `virtual_server_group g {\n203.0.113.240-242 80\n203.0.113.244/31 80\nfwmark 21\n}
${text({ heading: 'group g', protocol: 'TCP', server: '192.0.2.7 80' })}`,
    orders: [
      ...[240, 241, 242, 244, 245].map(
        (n): ServiceKey => ({ protocol: 'TCP', address: ip(`203.0.113.${n}`), port: 80 }),
      ),
      { family: 4, mark: 21 } as const,
    ].flatMap((key) =>
      orders({ key, destination: { address: ip('192.0.2.7'), port: 'mark' in key ? 0 : 80 } }),
    ),
  },
  weighted('weight', 'weight 77', { weight: 77 }),
  weighted('weight 0', 'weight 0', { weight: 0 }),
  weighted('thresholds', 'uthreshold 40\n lthreshold 20', {
    upperThreshold: 40,
    lowerThreshold: 20,
  }),
  web(
    'another port of the server',
    { method: 'NAT', server: '192.0.2.7 8080' },
    {
      destination: { address: ip('192.0.2.7'), port: 8080 },
      to: { forwarding: { method: 'NAT' } },
    },
  ),
  web(
    'a server of IPv6 in a tunnel behind IPv4',
    { method: 'TUN', server: '2001:db8:1::7 80' },
    {
      destination: { address: ip('2001:db8:1::7'), port: 80 },
      to: { forwarding: { method: 'TUN', type: 'ipip' } },
    },
  ),
];
