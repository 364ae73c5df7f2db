// The two ways to build the addon, cmake-js (ours) and node-gyp (npm's, for who installs from source), build one thing.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { describe, it } from 'node:test';

const read = (path: string): string => readFileSync(path, 'utf8');

describe('binding.gyp and native/CMakeLists.txt', () => {
  const [gyp] = (JSON.parse(read('binding.gyp')) as { targets: [Gyp] }).targets;
  interface Gyp {
    readonly target_name: string;
    readonly sources: string[];
    readonly defines: string[];
    readonly cflags_cc: string[];
  }
  const cmake = read('native/CMakeLists.txt');
  const words = (call: string): string[] =>
    (new RegExp(`${call}\\(keepalived (?:SHARED|PRIVATE) ([^)]*)\\)`).exec(cmake)?.[1] ?? '').split(
      ' ',
    );

  it('name the same single source, and every other file is a header that it reaches', () => {
    assert.deepEqual(gyp.sources, ['native/addon.cc']);
    assert.deepEqual(words('add_library'), ['addon.cc']);
    const reached = new Set(['addon.cc']);
    for (const file of reached)
      for (const [, name] of read(`native/${file}`).matchAll(/^#include "([^"]+)"$/gm))
        reached.add(name ?? '');
    const files = readdirSync('native').filter((name) => /\.(cc|h)$/.test(name));
    assert.deepEqual([...reached].sort(), files.sort());
  });

  it('give the compiler the same definitions and the same standard', () => {
    assert.equal(gyp.target_name, 'keepalived');
    assert.deepEqual(gyp.defines.toSorted(), words('target_compile_definitions').toSorted());
    assert.ok(gyp.cflags_cc.includes('-std=c++17'));
    assert.match(cmake, /set\(CMAKE_CXX_STANDARD 17\)/);
  });

  it('compile without a warning under the definitions that node-gyp adds', () => {
    const require = createRequire(import.meta.url);
    const folders = [
      (require('node-addon-api') as { include_dir: string }).include_dir,
      (require('node-api-headers') as { include_dir: string }).include_dir,
    ];
    const added = [
      '_FILE_OFFSET_BITS=64',
      '_LARGEFILE_SOURCE',
      '__STDC_FORMAT_MACROS',
      'BUILDING_NODE_EXTENSION',
    ];
    const flags = [...added, ...gyp.defines].map((name) => `-D${name}`);
    const { status, stderr } = spawnSync(
      'g++',
      [
        ...['-fsyntax-only', '-Werror', ...gyp.cflags_cc, ...flags],
        ...folders.flatMap((folder) => ['-isystem', folder]),
        ...gyp.sources,
      ],
      { encoding: 'utf8' },
    );
    assert.deepEqual([stderr, status], ['', 0]);
  });

  it('use nothing that an installation would have to download', () => {
    // Without this cmake-js takes the addon for one of V8's and downloads Node's own headers.
    const { binary } = JSON.parse(read('native/package.json')) as {
      binary: { napi_versions: number[] };
    };
    assert.deepEqual(binary.napi_versions, [8]);
    const { gypfile, scripts } = JSON.parse(read('package.json')) as {
      gypfile: boolean;
      scripts: Record<string, string>;
    };
    // With a binding.gyp at the root npm runs node-gyp by itself, which fetches headers and fails offline.
    assert.equal(gypfile, false);
    assert.deepEqual(
      Object.keys(scripts).filter((name) => /^(pre|post)?install$/.test(name)),
      [],
    );
    for (const file of readdirSync('native').filter((name) => name.endsWith('.h')))
      assert.doesNotMatch(read(`native/${file}`), /#include <(uv|v8|node)\.h>/);
  });
});
