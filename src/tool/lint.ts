// `keepalived lint`: everything that is wrong with configurations, and advice on what is valid and will disappoint. It
// starts nothing. Several files are the machines of one set, judged as if every interface and script were there.

import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { resolve } from 'node:path';
import { ADVICE, advise, type Machine, type Network } from '../advice.ts';
import {
  type Diagnostic,
  daemonStatus,
  exitStatus,
  formatDiagnostic,
  inFileOrder,
} from '../config/diagnostic.ts';
import { type Node, parse, placeOf } from '../config/parser.ts';
import { gatherFacts, loadLines, prepareFormat, withSchema } from '../config/source.ts';
import { buildConfiguration, keywords } from '../keywords.ts';
import type { Ip } from '../lib/ip.ts';
import { inNamespace } from '../net/namespace.ts';
import { linksByName, vrfTables } from '../net/vrf.ts';
import { print } from '../print.ts';
import { anywhere } from './anywhere.ts';
import { type Finding, findingsOf, LINT_VERSION, type Report } from './report.ts';
import { isSilenced, type Silence, silenceIn } from './silence.ts';

/** A file, and the identifier of the machine that reads it. */
interface Wanted {
  readonly file: string;
  readonly configId?: string;
}

interface Wish {
  readonly files: readonly Wanted[];
  readonly ignored: ReadonlySet<string>;
  readonly json: boolean;
  readonly elsewhere: boolean;
}

const USAGE = `Usage: keepalived lint [--json] [--ignore NAME]... [--elsewhere] [[-i ID] FILE]...

Says what is wrong with a configuration, and what is valid and will disappoint. Several files are the machines
of one set; -i ID is the one of @ID lines for the files behind it, so that one file can be given for several machines.
--elsewhere: the file is for another machine, whose interfaces and scripts cannot be seen from here.
A comment '# lint: ignore NAME' silences a line or the one below it, '# lint: ignore-file NAME' a file.

Status: 0 nothing found, 3 only what keepalived -t counts as nothing, otherwise that of keepalived -t, or the one with
which the daemon ends.

Advice:
${Object.entries(ADVICE)
  .map(([name, text]) => `  ${name.padEnd(30)}${text}`)
  .join('\n')}
`;

function readWish(words: readonly string[]): Wish | string {
  const files: Wanted[] = [];
  const ignored = new Set<string>();
  const rest = [...words];
  let json = false;
  let elsewhere = false;
  let configId: string | undefined;
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === '--json') json = true;
    else if (word === '--elsewhere') elsewhere = true;
    else if (word === '--ignore' || word === '-i') {
      const value = rest.shift();
      if (value === undefined) return `Missing parameter for option ${word}\n`;
      if (word === '-i') configId = value;
      else for (const name of value.split(',')) ignored.add(name);
    } else if (word.startsWith('-')) return USAGE;
    else files.push({ file: word, ...(configId === undefined ? {} : { configId }) });
  }
  if (files.length === 0) return USAGE;
  return {
    files,
    ignored,
    json,
    elsewhere: elsewhere || files.length > 1,
  };
}

/** Advice and what else -t gives 0 for. */
const SOMETHING = 3;

