// Files mixed at random, but always the same ones, from statements that are compared one by one elsewhere: what
// statements mean together depends on their order and their number.

import { next, type Random } from '../../src/lib/random.ts';
import { type Case, globalScalars, scalars } from './cases.ts';

const statements = (cases: readonly Case[], unwanted: RegExp): string[] =>
  cases.map(({ name }) => name).filter((name) => !unwanted.test(name));

// A missing argument ends keepalived, and with it all that could be compared.
const ofInstance = statements(scalars, /^$|^(virtual_router_id|priority|notify)$/);
const ofGlobals = statements(globalScalars, /^router_id$/);
const blocks = [
  ['unicast_peer {', '10.9.0.2', '}'],
  ['unicast_peer {', 'fe80::2', '}'],
  ['unicast_peer {', '}'],
  ['authentication {', 'auth_type PASS', 'auth_pass abcdefghijk', '}'],
  ['virtual_ipaddress_excluded {', 'fd00::5/64', '}'],
  ['virtual_ipaddress_excluded {', '10.9.0.100/24', '}'],
];

/** `count` files; keepalived ends at a first fatal mistake, so only status and lines can be compared. */
export function mixtures(count: number, seed: number): Case[] {
  let random: Random = { seed };
  const below = (n: number): number => {
    const drawn = next(random);
    random = drawn.random;
    return Math.floor(drawn.value * n);
  };
  const pick = <T>(from: readonly T[]): T => from[below(from.length)] as T;
  const some = <T>(most: number, make: () => T): T[] =>
    Array.from({ length: below(most + 1) }, make);

  const address = (): string =>
    below(3) > 0 ? `10.9.0.${100 + below(3)}` : `fd00::${1 + below(2)}/64`;
  const instance = (name: string): string[] => {
    const more = some(3, () => (below(4) > 0 ? [pick(ofInstance)] : pick(blocks)));
    const addresses =
      below(12) > 0 ? ['virtual_ipaddress {', address(), ...some(1, address), '}'] : [];
    const at = below(more.length + 1);
    return [
      `vrrp_instance ${name} {`,
      ...(below(8) > 0 ? [`interface eth${below(3)}`] : []),
      ...(below(10) > 0 ? [`virtual_router_id ${5 + below(2)}`] : []),
      ...more.slice(0, at).flat(),
      ...addresses,
      ...more.slice(at).flat(),
      '}',
    ];
  };
  const file = (): string =>
    [
      ...(below(3) === 0 ? ['global_defs {', ...some(3, () => pick(ofGlobals)), '}'] : []),
      ...instance('A'),
      ...(below(3) === 0 ? instance('B') : []),
      '',
    ].join('\n');
  return Array.from({ length: count }, (_, index) => ({
    name: `mixture ${index}`,
    text: file(),
    mixed: true as const,
  }));
}
