// Lines of the track_* blocks: each kind, with weights that can and cannot be read.

import type { Case } from './cases.ts';

const SECURE = ['global_defs {', 'enable_script_security', 'script_user root', '}'];

/** What each kind of line names, with a weight of its own where it has one. */
const DEFINED: Readonly<Record<string, readonly string[]>> = {
  track_interface: [],
  track_script: ['vrrp_script x {', 'script /bin/true', 'weight 3', '}'],
  track_file: ['track_file x {', 'file /tmp/f', 'weight 3', '}'],
  track_process: ['vrrp_track_process x {', 'process init', 'weight 3', '}'],
  track_bfd: ['bfd_instance x {', 'neighbor_ip 10.9.0.9', 'weight 3', '}'],
};

const WORDS = [
  ...['', 'weight', 'weight x', 'weight 5x', 'weight ""', 'weight reverse', 'weight x reverse'],
  ...['weight 253', 'weight -253', 'weight 254', 'weight -254', 'weight 255', 'weight -300'],
  ...['weight 5 reverse', 'weight 5 noreverse', 'weight 5 x', 'weight 5 reverse x', 'weight 0'],
  ...['wait 5', 'reverse', 'noreverse', 'weight 99999999999', 'weight 5.5', 'weight +5'],
];

/** In an instance, and in a group of two. */
export const TRACKING: readonly Case[] = Object.entries(DEFINED).flatMap(([kind, defined]) => {
  const name = kind === 'track_interface' ? 'eth2' : 'x';
  return WORDS.flatMap((words) => {
    const list = [`${kind} {`, `${name} ${words}`.trim(), '}'];
    const instance = (id: number, ...inside: readonly string[]): string[] => [
      `vrrp_instance I${id} {`,
      `interface eth${id}`,
      `virtual_router_id ${id + 1}`,
      'virtual_ipaddress {',
      `10.9.${id}.100/24`,
      '}',
      ...inside,
      '}',
    ];
    const group = ['vrrp_sync_group G {', 'group {', 'I0', 'I1', '}', ...list, '}'];
    const file = (lines: readonly string[]): string =>
      `${[...SECURE, ...defined, ...lines].join('\n')}\n`;
    return [
      { name: `${kind} ${words}`, text: file(instance(0, ...list)) },
      {
        name: `${kind} ${words} of a group`,
        text: file([...instance(0), ...instance(1), ...group]),
      },
    ];
  });
});
