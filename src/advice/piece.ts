// One piece of advice, and where in the file it belongs. Pure.

import type { Diagnostic } from '../config/diagnostic.ts';
import { type Node, placeOf } from '../config/parser.ts';
import type { Config } from '../keywords.ts';
import type { Ip } from '../lib/ip.ts';
import { remembered } from '../lib/memo.ts';
import { type Duration, toSeconds } from '../lib/time.ts';

/** A machine's configuration and, where it is known, what its interfaces have. */
export interface Machine {
  readonly config: Config;
  readonly nodes: readonly Node[];
  readonly networks?: ReadonlyMap<string, readonly Network[]>;
}

export interface Network {
  readonly address: Ip;
  readonly prefix: number;
}

/** Every piece of advice by its stable name, for --ignore and for comments. */
export const ADVICE = {
  'weight-without-effect':
    'A weight that leaves the priority as it is, or never changes who is master.',
  'nopreempt-ignores-weight':
    'A weight lowers a master whose backups do not preempt: it stays master.',
  'master-on-both-sides': 'Several machines begin as MASTER of one virtual router.',
  'same-priority': 'Two machines have the same priority: the higher address decides.',
  'peers-differ': 'Two machines of one virtual router differ in what must be the same.',
  'auth-pass-cut': 'A password of more than 8 bytes: the rest is not sent and not compared.',
  'strict-drops-traffic':
    'vrrp_strict without accept: a master that is not the owner drops what is sent to its addresses.',
  'strict-unicast': 'vrrp_strict does not go with unicast peers.',
  'advert-int-too-short':
    'The backup takes over after a stall that every busy machine has now and then.',
  'address-outside-network': 'A virtual address that is in no network of its interface.',
  'timeout-longer-than-interval': 'A check may still run when the next one is due.',
} as const;
export type AdviceName = keyof typeof ADVICE;

export type Instance = Config['vrrp_instance'][number];
export type Say = (advice: Diagnostic) => void;

/** `node` is the statement or the line that is marked. */
export const advice = (
  id: AdviceName,
  node: Node | undefined,
  message: string,
  hint: string,
): Diagnostic => ({
  id,
  severity: 'warning',
  class: 'none',
  message,
  hint,
  ...(node === undefined
    ? {}
    : { ...placeOf(node.place), length: (node.keyword || firstOf(node)).length }),
});

/** The first word of a statement behind its keyword, or of a line of a value block. */
export const firstOf = (node: Node | undefined): string => node?.words[0]?.text ?? '';

type SyncGroup = NonNullable<Config['vrrp_sync_group']>[number];

/** What is looked up once an instance or an address, of which there can be thousands. */
const indexOf = remembered(({ config, nodes }: Machine, _: undefined) => {
  const instances = config.vrrp_instance;
  return {
    // The first of a name counts: others are complained of and not read.
    blocks: new Map(
      nodes.map((node) => [`${node.keyword} ${firstOf(node)}`, node] as const).reverse(),
    ),
    groups: new Map(
      (config.vrrp_sync_group ?? []).flatMap((group): [string, SyncGroup][] =>
        group.group.map((name) => [name, group]),
      ),
    ),
    virtual: new Set(
      instances.flatMap(({ virtual_ipaddress: listed, virtual_ipaddress_excluded: excluded }) =>
        [...listed, ...excluded].map(({ address }) => address),
      ),
    ),
  };
});

export const blockOf = (machine: Machine, keyword: string, name: string): Node | undefined =>
  indexOf(machine, undefined).blocks.get(`${keyword} ${name}`);

export const groupOf = (machine: Machine, { name }: Instance): SyncGroup | undefined =>
  indexOf(machine, undefined).groups.get(name);

/** The addresses of all instances. */
export const virtualOf = (machine: Machine): ReadonlySet<Ip> => indexOf(machine, undefined).virtual;

export const instanceBlock = (machine: Machine, { name }: Instance): Node | undefined =>
  blockOf(machine, 'vrrp_instance', name);

export const statementOf = (block: Node | undefined, keyword: string): Node | undefined =>
  block?.children?.findLast((node) => node.keyword === keyword);

/** The lines of all value blocks of a keyword. */
export const linesOf = (block: Node | undefined, keyword: string): readonly Node[] =>
  (block?.children ?? [])
    .filter((node) => node.keyword === keyword)
    .flatMap((node) => node.children ?? []);

export const shown = (duration: Duration): string => `${toSeconds(duration)} s`;
