// The verdict of `keepalived -t` and ours on the same small files: the exit status, and which lines are complained
// about. What differs on purpose says so in its case, with the reason.

import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { ADDRESSES } from './address.ts';
import { CASES, type Case } from './cases.ts';
import { CORNERS } from './corner.ts';
import type { Judgement } from './judge.ts';
import { LANGUAGE, LINKS, PARTS } from './language.ts';
import { mixtures } from './mixture.ts';
import { linesOf, makeBench, THREE_INTERFACES, type Theirs } from './oracle.ts';
import { exampleCases, rowCases, twiceCases } from './rows.ts';
import { SERVICES } from './services.ts';
import { TOGETHER } from './together.ts';
import { TRACKING } from './tracking.ts';

const cases: readonly Case[] = [
  ...CASES,
  ...LANGUAGE,
  ...TOGETHER,
  ...TRACKING,
  ...CORNERS,
  ...ADDRESSES,
  ...SERVICES,
  ...mixtures(200, 1),
  ...rowCases(),
  ...twiceCases(),
  ...exampleCases(),
];
const bench = makeBench(`ka-config-${process.pid}`, THREE_INTERFACES);
const folder = mkdtempSync(join(tmpdir(), 'ka-config-'));
const paths = cases.map((_, index) => join(folder, 'case', `${index}.conf`));

/** People search the web for keepalived's words. These complaints have their own, because they say more. */
const OWN_WORDS: Readonly<Record<string, string>> = {
  'missing-close': 'names the block that is not closed',
  'bad-sequence': 'says what is wrong with it, once',
  'include-cycle': 'keepalived speaks of too many open files',
};

describe('the verdict on a configuration', { timeout: 240_000 }, () => {
  const theirs: Theirs[] = [];
  let ours: readonly Judgement[] = [];

  before(async () => {
    mkdirSync(join(folder, 'case'));
    mkdirSync(join(folder, 'part'));
    for (const [name, text] of Object.entries(PARTS))
      writeFileSync(join(folder, 'part', name), text);
    for (const [name, target] of Object.entries(LINKS))
      symlinkSync(target, join(folder, 'part', name));
    writeFileSync(join(folder, 'part', 'program'), 'priority 50\n');
    chmodSync(join(folder, 'part', 'program'), 0o755);
    for (const [index, { text }] of cases.entries()) writeFileSync(paths[index] as string, text);
    [ours] = await Promise.all([
      bench.askUs(paths),
      (async () => {
        for (const path of paths) theirs.push(await bench.askKeepalived(path));
      })(),
    ]);
  });

  after(() => {
    bench.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  for (const [index, one] of cases.entries()) {
    it(`${index} ${JSON.stringify(one.name)}`, () => compare(index, one));
  }

  function compare(index: number, { text, differs, mixed }: Case): void {
    const path = paths[index] as string;
    const a = ours[index] as Judgement;
    const b = theirs[index] as Theirs;
    const story = `${text}\n-- ours, ${a.status}:\n${a.complaints.map((c) => c.text).join('\n')}\n-- keepalived, ${b.status}:\n${b.text}`;
    const here = (numbers: readonly number[] = []): string[] =>
      numbers.map((n) => `${basename(path)}:${n}`).sort();
    assert.deepEqual(
      { ours: a.status, theirs: b.status },
      differs?.status ?? { ours: b.status, theirs: b.status },
      story,
    );
    const loud = linesOf(a, path, false);
    const all = linesOf(a, path, true);
    const onlyOurs = [...loud].filter((line) => !b.lines.has(line)).sort();
    const onlyTheirs = [...b.lines].filter((line) => !all.has(line)).sort();
    assert.deepEqual(onlyOurs, here(differs?.onlyOurs), `only ours: ${story}`);
    assert.deepEqual(onlyTheirs, here(differs?.onlyTheirs), `only keepalived's: ${story}`);
    if (mixed === true) return;
    const strange = a.complaints
      .filter((c) => !c.quiet && OWN_WORDS[c.id] === undefined)
      .flatMap(({ message, cause = message }) =>
        b.text.includes(message) || b.text.includes(cause) ? [] : [message],
      );
    assert.deepEqual(strange, differs?.words ?? [], `words that keepalived does not use: ${story}`);
  }
});
