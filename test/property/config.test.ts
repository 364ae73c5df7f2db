// Reading is total: no text, however senseless, makes it throw, hang or say something that cannot be shown. What a
// type writes it reads back. What is unknown takes nothing with it.

// biome-ignore-all lint/suspicious/noTemplateCurlyInString: that is how parameters are written

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { command } from '../../src/config/command.ts';
import { exitStatus, formatDiagnostic } from '../../src/config/diagnostic.ts';
import type { Block } from '../../src/config/keyword.ts';

import { splitWords, textOf } from '../../src/config/text.ts';
import { keywords } from '../../src/keywords.ts';
import { ipFromBytes } from '../../src/lib/ip.ts';
import { type AddressText, addressLine } from '../../src/vrrp/value.ts';
import { names, read } from './reading.ts';

const scrap = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...names(keywords)) },
  {
    weight: 6,
    arbitrary: fc.constantFrom(
      ...[
        '{',
        '}',
        '"',
        "'",
        '\\',
        '#',
        '!',
        '@',
        '^',
        '$A',
        '${A}',
        '$A=',
        '$M=a \\',
        '~SEQ(A,3)',
      ],
      ...['~LST(A,x,y)', '~SEQ(', 'include inc', 'includea n*', '${_RANDOM', '\0', '\ufeff', '|'],
      ...['A', 'eth0', 'lo', 'nosuch', 'MASTER', 'PASS', 'on', '10.0.0.1/24', 'fe80::1', '1', '-1'],
      ...['255', '0.5', '99999999999', '1e9', '/bin/true', '"/bin/x \\"a\\" \'b', 'constructor'],
      ...['__proto__', 'toString', 'hasOwnProperty'],
    ),
  },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 8 }) },
);
const separator = fc.constantFrom(' ', ' ', '\n', '\n', '\t', '', '\r\n');
const garbage = fc
  .array(fc.tuple(scrap, separator), { maxLength: 60 })
  .map((parts) => parts.flat().join(''));

test('no text makes reading throw, and every diagnostic can be shown', () => {
  fc.assert(
    fc.property(garbage, garbage, (text, included) => {
      const { config, diagnostics } = read(text, included);
      assert.ok([0, 2, 4, 5, 6].includes(exitStatus(diagnostics)));
      for (const d of diagnostics) {
        assert.match(d.id, /^[a-z0-9-]+$/);
        assert.notEqual(d.message, '');
        // biome-ignore lint/suspicious/noControlCharactersInRegex: they must not reach the terminal
        assert.doesNotMatch(formatDiagnostic(d), /[\x00-\x08\x0b-\x1f\x7f-\x9f]/);
        if (d.line !== undefined) assert.ok(d.line >= 1 && (d.column ?? 1) >= 1);
      }
      if (config !== undefined) assert.deepEqual(JSON.parse(JSON.stringify(config)), config);
      assert.equal(
        config === undefined,
        diagnostics.some((d) => d.severity === 'fatal') || exitStatus(diagnostics) === 2,
      );
    }),
    { numRuns: 2000 },
  );
});

test('a mistake is said once', () => {
  fc.assert(
    fc.property(garbage, (text) => {
      // A sequence or a parameter of several lines really repeats what it repeats.
      const { diagnostics } = read(text.replaceAll('~', '').replaceAll('$', ''));
      const said = diagnostics.map((d) =>
        JSON.stringify([d.file, d.line, d.column, d.id, d.message]),
      );
      assert.deepEqual(said, [...new Set(said)]);
    }),
    { numRuns: 1000 },
  );
});

const GOOD = `global_defs {
vrrp_version 2
router_id a
}
vrrp_instance A {
interface eth0
virtual_router_id 5
authentication {
auth_type PASS
auth_pass abc
}
virtual_ipaddress {
10.0.0.100/24
10.0.0.101/24 dev eth1
}
priority 50
}
vrrp_instance B {
interface eth1
virtual_router_id 5
virtual_ipaddress {
10.0.0.100/24
}
}
`;
const good = GOOD.trimEnd().split('\n');
/** Where statements may stand: not right behind a keyword whose block opens there, and not in a value block. */
const gaps = good.flatMap((_, index) => {
  const entries = good[index - 1]?.startsWith('10.') || good[index - 1]?.startsWith('virtual_ip');
  return entries === true ? [] : [index];
});

test('an unknown block takes nothing with it', () => {
  const expected = read(GOOD);
  assert.deepEqual(expected.diagnostics, []);
  const inner = fc.array(
    fc.constantFrom('priority 9', 'a b', 'x {', '}', 'virtual_ipaddress {', '10.9.9.9', '"q q"'),
    { maxLength: 8 },
  );
  fc.assert(
    fc.property(fc.constantFrom(...gaps), inner, (gap, lines) => {
      const balanced: string[] = [];
      let depth = 0;
      for (const line of lines) {
        if (line === '}' && depth === 0) continue;
        depth += line === '}' ? -1 : line.endsWith('{') ? 1 : 0;
        balanced.push(line);
      }
      const block = ['nosuchblock {', ...balanced, ...new Array<string>(depth).fill('}'), '}'];
      const { config, diagnostics } = read(
        [...good.slice(0, gap), ...block, ...good.slice(gap), ''].join('\n'),
      );
      assert.deepEqual(config, expected.config);
      assert.deepEqual(
        diagnostics.map((d) => [d.id, d.line]),
        [['unknown-keyword', gap + 1]],
      );
    }),
  );
});

