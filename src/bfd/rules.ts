// The rules between the keywords of a bfd_instance, and between instances, as keepalived 2.2.7 applies them.

import { atClosing, collect, endsBlock, nodeOf, type Reporter } from '../config/build.ts';
import type { Complaint } from '../config/diagnostic.ts';
import type { Infer, Statement } from '../config/keyword.ts';
import type { Node } from '../config/parser.ts';
import { byteLength } from '../config/text.ts';
import { family, type Ip } from '../lib/ip.ts';
import { type BfdInstance, bfdInstance } from './keywords.ts';

export interface BfdBlock {
  readonly name: string;
  readonly node: Node;
  readonly statements: readonly Statement<typeof bfdInstance>[];
}

const mistake = (id: string, message: string): Complaint => ({
  id,
  severity: 'error',
  class: 'general',
  message,
});

/** Sessions that can run, in the order of the file. */
export function resolveBfd(blocks: readonly BfdBlock[], report: Reporter): BfdInstance[] {
  const instances: BfdInstance[] = [];
  const neighbours = new Set<Ip>();
  const seen = new Set<string>();
  for (const block of blocks) {
    const { name, node } = block;
    if (instances.some((known) => known.name === name)) {
      const message = `Configuration error: BFD instance ${name} already configured - ignoring`;
      report({ ...mistake('block-again', message), word: 0 }, node, endsBlock(node));
      continue;
    }
    // keepalived's other processes have not forgotten the one that cannot run.
    if (seen.has(name))
      report({ ...mistake('block-again', `BFD ${name} already specified`), word: 0 }, node);
    seen.add(name);
    const instance = resolveInstance(block, neighbours, report);
    if (instance === undefined) continue;
    neighbours.add(instance.neighbor_ip);
    instances.push(instance);
  }
  return instances;
}

/** The longest name that keepalived has room for. */
const LONGEST_NAME = 31;

function resolveInstance(
  block: BfdBlock,
  neighbours: ReadonlySet<Ip>,
  report: Reporter,
): BfdInstance | undefined {
  const { name, node, statements } = block;
  const subject = `Configuration error: BFD instance ${name}`;
  if (byteLength(name) > LONGEST_NAME) {
    const message = `${subject} name too long (maximum length is 31 characters) - ignoring`;
    report({ ...mistake('name-too-long', message), word: 0 }, node);
    return undefined;
  }
  const given = collect(bfdInstance, statements) as Infer<typeof bfdInstance>;
  const { neighbor_ip: neighbour, source_ip: source, ...rest } = given;
  // An address that is refused has been spoken of, and one that is good beside it changes nothing.
  const named = (node.children ?? []).filter(({ keyword }) => /^neighbou?r_ip$/.test(keyword));
  const accepted = statements.filter(({ keyword }) => keyword === 'neighbor_ip');
  if (named.length > accepted.length) return undefined;
  if (neighbour === undefined) {
    report(
      mistake('no-neighbour', `${subject} has no neighbor address set, disabling instance`),
      node,
      atClosing(node),
    );
    return undefined;
  }
  if (neighbours.has(neighbour)) {
    const message = `${subject} has duplicate neighbor address ${neighbour}, ignoring instance`;
    report(mistake('neighbour-twice', message), node, atClosing(node));
    return undefined;
  }
  if (source !== undefined && family(source) !== family(neighbour)) {
    const message = `${subject} source address ${source} and neighbor address ${neighbour} are not of the same family, disabling instance`;
    report(mistake('source-family', message), node, atClosing(node));
    return undefined;
  }
  const ttl = given.ttl ?? (family(neighbour) === 4 ? 255 : 64);
  let hops = given.max_hops;
  // keepalived counts in a byte, in which -1 is 255.
  if ((hops & 0xff) > ttl) {
    hops = ttl;
    const message = `BFD instance ${name}: max_hops exceeds ttl/hoplimit - setting to ttl/hoplimit`;
    report(
      { ...mistake('too-many-hops', message), severity: 'warning', assumed: String(ttl) },
      nodeOf(statements, 'max_hops') ?? node,
      atClosing(node),
    );
  }
  return {
    ...rest,
    name,
    neighbor_ip: neighbour,
    ...(source === undefined ? {} : { source_ip: source }),
    ttl,
    max_hops: hops,
  };
}
