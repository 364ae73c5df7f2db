// One piece of advice, and where in the file it belongs. Pure.

import type { Diagnostic } from '../config/diagnostic.ts';
import type { Node } from '../config/parser.ts';
import type { Config } from '../keywords.ts';
import type { Ip } from '../lib/ip.ts';
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
  ...(node === undefined ? {} : { ...node.place, length: (node.keyword || firstOf(node)).length }),
});

/** The first word of a statement behind its keyword, or of a line of a value block. */
export const firstOf = (node: Node | undefined): string => node?.words[0]?.text ?? '';

/** The first of a name counts: others are complained of and not read. */
export const blockOf = (machine: Machine, keyword: string, name: string): Node | undefined =>
  machine.nodes.find((node) => node.keyword === keyword && firstOf(node) === name);

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
