// Braces, names and unknown words: what belongs to what, and where the caret stands.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type Diagnostic,
  exitStatus,
  formatDiagnostic,
  formatLogLine,
  nearest,
} from '../../src/config/diagnostic.ts';
import { lex } from '../../src/config/lexer.ts';
import { type Node, parse } from '../../src/config/parser.ts';
import { keywords } from '../../src/keywords.ts';

function parseText(text: string): {
  readonly nodes: readonly Node[];
  readonly diagnostics: readonly Diagnostic[];
} {
  const file = { name: 'f', path: '/f', directory: '/', text };
  const { lines } = lex([file], {
    read: () => ({ files: [], problems: [] }),
    configId: 'host',
    random: { seed: 1 },
  });
  return parse(lines, keywords);
}

/** The tree as text: `a(b c)`. */
const tree = (nodes: readonly Node[] = []): string =>
  nodes
    .map((n) => {
      const head = [n.keyword, ...n.words.map((w) => w.text)].filter((w) => w !== '').join(' ');
      return n.children === undefined ? head : `${head}(${tree(n.children)})`;
    })
    .join(', ');
const shape = (text: string): string => tree(parseText(text).nodes);
const complaints = (text: string): string[] =>
  parseText(text).diagnostics.map((d) => `${d.line}:${d.column} ${d.id}`);

it('keywords of old documents are obsolete, with the verdict on unknown ones', () => {
  const text = `global_defs {
lvs_id a
}
virtual_server 10.0.0.1 80 {
nat_mask 255.255.255.0
constructor
}`;
  const { diagnostics } = parseText(text);
  assert.deepEqual(
    diagnostics.map(({ id, message, hint }) => [id, message, hint]),
    [
      ['obsolete-keyword', "Unknown keyword 'lvs_id'", "obsolete, use 'router_id'"],
      [
        'obsolete-keyword',
        "Unknown keyword 'nat_mask'",
        'obsolete, leave it out: IPVS needs no mask',
      ],
      ['unknown-keyword', "Unknown keyword 'constructor'", undefined],
    ],
  );
  assert.equal(exitStatus(diagnostics), 5);
});

describe('mistakes of a line that is repeated', () => {
  const said = (text: string): number => parseText(text).diagnostics.length;

  it('are said once where they are the same', () => {
    assert.deepEqual(complaints('~SEQ(i,3) a\na\n'), [
      '1:11 unknown-keyword',
      '2:1 unknown-keyword',
    ]);
  });

  it('are said while one can read them where they differ', () => {
    assert.equal(said('~SEQ(i,15) a$i\n'), 15);
    const { diagnostics } = parseText('~SEQ(i,15000) a$i\nb\n');
    assert.deepEqual(
      diagnostics.slice(-2).map((d) => [d.line, d.class, d.message]),
      [
        [1, 'none', 'more of this is not said of this line'],
        [2, 'unknown-keyword', "Unknown keyword 'b'"],
      ],
    );
    assert.equal(diagnostics.length, 22);
    assert.equal(exitStatus(diagnostics), 5);
  });

  it('are all said where each has a line of its own', () =>
    assert.equal(said('a\n'.repeat(5000)), 5000));
});

describe('blocks', () => {
  for (const [name, text] of [
    ['brace at the end', 'vrrp_instance A {\npriority 1\n}'],
    ['brace glued', 'vrrp_instance A{\npriority 1\n}'],
    ['brace on the next line', 'vrrp_instance A\n\n# x\n{\npriority 1\n}'],
    ['first statement after the brace', 'vrrp_instance A { priority 1\n}'],
    ['closing brace after the last', 'vrrp_instance A {\npriority 1 }'],
    ['closing brace glued', 'vrrp_instance A {\npriority 1}'],
  ] as const)
    it(name, () => {
      assert.equal(shape(text), 'vrrp_instance A(priority 1)');
      assert.deepEqual(complaints(text), []);
    });

  it('of values are read a line at a time', () =>
    assert.equal(
      shape('vrrp_instance A {\nvirtual_ipaddress { 10.0.0.1 dev x }\nunicast_peer {\na\nb\n}\n}'),
      'vrrp_instance A(virtual_ipaddress(10.0.0.1 dev x), unicast_peer(a, b))',
    ));
});

