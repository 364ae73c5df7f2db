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

/** Everything that promises to be pure; what it imports is bundled with it. */
const PURE = [
  'vrrp/router.ts',
  'vrrp/dump.ts',
  'supervisor/machine.ts',
  'keywords.ts',
  'config/build.ts',
];

test('the core bundles for no platform and elects a master where nothing exists', async () => {
  const source = await bundlePure(
    PURE.map((file, i) => `export * as part${i} from './${file}';`).join('\n'),
  );
  const context = createContext({});
  const gone = ['Date', 'console', 'WebAssembly', 'SharedArrayBuffer'];
  runInContext(
    `for (const name of ${JSON.stringify(gone)}) delete globalThis[name]; Math.random = undefined`,
    context,
  );
  runInContext(source, context);
  const config = JSON.stringify({ global_defs: {}, vrrp_instance: [INSTANCE] });
  const facts = JSON.stringify(FACTS);
  const masters = runInContext(
    `let state = core.part0.createRouter(${config});
     state = core.part0.step(state, { type: 'facts', facts: ${facts} }, 1000).state;
     state = core.part0.step(state, { type: 'deadline' }, core.part0.nextDeadline(state)).state;
     state.members.map((member) => member.state.name).join()`,
    context,
  );
  assert.equal(masters, 'master');
});

test('a core that imports a host module does not bundle', async () => {
  await assert.rejects(
    bundlePure(`import net from 'node:net'; export const x = net;`),
    /Could not resolve/,
  );
});

const INSTANCE = {
  name: 'VI_1',
  state: 'BACKUP',
  family: 4,
  version: 3,
  interface: 'eth0',
  virtual_router_id: 51,
  priority: 100,
  advert_int: 1_000_000,
  mcast_dst_ip: '224.0.0.18',
  unicast_peer: [],
  unicast_ttl: 255,
  virtual_ipaddress: [{ address: '192.0.2.100', prefix: 24, scope: 0 }],
  virtual_ipaddress_excluded: [],
  nopreempt: false,
  preempt_delay: 0,
  garp_master_delay: 5_000_000,
  garp_master_repeat: 5,
  garp_master_refresh: 0,
  garp_master_refresh_repeat: 1,
  garp_lower_prio_delay: 5_000_000,
  garp_lower_prio_repeat: 5,
  garp_interval: 0,
  gna_interval: 0,
  down_timer_adverts: 3,
};

const FACTS = {
  links: [
    {
      index: 2,
      name: 'eth0',
      mac: '02:00:00:00:00:01',
      mtu: 1500,
      hardware: 1,
      up: true,
      running: true,
      multicast: true,
    },
  ],
  addresses: [
    { index: 2, address: '192.0.2.1', prefix: 24, scope: 0, secondary: false, tentative: false },
  ],
};