export async function runLint(words: readonly string[]): Promise<number> {
  const wish = readWish(words);
  if (typeof wish === 'string') {
    print(words.includes('--help') ? 1 : 2, wish);
    return words.includes('--help') ? 0 : 1;
  }
  const diagnostics: (readonly Diagnostic[])[] = [];
  const machines: Machine[] = [];
  const silences = new Map<string, Silence>();
  const names: string[] = [];
  for (const wanted of wish.files) {
    await prepareFormat(wanted.file);
    const { found, machine, files, names: ofThese } = readMachine(wanted, wish);
    diagnostics.push(found);
    names.push(...ofThese);
    if (machine !== undefined) machines.push(machine);
    for (const path of files) silences.set(path, silenceIn(readFileSync(path, 'utf8')));
  }
  const silent = (d: Diagnostic): boolean => isSilenced(d, silences, wish.ignored);
  const all = advise(machines);
  const given = all.filter((d) => !silent(d));
  // The advice says more than the message that it repeats, and silences it with itself.
  const lineOf = ({ file, line }: Diagnostic): string => `${file}:${line}`;
  const cuts = new Map(all.filter(({ id }) => id === 'auth-pass-cut').map((d) => [lineOf(d), d]));
  const cutOf = (d: Diagnostic): Diagnostic | undefined =>
    d.id === 'too-long' ? cuts.get(lineOf(d)) : undefined;
  const counted = diagnostics.flat().filter((d) => !silent(d) && !silent(cutOf(d) ?? d));
  const said = counted.filter((d) => cutOf(d) === undefined);
  const found = counted.length + given.length > 0;
  const status = exitStatus(counted) || (daemonStatus(counted) ?? (found ? SOMETHING : 0));
  const ordered = inFileOrder([...said, ...given], names);
  const advised = new Set(given);
  if (wish.json) {
    const findings: readonly Finding[] = findingsOf(ordered, advised);
    const report: Report = { version: LINT_VERSION, status, findings };
    print(1, `${JSON.stringify(report, null, 2)}\n`);
  } else print(1, ordered.map((d) => textOf(d, advised)).join(''));
  return status;
}

function textOf(d: Diagnostic, advice: ReadonlySet<Diagnostic>): string {
  const text = formatDiagnostic(d);
  return `${advice.has(d) ? text.replace(': warning: ', ': advice: ') : text}\n`;
}

function readMachine(
  { file, configId }: Wanted,
  wish: Wish,
): {
  readonly found: readonly Diagnostic[];
  readonly machine?: Machine;
  readonly files: readonly string[];
  readonly names: readonly string[];
} {
  const { lines, diagnostics, schema, files, names } = loadLines({
    file: resolve(file),
    byPath: true,
    ...(configId === undefined ? {} : { configId }),
  });
  if (diagnostics.some((d) => d.severity === 'fatal')) return { found: diagnostics, files, names };
  const { nodes } = parse(lines, keywords);
  const namespace = nodes.findLast(({ keyword }) => keyword === 'net_namespace');
  const here = () => ({
    built: buildConfiguration(lines, gatherFacts({ vrfTables, links: linksByName })),
    networks: networksHere(),
  });
  const anywhereElse = () => ({ built: buildConfiguration(lines, anywhere(gatherFacts())) });
  const unseen: Diagnostic[] = [];
  const judge = (): { built: ReturnType<typeof buildConfiguration>; networks?: Networks } => {
    if (wish.elsewhere) return anywhereElse();
    const name = namespace?.words[0]?.text;
    try {
      return inNamespace(name, here);
    } catch (error) {
      if (namespace === undefined || !isSystemError(error)) throw error;
      unseen.push(unreachable(namespace));
      return anywhereElse();
    }
  };
  const { built, ...more } = judge();
  const found = withSchema([...diagnostics, ...unseen, ...built.diagnostics], schema);
  if (built.config === undefined) return { found, files, names };
  return { found, files, names, machine: { config: built.config, nodes, ...more } };
}

const isSystemError = (error: unknown): boolean => error instanceof Error && 'syscall' in error;

/** keepalived -t looks at nothing else then, and gives 0. */
const unreachable = ({ place, words }: Node): Diagnostic => ({
  id: 'no-namespace',
  severity: 'warning',
  class: 'none',
  message: `Unable to set network namespace ${words[0]?.text}`,
  assumed: 'every interface of the file is there',
  ...placeOf(place),
  length: 'net_namespace'.length,
});

type Networks = ReadonlyMap<string, readonly Network[]>;

function networksHere(): Networks {
  return new Map(
    Object.entries(networkInterfaces()).map(([name, addresses = []]) => [
      name,
      addresses.map(({ address, cidr }) => ({
        address: address as Ip,
        prefix: Number(cidr?.split('/')[1] ?? (address.includes(':') ? 128 : 32)),
      })),
    ]),
  );
}