describe('mistakes', () => {
  it('an unknown keyword loses its line only', () => {
    const text = 'vrrp_instance A {\n priorty 5\n state MASTER\n}';
    assert.equal(shape(text), 'vrrp_instance A(state MASTER)');
    const [found] = parseText(text).diagnostics;
    assert.equal(found?.hint, "did you mean 'priority'?");
    assert.deepEqual(complaints(text), ['2:2 unknown-keyword']);
  });

  it('an unknown block loses itself only', () => {
    const text =
      'vrrp_instance A {\n foo {\n bar {\n }\n interface x\n }\n priority 1\n}\nuse_pid_dir';
    assert.equal(shape(text), 'vrrp_instance A(priority 1), use_pid_dir');
    assert.deepEqual(complaints(text), ['2:2 unknown-keyword']);
  });

  it('a keyword in the wrong place is told where it belongs', () => {
    const [found] = parseText('priority 5').diagnostics;
    assert.equal(found?.hint, "'priority' belongs into vrrp_instance");
  });

  it('a forgotten closing brace ends at the next block of the top level', () => {
    const text = 'vrrp_instance A {\npriority 1\nvrrp_instance B {\npriority 2\n}\n';
    assert.equal(shape(text), 'vrrp_instance A(priority 1), vrrp_instance B(priority 2)');
    assert.deepEqual(complaints(text), ['1:1 missing-close']);
  });

  it('a missing opening brace is said where it is missing', () => {
    const text = 'vrrp_instance A\npriority 1\n}\n';
    assert.equal(shape(text), 'vrrp_instance A(priority 1)');
    assert.deepEqual(complaints(text), ['1:1 missing-open']);
  });

  it('a brace that nobody asked for changes nothing around it', () => {
    const text = 'vrrp_instance A {\npriority 50 {\nstate MASTER\n}\ninterface x\n}\n';
    assert.equal(shape(text), 'vrrp_instance A(priority 50, state MASTER, interface x)');
    assert.deepEqual(complaints(text), ['2:13 unexpected-open']);
  });

  it('a closing brace too many is ignored', () => {
    assert.deepEqual(complaints('use_pid_dir\n}\nuse_pid_dir'), ['2:1 extra-close']);
  });

  it('a block needs exactly one name, and each name once', () => {
    assert.deepEqual(complaints('vrrp_instance {\nx\n}\nvrrp_instance a b {\nx\n}'), [
      '1:1 block-name',
      '4:1 block-name',
    ]);
    const twice = 'vrrp_instance A {\npriority 1\n}\nvrrp_instance A {\nx\n}';
    assert.equal(shape(twice), 'vrrp_instance A(priority 1)');
    assert.deepEqual(complaints(twice), ['4:15 block-again']);
  });

  it('a quote without an end loses the words from there on', () => {
    const text = 'global_defs {\nrouter_id "abc\n}\n';
    assert.equal(shape(text), 'global_defs(router_id)');
    assert.deepEqual(complaints(text), ['2:11 unterminated-quote']);
  });

  it('names of objects are no keywords', () => {
    assert.deepEqual(complaints('constructor\n__proto__\ntoString x'), [
      '1:1 unknown-keyword',
      '2:1 unknown-keyword',
      '3:1 unknown-keyword',
    ]);
  });
});

describe('a diagnostic', () => {
  const [found] = parseText('global_defs {\n\trouter_di x # y\n}\n').diagnostics;

  it('shows the line, a caret under the word, and advice', () => {
    assert.ok(found);
    assert.equal(
      formatDiagnostic(found),
      [
        "f:2:2: error: Unknown keyword 'router_di' [unknown-keyword]",
        '  2 | \trouter_di x # y',
        '    | \t^^^^^^^^^',
        '  assumed: the line is ignored',
        "  hint: did you mean 'router_id'?",
      ].join('\n'),
    );
  });

  it('has a line as keepalived logs it', () => {
    assert.ok(found);
    assert.equal(formatLogLine(found), "(f: Line 2) Unknown keyword 'router_di'");
  });

  it('decides the status by its class', () => {
    const status = (...classes: readonly Diagnostic['class'][]): number =>
      exitStatus(classes.map((c) => ({ id: 'x', severity: 'error', class: c, message: '' })));
    assert.equal(status(), 0);
    assert.equal(status('none'), 0);
    assert.equal(status('interface', 'file'), 4);
    assert.equal(status('interface', 'general'), 5);
    assert.equal(status('deprecated', 'security'), 6);
  });

  it('guesses near words only', () => {
    assert.equal(nearest('prioritty', ['priority', 'state']), 'priority');
    assert.equal(nearest('vritual_ipaddress', ['virtual_ipaddress']), 'virtual_ipaddress');
    assert.equal(nearest('zzz', ['state', 'priority']), undefined);
  });
});
