// The verdict of `keepalived -t` and ours on the same small files: the exit status, and which lines are complained
// about. What differs on purpose says so in its case, with the reason.

import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { CASES, type Case } from './cases.ts';
import type { Judgement } from './judge.ts';
import { LANGUAGE, PARTS } from './language.ts';
import { mixtures } from './mixture.ts';

const cases: readonly Case[] = [...CASES, ...LANGUAGE, ...mixtures(200, 1)];
const namespace = `ka-config-${process.pid}`;
const folder = mkdtempSync(join(tmpdir(), 'ka-config-'));
const paths = cases.map((_, index) => join(folder, 'case', `${index}.conf`));

/** People search the web for keepalived's words. These complaints have their own, because they say more. */
const OWN_WORDS: Readonly<Record<string, string>> = {
  'missing-close': 'names the block that is not closed',
  'bad-sequence': 'says what is wrong with it, once',
  'include-cycle': 'keepalived speaks of too many open files',
};

function ip(...words: readonly string[]): void {
  const { status, stderr } = spawnSync('ip', words, { encoding: 'utf8' });
  assert.equal(status, 0, `ip ${words.join(' ')}: ${stderr}`);
}

/** Three interfaces with addresses, as most files expect. */
function makeNamespace(): void {
  ip('netns', 'add', namespace);
  ip('-n', namespace, 'link', 'set', 'lo', 'up');
  for (const n of [0, 1, 2]) {
    ip('-n', namespace, 'link', 'add', `eth${n}`, 'type', 'veth', 'peer', 'name', `peer${n}`);
    ip('-n', namespace, 'addr', 'add', `10.9.${n}.1/24`, 'dev', `eth${n}`);
    ip('-n', namespace, 'link', 'set', `eth${n}`, 'up');
    ip('-n', namespace, 'link', 'set', `peer${n}`, 'up');
  }
}

function run(
  words: readonly string[],
): Promise<{ status: number; stdout: string; stderr: string }> {
  return new Promise((resolve, reject) => {
    const options = { maxBuffer: 1 << 26, timeout: 50_000 };
    execFile('ip', ['netns', 'exec', namespace, ...words], options, (error, stdout, stderr) => {
      const code = error?.code ?? 0;
      if (typeof code === 'number') resolve({ status: code, stdout, stderr });
      else reject(error as Error);
    });
  });
}

interface Theirs {
  readonly status: number;
  readonly lines: ReadonlySet<string>;
  readonly text: string;
}

/** `(FILE: Line N) text`, or `(Line N) text` while only one file is read. */
async function askKeepalived(path: string): Promise<Theirs> {
  const { status, stderr } = await run(['keepalived', '-t', '-i', 'vm', '-f', path]);
  const found = [...stderr.matchAll(/^\((?:(.*): )?Line (\d+)\)/gm)];
  const lines = found.map(([, file = path, line]) => `${basename(file)}:${line}`);
  return { status, lines: new Set(lines), text: stderr };
}

const linesOf = (ours: Judgement, path: string, quiet: boolean): Set<string> =>
  new Set(
    ours.complaints
      .filter((c) => c.line !== undefined && (quiet || !c.quiet))
      .map((c) => `${basename(c.file ?? path)}:${c.line}`),
  );

describe('the verdict on a configuration', { timeout: 60_000 }, () => {
  const theirs: Theirs[] = [];
  let ours: readonly Judgement[] = [];

  before(async () => {
    makeNamespace();
    mkdirSync(join(folder, 'case'));
    mkdirSync(join(folder, 'part'));
    for (const [name, text] of Object.entries(PARTS))
      writeFileSync(join(folder, 'part', name), text);
    writeFileSync(join(folder, 'part', 'program'), 'priority 50\n');
    chmodSync(join(folder, 'part', 'program'), 0o755);
    for (const [index, { text }] of cases.entries()) writeFileSync(paths[index] as string, text);
    const judge = new URL('judge.ts', import.meta.url).pathname;
    const [judged] = await Promise.all([
      run([process.execPath, '--import', 'tsx', judge, ...paths]),
      (async () => {
        for (const path of paths) theirs.push(await askKeepalived(path));
      })(),
    ]);
    assert.equal(judged.status, 0, judged.stderr);
    ours = judged.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Judgement);
  });

  after(() => {
    spawnSync('ip', ['netns', 'del', namespace]);
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
