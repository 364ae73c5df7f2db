// Random configurations from the keyword table, judged by keepalived -t and by us: the exit status, and which lines are
// complained of. 200 of them; 2,000 with KEEPALIVED_TEST_FULL. Where the two differ, the file is cut down to the lines
// that matter before it is shown.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Generated, generate } from './generator.ts';
import type { Judgement } from './judge.ts';
import { type Bench, linesOf, makeBench, THREE_INTERFACES, type Theirs } from './oracle.ts';

const COUNT = process.env.KEEPALIVED_TEST_FULL === undefined ? 200 : 2000;
const SEED = Number(process.env.KEEPALIVED_TEST_SEED ?? 1);
/** The first so many are cut down: it takes a keepalived for every try. */
const SHRUNK = 5;

const STATUSES: ReadonlySet<number> = new Set([0, 2, 4, 5, 6]);

/** What is meant to differ, as docs/compatibility.md says; undefined where nothing does. */
function difference(
  { torn }: Pick<Generated, 'torn'>,
  path: string,
  ours: Judgement,
  theirs: Theirs,
): string | undefined {
  if (!STATUSES.has(ours.status)) return `status ${ours.status}`;
  // keepalived crashed, or did not end.
  if (theirs.status >= 128) return undefined;
  // Braces that do not match: each of keepalived's passes has its own idea of them.
  if (torn) return (ours.status === 0) === (theirs.status === 0) ? undefined : 'torn';
  // An interface given twice in one garp_group: keepalived ends while it says so.
  if (theirs.status === 2 && ours.complaints.some(({ id }) => id === 'garp-group-twice'))
    return undefined;
  if (ours.status !== theirs.status) return `status ${ours.status} instead of ${theirs.status}`;
  const loud = linesOf(ours, path, false);
  const all = linesOf(ours, path, true);
  const missing = [...theirs.lines].filter((line) => !all.has(line));
  // A fatal mistake ends keepalived; we go on, and say the rest.
  const extra = theirs.status === 2 ? [] : [...loud].filter((line) => !theirs.lines.has(line));
  if (missing.length + extra.length === 0) return undefined;
  return `only keepalived: ${missing.join(' ')}; only ours: ${extra.join(' ')}`;
}

async function judgeOne(bench: Bench, path: string, text: string) {
  writeFileSync(path, text);
  const [theirs, [ours]] = await Promise.all([bench.askKeepalived(path), bench.askUs([path])]);
  return { theirs, ours: ours as Judgement };
}

const idsOf = ({ complaints }: Judgement): ReadonlySet<string> =>
  new Set(complaints.map(({ id }) => id));

/**
 * Fewer lines that still differ: one statement or block after the other is left out. A complaint of a new kind would be
 * another story: a block without its heading is read in the block around.
 */
async function shrink(bench: Bench, path: string, text: string, whole: Judgement): Promise<string> {
  const known = idsOf(whole);
  let lines = text.split('\n');
  for (let size = lines.length >> 1; size >= 1; size >>= 1) {
    for (let at = 0; at < lines.length; ) {
      const fewer = [...lines.slice(0, at), ...lines.slice(at + size)];
      const depth = fewer.join('\n').replace(/[^{}]/g, '');
      const even = depth.split('{').length === depth.split('}').length;
      const { theirs, ours } = await judgeOne(bench, path, fewer.join('\n'));
      const same = even && [...idsOf(ours)].every((id) => known.has(id));
      if (same && difference({ torn: false }, path, ours, theirs) !== undefined) lines = fewer;
      else at += size;
    }
  }
  return lines.join('\n');
}

test(`${COUNT} random configurations are judged as keepalived judges them`, async () => {
  const bench = makeBench(`ka-generated-${process.pid}`, THREE_INTERFACES);
  const folder = mkdtempSync(join(tmpdir(), 'ka-generated-'));
  try {
    mkdirSync(join(folder, 'case'));
    const files = generate(COUNT, SEED);
    const paths = files.map((_, index) => join(folder, 'case', `${index}.conf`));
    for (const [index, { parts }] of files.entries())
      writeFileSync(paths[index] as string, parts.join(''));
    const theirs: Theirs[] = [];
    const [ours] = await Promise.all([
      bench.askUs(paths),
      (async () => {
        for (const path of paths) theirs.push(await bench.askKeepalived(path));
      })(),
    ]);
    const stories: string[] = [];
    let different = 0;
    for (const [index, file] of files.entries()) {
      const path = paths[index] as string;
      const own = ours[index] as Judgement;
      const why = difference(file, path, own, theirs[index] as Theirs);
      if (why === undefined) continue;
      if (++different > SHRUNK) continue;
      const least = file.torn
        ? file.parts.join('')
        : await shrink(bench, path, file.parts.join(''), own);
      const { ours: a, theirs: b } = await judgeOne(bench, path, least);
      stories.push(
        `${index}: ${why}\n${least}\n-- ours, ${a.status}:\n${a.complaints.map((c) => c.text).join('\n')}\n-- keepalived, ${b.status}:\n${b.text}`,
      );
    }
    assert.equal(different, 0, `${different} of ${COUNT} differ\n${stories.join('\n\n')}`);
  } finally {
    bench.remove();
    rmSync(folder, { recursive: true, force: true });
  }
});
