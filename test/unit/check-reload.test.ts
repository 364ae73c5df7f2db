// What IPVS is told at a reload: exactly the orders that one changed line leads to, and nothing where nothing has changed.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createDirector, director } from '../../src/check/director.ts';
import type { CheckerConfig } from '../../src/check/resolve.ts';
import type { IpvsOrder } from '../../src/lib/ipvs.ts';
import type { Instant } from '../../src/lib/time.ts';
import { read, sharing } from '../property/reading.ts';

const NOW = 1_000_000 as Instant;

interface Words {
  readonly heading?: string;
  /** Lines of the service. */
  readonly lines?: string;
  /** Lines of the first real server. */
  readonly real?: string;
  readonly more?: string;
}

const text = ({ heading = '10.0.0.1 80', lines = '', real = '', more = '' }: Words): string =>
  `${more}
virtual_server ${heading} {
lvs_sched rr
lvs_method NAT
protocol TCP
${lines}
real_server 127.0.0.81 80 {
weight 2
${real}
}
real_server 127.0.0.82 80 {
alpha
TCP_CHECK {
}
}
}
`;

const configOf = (words: Words): CheckerConfig => {
  const { config, diagnostics } = read(text(words));
  assert.deepEqual(
    diagnostics.filter(({ severity }) => severity === 'error'),
    [],
  );
  assert.ok(config !== undefined);
  return config;
};

/** The second server has not shown itself: it does not serve. With services that are known by what they are it is the same. */
function ordersOf(before: Words, after: Words): IpvsOrder[] {
  const start = createDirector(configOf(before), { seed: 1, keeps: false });
  const facts = { files: {}, addresses: [] };
  const { state } = director.step(start, { type: 'facts', facts }, NOW);
  const [config, files] = [configOf(after), { f: '3' }];
  const step = director.step(state, { type: 'reload', config, files }, NOW);
  const known = sharing(state.config, config);
  assert.deepEqual(director.step(state, { type: 'reload', config: known, files }, NOW), step);
  return step.actions.flatMap((action) => (action.type === 'ipvs' ? action.orders : []));
}

function show(order: IpvsOrder): string {
  const key = !('key' in order) ? '' : 'mark' in order.key ? order.key.mark : order.key.address;
  if ('service' in order) return `${order.type} ${key} ${order.service.scheduler}`;
  if (!('destination' in order)) return `${order.type} ${key}`;
  const { address, port } = order.destination;
  const end = `${order.type} ${key} ${address.slice(8)}${port === 80 ? '' : `:${port}`}`;
  if (!('to' in order)) return end;
  const { forwarding, weight, upperThreshold, lowerThreshold } = order.to;
  return `${end} ${forwarding.method} ${weight} ${upperThreshold} ${lowerThreshold}`;
}

const GROUP = (...addresses: readonly string[]): string =>
  `virtual_server_group g {\n${addresses.map((address) => `${address} 80\n`).join('')}}`;
const inGroup = (...addresses: readonly string[]): Words => ({
  heading: 'group g',
  more: GROUP(...addresses),
});
const twin = 'virtual_server 10.0.0.1 80 {\nlvs_sched rr\nlvs_method NAT\nprotocol TCP\n';
const following = (weight: number): Words => ({
  real: 'FILE_CHECK {\ntrack_file f\n}',
  more: `track_file f {\nfile /f\nweight ${weight}\n}`,
});
const asking = (more: string): Words => ({ real: 'SSL_GET {\nurl {\npath /\n}\n}', more });
const TWIN = `${twin}real_server 127.0.0.83 80 {\n}\n}`;

