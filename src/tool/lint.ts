// `keepalived lint`: everything that is wrong with configurations, and advice on what is valid and will disappoint. It
// starts nothing. Several files are the machines of one set, judged as if every interface and script were there.

import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { resolve } from 'node:path';
import { ADVICE, advise, type Machine, type Network } from '../advice.ts';
import { type Diagnostic, exitStatus, formatDiagnostic } from '../config/diagnostic.ts';
import { parse } from '../config/parser.ts';
import { gatherFacts, loadLines, prepareFormat, withSchema } from '../config/source.ts';
import { buildConfiguration, keywords } from '../keywords.ts';
import type { Ip } from '../lib/ip.ts';
import { print } from '../print.ts';
import { anywhere } from './anywhere.ts';
import { type Finding, findingsOf, LINT_VERSION, type Report } from './report.ts';
import { isSilenced, type Silence, silenceIn } from './silence.ts';

interface Wish {
  readonly files: readonly string[];
  readonly ignored: ReadonlySet<string>;
  readonly json: boolean;
  readonly elsewhere: boolean;
  readonly configId?: string;
}

const USAGE = `Usage: keepalived lint [--json] [--ignore NAME]... [--elsewhere] [-i ID] FILE...

Says what is wrong with a configuration, and what is valid and will disappoint. Several files are the machines
of one set. --elsewhere: the file is for another machine, whose interfaces and scripts cannot be seen from here.
A comment '# lint: ignore NAME' silences a line or the one below it, '# lint: ignore-file NAME' a file.

Status: 0 nothing found, 3 advice only, otherwise that of keepalived -t.

Advice:
${Object.entries(ADVICE)
  .map(([name, text]) => `  ${name.padEnd(30)}${text}`)
  .join('\n')}
`;

function readWish(words: readonly string[]): Wish | string {
  const files: string[] = [];
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
    else files.push(word);
  }
  if (files.length === 0) return USAGE;
  return {
    files,
    ignored,
    json,
    elsewhere: elsewhere || files.length > 1,
    ...(configId === undefined ? {} : { configId }),
  };
}

export async function runLint(words: readonly string[]): Promise<number> {
  const wish = readWish(words);
  if (typeof wish === 'string') {
    print(words.includes('--help') ? 1 : 2, wish);
    return words.includes('--help') ? 0 : 1;
  }
  const diagnostics: (readonly Diagnostic[])[] = [];
  const machines: Machine[] = [];
  const silences = new Map<string, Silence>();
  for (const file of wish.files) {
    await prepareFormat(file);
    const { found, machine, files } = readMachine(file, wish);
    diagnostics.push(found);
    if (machine !== undefined) machines.push(machine);
    for (const path of files) silences.set(path, silenceIn(readFileSync(path, 'utf8')));
  }
  const counted = diagnostics.flat().filter((d) => !isSilenced(d, silences, wish.ignored));
  const given = advise(machines).filter((d) => !isSilenced(d, silences, wish.ignored));
  // The advice says more than the message that it repeats.
  const spoken = new Set(given.map((d) => `${d.file}:${d.line}:${d.id === 'auth-pass-cut'}`));
  const said = counted.filter(
    (d) => d.id !== 'too-long' || !spoken.has(`${d.file}:${d.line}:true`),
  );
  const strict = exitStatus(counted);
  const status = strict !== 0 ? strict : given.length > 0 ? 3 : 0;
  const findings: readonly Finding[] = findingsOf(said, given);
  if (wish.json) {
    const report: Report = { version: LINT_VERSION, status, findings };
    print(1, `${JSON.stringify(report, null, 2)}\n`);
  } else
    print(
      1,
      [
        ...said.map(formatDiagnostic),
        ...given.map((d) => formatDiagnostic(d).replace(': warning: ', ': advice: ')),
      ]
        .map((text) => `${text}\n`)
        .join(''),
    );
  return status;
}

function readMachine(
  file: string,
  wish: Wish,
): {
  readonly found: readonly Diagnostic[];
  readonly machine?: Machine;
  readonly files: readonly string[];
} {
  const { lines, diagnostics, schema, files } = loadLines({
    file: resolve(file),
    ...(wish.configId === undefined ? {} : { configId: wish.configId }),
  });
  if (diagnostics.some((d) => d.severity === 'fatal')) return { found: diagnostics, files };
  const facts = wish.elsewhere ? anywhere(gatherFacts()) : gatherFacts();
  const built = buildConfiguration(lines, facts);
  const found = withSchema([...diagnostics, ...built.diagnostics], schema);
  if (built.config === undefined) return { found, files };
  const { nodes } = parse(lines, keywords);
  const networks = wish.elsewhere ? {} : { networks: networksHere() };
  return { found, files, machine: { config: built.config, nodes, ...networks } };
}

function networksHere(): ReadonlyMap<string, readonly Network[]> {
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
