// `keepalived convert FILE`: keepalived.conf as YAML, and YAML as keepalived.conf, on standard output. The result is read
// again and compared: what would mean something else is refused.

import { resolve } from 'node:path';
import { stringify } from 'yaml';
import { toPlain, toText } from '../config/convert.ts';
import {
  type Diagnostic,
  daemonStatus,
  exitStatus,
  formatDiagnostic,
  inFileOrder,
} from '../config/diagnostic.ts';
import { type Line, lex } from '../config/lexer.ts';
import { parse } from '../config/parser.ts';
import { gatherFacts, loadLines, prepareFormat, withSchema } from '../config/source.ts';
import { columnAt } from '../config/text.ts';
import { readYaml } from '../config/yaml.ts';
import { buildConfiguration, keywords } from '../keywords.ts';
import { print } from '../print.ts';
import { anywhere } from './anywhere.ts';

export interface Converted {
  readonly text: string;
  /** What the result says: the same as the original, or the conversion has failed. */
  readonly lines: readonly Line[];
  readonly lost: readonly Line[];
}

const asFile = (text: string) => ({ name: 'converted', path: '/converted', directory: '/', text });

export function confToYaml(lines: readonly Line[]): Converted {
  const documents = toPlain(parse(lines, keywords).nodes, keywords);
  const text = documents.map((plain) => stringify(plain, { lineWidth: 0 })).join('---\n');
  return { text, lines: readYaml(asFile(text), keywords).lines, lost: [] };
}

export function yamlToConf(lines: readonly Line[]): Converted {
  const { text, lost } = toText(lines);
  const read = lex([asFile(text)], {
    read: () => ({ files: [], problems: [] }),
    configId: '',
    random: { seed: 0 },
  });
  return { text, lines: read.lines, lost };
}

const usage = 'Usage: keepalived convert [-i ID] FILE\n';

export async function runConvert(words: readonly string[]): Promise<number> {
  const rest = [...words];
  const configId = rest[0] === '-i' ? rest.splice(0, 2)[1] : undefined;
  const [file, ...more] = rest;
  if (file === undefined || file.startsWith('-') || more.length > 0) {
    print(2, usage);
    return file === '--help' || file === '-h' ? 0 : 1;
  }
  await prepareFormat(file);
  const path = resolve(file);
  const loaded = loadLines({ file: path, ...(configId === undefined ? {} : { configId }) });
  const facts = anywhere(gatherFacts());
  const read = (lines: readonly Line[]) => buildConfiguration(lines, facts);
  const found = [...loaded.diagnostics, ...read(loaded.lines).diagnostics];
  const said = inFileOrder(withSchema(found, loaded.schema), loaded.names);
  for (const diagnostic of said) print(2, `${formatDiagnostic(diagnostic)}\n`);
  if (loaded.diagnostics.some((d) => d.severity === 'fatal')) return statusOf(said) || 4;
  const converted = /\.ya?ml$/.test(path) ? yamlToConf(loaded.lines) : confToYaml(loaded.lines);
  for (const line of converted.lost) print(2, `${formatDiagnostic(unwritable(line))}\n`);
  const again = read(converted.lines);
  const same = meaningOf(again) === meaningOf(read(loaded.lines));
  const added = newMistakes(again.diagnostics, found);
  for (const mistake of converted.lost.length > 0 ? [] : added)
    print(2, `${formatDiagnostic(mistake)}\n`);
  if (converted.lost.length > 0 || !same || added.length > 0) {
    print(2, `${file} cannot be converted without a change of meaning\n`);
    return 5;
  }
  print(1, converted.text);
  return statusOf(said);
}

/** What ends the daemon has no other meaning than why it does. */
function meaningOf({ config, diagnostics }: ReturnType<typeof buildConfiguration>): string {
  const ends = diagnostics.filter((d) => d.severity === 'fatal').map((d) => d.message);
  return JSON.stringify({ config, ends });
}

/** Mistakes of a kind that the original does not have. */
function newMistakes(
  result: readonly Diagnostic[],
  original: readonly Diagnostic[],
): readonly Diagnostic[] {
  const known = new Set(original.map(({ id }) => id));
  return result.filter(({ id, severity }) => severity === 'error' && !known.has(id));
}

const unwritable = (at: Line): Diagnostic => ({
  id: 'unwritable',
  severity: 'error',
  class: 'general',
  message: 'keepalived.conf has no way to write this',
  file: at.file,
  line: at.line,
  column: columnAt(at, 0),
  source: at.source,
});

/** A warning keeps the meaning. What no daemon starts with has no status of 0, also where -t counts it as little. */
export function statusOf(said: readonly Diagnostic[]): number {
  const ends = daemonStatus(said);
  const loses = exitStatus(said.filter((d) => d.severity !== 'warning')) !== 0;
  return loses || ends !== undefined ? exitStatus(said) || (ends ?? 0) : 0;
}