const cases: readonly (readonly [string, Words, Words, ...string[]])[] = [
  ['nothing', {}, {}],
  ['a check', { real: 'TCP_CHECK {\n}' }, { real: 'TCP_CHECK {\nretry 9\n}' }],
  ['what certificates are asked with', asking(''), asking('SSL {\nkey /k\n}')],
  ['what is logged of failures', {}, { more: 'global_defs {\nchecker_log_all_failures\n}' }],
  ['what a file weighs', following(1), following(2), 'editDestination 10.0.0.1 81 NAT 8 0 0'],
  ['weight', {}, { real: 'weight 5' }, 'editDestination 10.0.0.1 81 NAT 5 0 0'],
  ['uthreshold', {}, { real: 'uthreshold 9' }, 'editDestination 10.0.0.1 81 NAT 2 9 0'],
  [
    'lthreshold',
    { real: 'uthreshold 9' },
    { real: 'uthreshold 9\nlthreshold 4' },
    'editDestination 10.0.0.1 81 NAT 2 9 4',
  ],
  ['lvs_method of a server', {}, { real: 'lvs_method DR' }, 'editDestination 10.0.0.1 81 DR 2 0 0'],
  ['lvs_method', {}, { lines: 'lvs_method DR' }, 'editDestination 10.0.0.1 81 DR 2 0 0'],
  ['lvs_sched', {}, { lines: 'lvs_sched wlc' }, 'editService 10.0.0.1 wlc'],
  ['persistence_timeout', {}, { lines: 'persistence_timeout 60' }, 'editService 10.0.0.1 rr'],
  [
    'inhibit_on_failure',
    {},
    { lines: 'inhibit_on_failure' },
    'addDestination 10.0.0.1 82 NAT 0 0 0',
  ],
  ['a sorry server that is not needed', {}, { lines: 'sorry_server 127.0.0.99 80' }],
  [
    'a sorry server that is inhibited',
    { lines: 'sorry_server 127.0.0.99 80' },
    { lines: 'sorry_server 127.0.0.99 80\nsorry_server_inhibit' },
    'addDestination 10.0.0.1 99 NAT 0 0 0',
  ],
  [
    'a quorum that is lost by it',
    { lines: 'sorry_server 127.0.0.99 80' },
    { lines: 'sorry_server 127.0.0.99 80\nquorum 3' },
    'addDestination 10.0.0.1 99 NAT 1 0 0',
    'removeDestination 10.0.0.1 81',
  ],
  [
    'a quorum that is won by it',
    { lines: 'sorry_server 127.0.0.99 80\nquorum 3' },
    { lines: 'sorry_server 127.0.0.99 80' },
    'addDestination 10.0.0.1 81 NAT 2 0 0',
    'removeDestination 10.0.0.1 99',
  ],
  [
    'an address more in a group',
    inGroup('10.0.0.7'),
    inGroup('10.0.0.7', '10.0.0.8'),
    'addService 10.0.0.8 rr',
    'addDestination 10.0.0.8 81 NAT 2 0 0',
  ],
  [
    'an address less in a group',
    inGroup('10.0.0.7', '10.0.0.8'),
    inGroup('10.0.0.7'),
    'removeService 10.0.0.8',
  ],
  [
    'another service of the same address',
    {},
    { more: TWIN },
    'addDestination 10.0.0.1 83 NAT 1 0 0',
  ],
  ['that goes again', { more: TWIN }, {}, 'removeDestination 10.0.0.1 83'],
  [
    'a mark: without a port where packets go as they came',
    {},
    { heading: 'group g', more: 'virtual_server_group g {\nfwmark 7\n}', lines: 'lvs_method DR' },
    'addService 7 rr',
    'addDestination 7 81:0 DR 2 0 0',
    'removeService 10.0.0.1',
  ],
  [
    'a mark, with NAT',
    {},
    { heading: 'group g', more: 'virtual_server_group g {\nfwmark 7\n}' },
    'addService 7 rr',
    'addDestination 7 81 NAT 2 0 0',
    'removeService 10.0.0.1',
  ],
  [
    'another address',
    {},
    { heading: '10.0.0.2 80' },
    'addService 10.0.0.2 rr',
    'addDestination 10.0.0.2 81 NAT 2 0 0',
    'removeService 10.0.0.1',
  ],
];

describe('a reload that changes', () => {
  for (const [what, before, after, ...orders] of cases)
    it(what, () => assert.deepEqual(ordersOf(before, after).map(show), orders));
});
