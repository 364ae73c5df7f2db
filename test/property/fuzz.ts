// Usage: node --import tsx test/property/fuzz.ts SEED COUNT [FROM]
// Reads COUNT mutated configurations, the same ones for the same SEED, and as many hundredths as YAML. Ends with 1 and says
// which one at the first that throws, takes long or ends with no status; prints how far it is. FROM: not before that one.

import { exitStatus, formatDiagnostic } from '../../src/config/diagnostic.ts';
import { readYaml } from '../../src/config/yaml.ts';
import { buildConfiguration, keywords } from '../../src/keywords.ts';
import { confToYaml } from '../../src/tool/convert.ts';
import { dice, mutate, pieces } from './mutate.ts';
import { facts, linesOf, names, type Read, read } from './reading.ts';

/** No input of a few lines needs a thousandth of it. Time of the processor: a busy machine may stop us for a while. */
const LONGEST_MS = 2000;
/** Two sequences can ask for 100,000 lines. */
const LONGEST_LINE_MS = 0.05;
const SAID_EVERY = 1000;

/** Milliseconds of processor time that this process has had. */
export const spent = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

export function readAsYaml(text: string): Pick<Read, 'diagnostics' | 'lines'> {
  const { lines, diagnostics, schema } = readYaml(
    { name: 'y', path: '/y', directory: '/', text },
    keywords,
  );
  const built = diagnostics.some((d) => d.severity === 'fatal')
    ? []
    : buildConfiguration(lines, facts).diagnostics;
  return { diagnostics: [...diagnostics, ...schema, ...built], lines: lines.length };
}

/** What is wrong with how a text was read, or nothing. */
function judge(run: () => Pick<Read, 'diagnostics' | 'lines'>): string | undefined {
  const started = spent();
  let most = LONGEST_MS;
  try {
    const { diagnostics, lines } = run();
    most += lines * LONGEST_LINE_MS;
    if (![0, 2, 4, 5, 6].includes(exitStatus(diagnostics))) return 'no such status';
    const last = diagnostics.at(-1);
    if (last !== undefined && formatDiagnostic(last) === '') return 'nothing is said';
  } catch (error) {
    return (error as Error).stack;
  }
  const took = spent() - started;
  return took < most ? undefined : `${took} ms`;
}

interface Front {
  readonly name: string;
  readonly seeds: readonly string[];
  readonly words: readonly string[];
  readonly read: (text: string) => Pick<Read, 'diagnostics' | 'lines'>;
}

/** The number of the first that goes wrong, and how; what is before `from` is only made. */
function fuzz(front: Front, seed: number, count: number, from: number): string | undefined {
  const chance = dice(seed);
  for (let i = 0; i < count; i++) {
    const text = mutate(chance.pick(front.seeds), chance, front.words);
    if (i < from) continue;
    if (i % SAID_EVERY === 0) process.stdout.write(`${front.name} ${i}\n`);
    const wrong = judge(() => front.read(text));
    if (wrong !== undefined) return `${front.name} ${i}: ${JSON.stringify(text)}\n${wrong}`;
  }
  return undefined;
}

if (process.argv[1] === import.meta.filename) {
  const [seed = 1, count = 1000, from = 0] = process.argv.slice(2).map(Number);
  const texts = pieces();
  const words = names(keywords);
  const fronts: readonly Front[] = [
    { name: 'conf', seeds: texts, words, read: (text) => read(text, 'a\ninclude inc\n') },
    {
      name: 'yaml',
      seeds: texts.map((text) => confToYaml(linesOf(text)).text).filter((text) => text.length > 10),
      words: words.map((word) => `${word}:`),
      read: readAsYaml,
    },
  ];
  for (const [at, front] of fronts.entries()) {
    if (front.seeds.length < 100) throw new Error(`few pieces mean anything as ${front.name}`);
    const wrong = fuzz(front, seed + at, at === 0 ? count : count / 50, at === 0 ? from : 0);
    if (wrong === undefined) continue;
    process.stderr.write(`${wrong}\n`);
    process.exit(1);
  }
  process.stdout.write(`${Math.round(process.resourceUsage().maxRSS / 1024)} MiB\n`);
}