/** Defaults that say "not given" and that nobody can write. */
const UNWRITABLE = /_rt_priority$/;

function checkDefaults(rows: Block, path: string): number {
  let checked = 0;
  for (const [keyword, row] of Object.entries(rows)) {
    if (row.form !== 'words' && row.form !== 'entries') {
      checked += checkDefaults(row.rows, `${path}${keyword}/`);
      continue;
    }
    if (row.form === 'entries' || row.fallback === undefined || UNWRITABLE.test(keyword)) continue;
    if (row.fallback === false && row.type.minimum === 0 && row.type.format(false) === '') continue;
    const raw = row.type.format(row.fallback);
    const { words } = splitWords(textOf(raw));
    const reading = row.type.parse(
      words.map((word) => word.text),
      raw,
    );
    assert.deepEqual(reading.value, row.fallback, path + keyword);
    assert.deepEqual(reading.complaints ?? [], [], path + keyword);
    checked++;
  }
  return checked;
}

test('every default is written in a way that reads back to the same value', () => {
  assert.ok(checkDefaults(keywords, '') > 20);
});

const byteArray = (length: number) =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((bytes) => ipFromBytes(bytes));
const flagged = fc.constantFrom({}, { home: true as const }, { noprefixroute: true as const });
const address4: fc.Arbitrary<AddressText> = fc
  .tuple(
    fc.record({ address: byteArray(4), prefix: fc.integer({ min: 0, max: 32 }) }),
    fc.constantFrom({}, { dev: 'eth1' }),
    fc.option(fc.record({ scope: fc.integer({ min: 0, max: 255 }) }), { nil: {} }),
    fc.constantFrom({}, { label: 'eth0:1' }),
  )
  .map((parts) => Object.assign({}, ...parts) as AddressText);
const address6: fc.Arbitrary<AddressText> = fc
  .tuple(
    fc.record({ address: byteArray(16), prefix: fc.integer({ min: 0, max: 128 }) }),
    fc.constantFrom({}, { dev: 'eth1' }),
    flagged,
  )
  .map((parts) => Object.assign({}, ...parts) as AddressText);

test('an address line is written in a way that reads back to the same value', () => {
  fc.assert(
    fc.property(fc.oneof(address4, address6), (value) => {
      const text = addressLine.format(value);
      const reading = addressLine.parse(text.split(' '), text);
      assert.deepEqual(reading.complaints ?? [], []);
      assert.deepEqual(
        reading.value,
        addressLine.parse(addressLine.format(reading.value as AddressText).split(' '), '').value,
      );
      assert.equal(reading.value?.address, value.address);
      assert.equal(reading.value?.prefix, value.prefix);
      assert.equal(reading.value?.dev, value.dev);
      assert.equal(reading.value?.label, value.label);
    }),
  );
});

test('a command is written in a way that reads back to the same words', () => {
  const word = fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(fc.array(word, { minLength: 1, maxLength: 5 }), (words) => {
      const { value } = command.parse([], command.format({ words }));
      assert.deepEqual(value?.words, words);
    }),
  );
});

test('what is written for an instance is what it gets', () => {
  const settings = fc.record({
    virtual_router_id: fc.integer({ min: 1, max: 255 }),
    priority: fc.integer({ min: 1, max: 254 }),
    down_timer_adverts: fc.integer({ min: 1, max: 100 }),
    garp_master_repeat: fc.integer({ min: 1, max: 1000 }),
    unicast_ttl: fc.integer({ min: 0, max: 255 }),
  });
  fc.assert(
    fc.property(settings, (wanted) => {
      const lines = Object.entries(wanted)
        .filter(([keyword]) => keyword !== 'unicast_ttl')
        .map(([keyword, value]) => `${keyword} ${value}`);
      const peer = ['unicast_peer {', '10.0.0.2', '}', `unicast_ttl ${wanted.unicast_ttl}`];
      const vip = ['virtual_ipaddress {', '10.0.0.100/24', '}'];
      const text = ['vrrp_instance A {', 'interface eth0', ...lines, ...peer, ...vip, '}'].join(
        '\n',
      );
      const { config, diagnostics } = read(text);
      assert.deepEqual(diagnostics, []);
      const instance = config?.vrrp_instance[0];
      for (const [keyword, value] of Object.entries(wanted))
        assert.equal(instance?.[keyword as keyof typeof wanted], value, keyword);
    }),
  );
});
