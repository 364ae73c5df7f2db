// One walk over the statements of a virtual server, in the order of the file: what depends on which of them comes first, as
// in keepalived 2.2.7. What they come to together is for rules.ts.

import { atClosing } from '../config/build.ts';
import type { Statement } from '../config/keyword.ts';
import type { Node } from '../config/parser.ts';
import { wholeNumber } from '../config/value.ts';
import { type Family, family, familyNamed, type Ip, ipFromNumbers } from '../lib/ip.ts';
import type { realServer } from './keywords.ts';
import type { Surroundings } from './references.ts';
import type { VirtualBlock, VirtualStatement } from './rules.ts';
import { type Endpoint, type Method, method, mistake } from './value.ts';

export type RealStatement = Statement<typeof realServer>;

/** A real server with the method that it has of its own, or that its service had where it stands. */
export interface RealBlock {
  readonly heading: Endpoint;
  readonly statements: readonly RealStatement[];
  readonly node: Node;
  readonly method?: Method;
}

interface Sorry {
  readonly endpoint: Endpoint;
  readonly node: Node;
  readonly method?: Method;
  readonly inhibit: boolean;
}

export interface Walk {
  /** Of what clients talk to: what says it first. */
  family: Family | undefined;
  method: Method | undefined;
  scheduler: string | undefined;
  granularity: string | undefined;
  /** Those that other words for them set. */
  readonly flags: Set<'flag-1' | 'flag-2'>;
  sorry: Sorry | undefined;
  /** Those whose family fits, or that a tunnel leads to. */
  readonly reals: RealBlock[];
}

export function walkStatements({ heading, node, statements }: VirtualBlock, around: Surroundings) {
  const walk: Walk = {
    family: 'address' in heading ? family(heading.address) : undefined,
    method: undefined,
    scheduler: undefined,
    granularity: undefined,
    flags: new Set(),
    sorry: undefined,
    reals: [],
  };
  for (const statement of statements) walkOver(statement, walk, around);
  const { sorry } = walk;
  if (sorry !== undefined && sorry.method?.kind !== 'TUN')
    walk.family ??= family(sorry.endpoint.address);
  if (sorry !== undefined && isForeign(sorry.endpoint.address, sorry.method, walk)) {
    around.report(foreign('sorry', sorry.endpoint.address), sorry.node, atClosing(node));
    walk.sorry = undefined;
  }
  return walk;
}

function walkOver(statement: VirtualStatement, walk: Walk, { report }: Surroundings): void {
  const { node } = statement;
  switch (statement.keyword) {
    case 'ip_family': {
      walk.family ??= familyNamed(statement.value);
      if (familyNamed(statement.value) === walk.family) return;
      const message = `Virtual server specified family ${statement.value} conflicts with server family`;
      report(mistake('service-family', message), node);
      return;
    }
    case 'lvs_method':
      walk.method = after(walk.method, statement.value);
      return;
    case 'lvs_sched':
      walk.scheduler = statement.value;
      return;
    case 'persistence_granularity':
      takeGranularity(statement.value, walk, node, report);
      return;
    case 'real_server':
      takeReal(statement.value, walk, node, report);
      return;
    case 'sorry_server':
      walk.sorry = { endpoint: statement.value, node, inhibit: false, ...methodOf(walk.method) };
      return;
    case 'sorry_server_inhibit':
      if (walk.sorry !== undefined) walk.sorry = { ...walk.sorry, inhibit: true };
      else
        report(
          mistake(
            'no-sorry-server',
            'Ignoring sorry_server inhibit used before or without sorry_server',
            { word: -1 },
          ),
          node,
        );
      return;
    case 'sorry_server_lvs_method':
      takeSorryMethod(statement.value, walk, node, report);
      return;
    case 'hashed':
    case 'sh-port':
    case 'sh-fallback':
    case 'mh-port':
    case 'mh-fallback':
      takeFlag(statement.keyword, walk, node, report);
      return;
    default:
      return;
  }
}

/** Who asks for a tunnel with options that are mistaken keeps the tunnel that held before. */
function after(before: Method | undefined, { mistaken, ...said }: Method): Method {
  return mistaken === true && before?.kind === 'TUN' ? before : said;
}

type Report = Surroundings['report'];

const methodOf = (known: Method | undefined): { readonly method?: Method } =>
  known === undefined ? {} : { method: known };

/** A tunnel may carry one family in the other. */
const isForeign = (address: Ip, by: Method | undefined, walk: Walk): boolean =>
  walk.family !== undefined && family(address) !== walk.family && by?.kind !== 'TUN';

const foreign = (kind: string, address: string) =>
  mistake(
    'server-family',
    `Address family of virtual server and ${kind} server ${address} don't match - skipping ${kind} server.`,
  );

function takeReal(
  { heading, statements }: { heading: Endpoint; statements: readonly RealStatement[] },
  walk: Walk,
  node: Node,
  report: Report,
): void {
  let by = walk.method;
  for (const { keyword, value } of statements) if (keyword === 'lvs_method') by = after(by, value);
  if (by?.kind !== 'TUN') walk.family ??= family(heading.address);
  if (isForeign(heading.address, by, walk))
    report(foreign('real', heading.address), node, atClosing(node));
  else walk.reals.push({ heading, statements, node, ...methodOf(by) });
}

const sorryWords = method('sorry server');

function takeSorryMethod(words: readonly string[], walk: Walk, node: Node, report: Report): void {
  if (walk.sorry === undefined) {
    const message = 'sorry_server forwarding used without sorry_server';
    const more = { word: -1, assumed: 'the line is ignored' };
    report(mistake('no-sorry-server', message, more), node);
    return;
  }
  const { value, complaints = [] } = sorryWords.parse(words, '');
  for (const complaint of complaints) report(complaint, node);
  if (value !== undefined) walk.sorry = { ...walk.sorry, method: after(walk.sorry.method, value) };
}

/** A mask of IPv4 or a length of IPv6. Where nothing has told the family yet, a point does. */
function takeGranularity(text: string, walk: Walk, node: Node, report: Report): void {
  const of = walk.family ?? (text.includes('.') ? 4 : 6);
  const length = wholeNumber(text, 1, 128);
  const value = of === 4 ? ipFromNumbers(text) : length.value;
  if (value === undefined) {
    const cause = of === 4 ? undefined : length.complaints?.[0]?.message;
    const message = `Invalid IPv${of} persistence_granularity specified - ${text}`;
    const assumed = walk.granularity ?? 'the whole address';
    report(mistake('granularity', message, { assumed, ...(cause && { cause }) }), node);
    return;
  }
  walk.family = of;
  walk.granularity = String(value);
}

/** Flags of a scheduler stand behind it, and stay whatever it is replaced by. */
function takeFlag(flag: string, { scheduler, flags }: Walk, node: Node, report: Report): void {
  const fits = flag.startsWith('mh') ? scheduler === 'mh' : scheduler === 'sh';
  if (fits && flag.endsWith('-fallback')) flags.add('flag-1');
  if (fits && flag.endsWith('-port')) flags.add('flag-2');
  if (fits || (flag === 'hashed' && scheduler === 'mh')) return;
  // keepalived says sh also where it means mh.
  const message = `${flag} only applies to sh scheduler - ignoring`;
  const wrong = mistake('flag-of-scheduler', message, { word: -1 });
  // Of the other scheduler that hashes it ignores them in silence.
  const hashes = scheduler === 'sh' || scheduler === 'mh';
  report(hashes ? { ...wrong, severity: 'warning', class: 'none' } : wrong, node);
}
