// The walls of docs/architecture.md, checked by machines: the linter's rules are seen to fire on a folder of
// deliberate violations, and the pure core is bundled for no platform and run where nothing exists.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { createContext, runInContext } from 'node:vm';
import { build } from 'esbuild';

const root = join(import.meta.dirname, '../..');

interface LintReport {
  readonly diagnostics: readonly {
    readonly category: string;
    readonly location: { readonly path: string };
  }[];
}

async function lintCanary(): Promise<LintReport> {
  const folder = await mkdtemp(join(tmpdir(), 'canary-'));
  try {
    await cp(join(root, 'test/fixtures/canary'), folder, { recursive: true });
    await cp(join(root, 'biome.json'), join(folder, 'biome.json'));
    const biome = join(root, 'node_modules/.bin/biome');
    const run = promisify(execFile)(
      biome,
      ['lint', '--reporter=json', '--max-diagnostics=none', '.'],
      { cwd: folder },
    );
    const output = await run.then(
      () => '{"diagnostics":[]}',
      (failure: { stdout: string }) => failure.stdout,
    );
    return JSON.parse(output) as LintReport;
  } finally {
    await rm(folder, { recursive: true });
  }
}

test('every wall of the linter stands', async () => {
  const { diagnostics } = await lintCanary();
  const found = diagnostics
    .map(
      (d) =>
        `${String(d.location.path).replace(/^\.\//, '')} ${d.category.replace(/^lint\/\w+\//, '')}`,
    )
    .sort();
  assert.deepEqual(found, [
    'src/config/parser.ts noRestrictedGlobals',
    'src/config/parser.ts noRestrictedImports',
    'src/config/parser.ts noRestrictedImports',
    'src/config/parser.ts noRestrictedImports',
    'src/lib/clock.ts noRestrictedGlobals',
    'src/lib/clock.ts noRestrictedGlobals',
    'src/lib/clock.ts noRestrictedImports',
    'src/lib/clock.ts noRestrictedImports',
    'src/net/socket.ts noExplicitAny',
    'src/net/socket.ts noFloatingPromises',
    'src/net/socket.ts noImportCycles',
    'src/net/socket.ts noRestrictedImports',
    'src/supervisor/machine.ts noRestrictedGlobals',
    'src/supervisor/machine.ts noRestrictedImports',
    'src/vrrp/daemon.ts noRestrictedImports',
    'src/vrrp/machine.ts noImportCycles',
    'src/vrrp/machine.ts noRestrictedGlobals',
    'src/vrrp/machine.ts noRestrictedGlobals',
    'src/vrrp/machine.ts noRestrictedImports',
    'src/vrrp/machine.ts noRestrictedImports',
  ]);
});

/** The entry points that must run anywhere, with what they may not contain. */
async function bundlePure(contents: string): Promise<string> {
  const result = await build({
    stdin: { contents, resolveDir: join(root, 'src'), loader: 'ts' },
    bundle: true,
    platform: 'neutral',
    format: 'iife',
    globalName: 'core',
    write: false,
    logLevel: 'silent',
  });
  return result.outputFiles[0]?.text ?? '';
}
