// A file of 40,000 real servers, read and judged with -t: from exec to the end of the process. No daemon, no network.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cleanEnvironment } from '../netns/command.ts';
import { node, requireProgram } from '../netns/programs.ts';
import { type Column, percentile, type Row } from './figures.ts';
import { begin, benchOptions, type Contender, rowOf, writeReport } from './report.ts';

const SERVICES = 1000;
const SERVERS = 40;

/** 166,000 lines, in the shape in which programs write them. */
function configuration(): string {
  const lines: string[] = [];
  for (let service = 0; service < SERVICES; service++) {
    const net = `${service >> 8}.${service & 255}`;
    lines.push(`virtual_server 10.${net}.1 80 {`, '    delay_loop 6', '    lb_algo wlc');
    lines.push('    lb_kind NAT', '    protocol TCP');
    for (let server = 1; server <= SERVERS; server++)
      lines.push(
        `    real_server 172.${16 + (service >> 8)}.${service & 255}.${server} 8080 {`,
        '        weight 1',
        '        TCP_CHECK { connect_timeout 3 }',
        '    }',
      );
    lines.push('}');
  }
  return `${lines.join('\n')}\n`;
}

interface Reading {
  readonly contender: Column;
  /** ms. */
  readonly took: number;
}

const ours = fileURLToPath(new URL('../../dist/keepalived.js', import.meta.url));

function read({ name: contender, kind }: Contender, file: string): Reading {
  const words = kind === 'ours' ? [node, ours] : [requireProgram('keepalived')];
  const started = performance.now();
  const { status, stderr } = spawnSync(words[0] as string, [...words.slice(1), '-t', '-f', file], {
    encoding: 'utf8',
    env: cleanEnvironment(),
  });
  const took = performance.now() - started;
  if (status !== 0) throw new Error(`${contender} ended with ${status}: ${stderr}`);
  return { contender, took };
}

const { contenders, count, out } = benchOptions('configuration', { full: 11, quick: 3 });
const begun = begin();
const folder = mkdtempSync(join(tmpdir(), 'ka-bench-'));
const all: Reading[] = [];
try {
  const file = join(folder, 'keepalived.conf');
  writeFileSync(file, configuration(), { mode: 0o644 });
  for (let round = 0; round < count; round++) {
    process.stderr.write(`reading ${round + 1} of ${count}\n`);
    // Priorities mean nothing to -t.
    for (const contender of contenders)
      if (contender.name !== 'keepalived rt') all.push(read(contender, file));
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
const row = (which: string, p: number, target?: Row['target']): Row =>
  rowOf(
    all,
    `40,000 real servers in 166,000 lines, exec of -t to its end, ${which}, s`,
    (list) =>
      percentile(
        list.map(({ took }) => took / 1000),
        p,
      ),
    target,
  );
writeReport('configuration', out, begun, all, [row('median', 0.5, { most: 1.5 }), row('worst', 1)]);
