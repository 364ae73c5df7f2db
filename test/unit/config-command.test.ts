// Command strings: two readings by the same rule, and what becomes of a script that cannot run.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  createReporter,
  type Inspection,
  type MachineFacts,
  readBlock,
} from '../../src/config/build.ts';
import { command, formatWord, parseCommand, parseWord } from '../../src/config/command.ts';
import { Findings } from '../../src/config/diagnostic.ts';
import { globalDefs, resolveGlobals } from '../../src/config/globals.ts';
import type { Node } from '../../src/config/parser.ts';
import { resolveScript } from '../../src/config/script.ts';

const words = (raw: string): readonly string[] | string | undefined => {
  const { value, complaints } = parseCommand(raw);
  return value?.words ?? complaints?.[0]?.message;
};

describe('a command string', () => {
  // Each pair was read off keepalived 2.2.7's data dump.
  for (const [raw, expected] of [
    ['/bin/true', ['/bin/true']],
    ['/bin/true root', ['/bin/true']],
    ['"  /bin/true  a  "', ['/bin/true', 'a']],
    [`"/bin/true 'a b' \\"c d\\" e"`, ['/bin/true', 'a b', 'c d', 'e']],
    ['"/bin/true e\\ f"', ['/bin/true', 'e', 'f']],
    ['"/bin/true $HOME *"', ['/bin/true', '$HOME', '*']],
    ['"/bin/true \\x41 \\101z \\cA \\q"', ['/bin/true', 'A', 'Az', '\x01', 'q']],
    ['"/bin/true \\1012 \\x4 \\x414"', ['/bin/true', 'A2', '\x04', '\x14']],
    ['"/bin/true \\a\\b\\E\\f\\n\\r\\t\\v z"', ['/bin/true', '\x07\b\x1b', 'z']],
    [`"/bin/true a\\\\b \\"\\" ''"`, ['/bin/true', 'a\b', '', '']],
    [`"/bin/true a'b c'd"`, ['/bin/true', 'ab cd']],
    ['"/bin/tr"ue root', ['/bin/true']],
    ['/bin/true"a b" root', ['/bin/truea', 'b']],
    [`"/bin/true 'a b"`, "String '/bin/true 'a b': missing terminating '"],
    ["'/bin/true a", "String ''/bin/true a': missing terminating '"],
    ["/bin/true a b' root", "String '/bin/true a b' root': missing terminating '"],
    ["''", 'the command is empty'],
  ] as const)
    it(`reads ${raw}`, () => assert.deepEqual(words(raw), expected));

  it('takes user and group from the words after it', () => {
    assert.deepEqual(parseCommand('"/bin/true a" nobody users extra').value, {
      words: ['/bin/true', 'a'],
      user: 'nobody',
      group: 'users',
    });
  });

  it('writes what it reads', () => {
    const value = { words: ['/bin/x', 'a b', '', '"\'', '\\', '$A #!{}', '\t\n'], user: 'root' };
    assert.deepEqual(parseCommand(command.format(value)).value, value);
  });
});

const node: Node = {
  keyword: 'notify',
  words: [],
  raw: '',
  place: { file: 'f', line: 1, column: 1, source: '' },
};

const facts = (inspection: Inspection): MachineFacts => ({
  hostname: 'h',
  processors: 1,
  interfaces: new Map(),
  user: (name) => (name === 'nobody' ? { uid: 65534, gid: 65534 } : undefined),
  group: () => undefined,
  inspect: () => inspection,
});

function resolve(
  text: { words: string[]; user?: string },
  inspection: Inspection,
  secure = false,
): { readonly script: unknown; readonly said: readonly string[] } {
  const findings = new Findings();
  const machine = facts(inspection);
  const statements = secure
    ? readBlock(globalDefs, [{ ...node, keyword: 'enable_script_security' }], '', () => {})
    : [];
  const globals = resolveGlobals(statements, machine, () => {});
  const script = resolveScript(text, node, globals, machine, createReporter(findings));
  return { script, said: findings.all.map((d) => `${d.id}:${d.class}`) };
}

describe('a single word', () => {
  const otherwise = { id: 'x', severity: 'error', class: 'none', message: 'not one word' } as const;
  for (const [raw, value] of [
    [String.raw`"\"a\": \\d"`, String.raw`"a": \d`],
    [`'say "hi" # {'`, 'say "hi" # {'],
    [String.raw`a\ b`, 'a b'],
    ['""', ''],
    ['a b', undefined],
    ['', undefined],
    [String.raw`a\ `.trim(), undefined],
    ["'a", undefined],
  ] as const)
    it(`${raw}: ${value ?? 'none'}`, () => {
      const read = parseWord(raw, otherwise);
      assert.equal(read.value, value);
      assert.equal((read.complaints ?? []).length, value === undefined ? 1 : 0);
    });

  for (const value of ['', 'a b', '"', "it's", String.raw`\d+\\`, 'é {1,2} # ! $HOME', '\t'])
    it(`${JSON.stringify(value)} is written so that it is read again`, () => {
      assert.deepEqual(parseWord(formatWord(value), otherwise), { value });
    });
});

describe('a script', () => {
  it('runs as root unless somebody is named', () => {
    assert.deepEqual(resolve({ words: ['/bin/x', 'a'] }, { path: '/usr/bin/x' }), {
      script: { words: ['/usr/bin/x', 'a'], uid: 0, gid: 0 },
      said: [],
    });
    assert.deepEqual(
      resolve({ words: ['/bin/x'], user: 'nobody' }, { path: '/usr/bin/x' }).script,
      {
        words: ['/usr/bin/x'],
        uid: 65534,
        gid: 65534,
      },
    );
  });

  it('is left out, without counting, when it cannot run', () => {
    assert.deepEqual(resolve({ words: ['/x'] }, { message: 'no' }), {
      script: undefined,
      said: ['script-unusable:none'],
    });
    assert.deepEqual(resolve({ words: ['/x'], user: 'who' }, { path: '/x' }), {
      script: undefined,
      said: ['unknown-user:none'],
    });
  });

  it('needs a user of its own under script security', () => {
    assert.deepEqual(resolve({ words: ['/x'] }, { path: '/x' }, true), {
      script: undefined,
      said: ['script-without-user:none'],
    });
  });

  it('is not run under script security when others could change it', () => {
    const loose = { path: '/x', insecure: 'Unsafe permissions' };
    assert.deepEqual(resolve({ words: ['/x'], user: 'nobody' }, loose, true).said, [
      'script-insecure:none',
    ]);
    assert.deepEqual(resolve({ words: ['/x'], user: 'nobody' }, loose).said, []);
  });
});
