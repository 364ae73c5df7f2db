// What keepalived -t says to a line of routes or rules, and what we say: the status, the line, and the words.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Judgement } from './judge.ts';
import { linesOf, makeBench, THREE_INTERFACES, type Theirs } from './oracle.ts';
import { LINES, type Line } from './routing.ts';

const bench = makeBench(`ka-routing-${process.pid}`, THREE_INTERFACES);
const folder = mkdtempSync(join(tmpdir(), 'ka-routing-'));
const paths = LINES.map((_, index) => join(folder, `${index}.conf`));

const fileOf = ({ block, line }: Line): string => {
  const head =
    'vrrp_instance A {\ninterface eth0\nvirtual_router_id 5\nvirtual_ipaddress {\n10.9.0.100/24\n}\n';
  const body = `${block} {\n${line}\n}\n`;
  return block.startsWith('virtual') ? `${head}${body}}\n` : `${head}}\n${body}`;
};

/** Lines of which keepalived says less, and why ours are better. */
const DIFFERS: Readonly<Record<string, string>> = {
  '10.1.0.0/16 dev eth0 or fd00::1': 'keepalived drops it without a reason',
};

describe('the verdict on routes and rules', { timeout: 120_000 }, () => {
  const theirs: Theirs[] = [];
  let ours: readonly Judgement[] = [];

  before(async () => {
    for (const [index, line] of LINES.entries())
      writeFileSync(paths[index] as string, fileOf(line));
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

  for (const [index, line] of LINES.entries())
    it(`${line.block}: ${line.line}`, () => {
      const a = ours[index] as Judgement;
      const b = theirs[index] as Theirs;
      const path = paths[index] as string;
      const story = `${line.line}\n-- ours, ${a.status}:\n${a.complaints.map((c) => c.text).join('\n')}\n-- keepalived, ${b.status}:\n${b.text}`;
      assert.equal(a.status, b.status, story);
      assert.deepEqual(linesOf(a, path, false), b.lines, story);
      if (DIFFERS[line.line] !== undefined) return;
      const strange = a.complaints
        .filter((c) => !c.quiet)
        .filter(
          ({ message, cause = message }) => !b.text.includes(message) && !b.text.includes(cause),
        )
        .map(({ message }) => message);
      assert.deepEqual(strange, [], story);
    });
});
