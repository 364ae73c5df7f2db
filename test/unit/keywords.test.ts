// The whole keyword table against what it promises: every keyword of keepalived 2.2.7 and 2.4.3 is in it
// (test/fixtures/keywords.tsv, names only), and what it writes it reads back.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { type AnyRow, type Block, findRow } from '../../src/config/keyword.ts';
import { splitWords, textOf } from '../../src/config/text.ts';
import type { ValueType } from '../../src/config/value.ts';
import { keywords } from '../../src/keywords.ts';

const listed = readFileSync(join(import.meta.dirname, '../fixtures/keywords.tsv'), 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => line.split('\t') as [string, string]);

/** Their words come with the objects they make. */
const ELSEWHERE =
  /^(static_\w+|virtual_routes|virtual_rules|routes|virtual_ipaddress\w*)(\(entry\)|$)|^(static_\w+|virtual_routes|virtual_rules)$/;

/** The rows of a block, by its path; the notation of the list is `instance/authentication`. */
function rowsAt(path: string): Block | undefined {
  let rows: Block = keywords;
  if (path === '/') return rows;
  for (const part of path.split('/')) {
    const row: AnyRow | undefined = findRow(rows, part)?.row;
    if (row === undefined || row.form === 'words') return undefined;
    rows = row.form === 'entries' ? (row.grammar ?? {}) : row.rows;
  }
  return rows;
}

describe('the list of keywords', () => {
  it('has them all', () => assert.equal(listed.length > 800, true));

  for (const [block, keyword] of listed) {
    if (ELSEWHERE.test(block) || (block !== '/' && ELSEWHERE.test(keyword))) continue;
    if (ELSEWHERE.test(keyword)) continue;
    const inside = /^(.*)\((?:option|entry)\)$/.exec(block)?.[1];
    it(`${keyword} in ${block}`, () => {
      if (inside === undefined) {
        const rows = rowsAt(block);
        assert.ok(rows !== undefined, `no block ${block}`);
        assert.ok(findRow(rows, keyword) !== undefined);
        return;
      }
      // A word within a line: the type of the line knows it.
      const at = inside.lastIndexOf('/');
      const around = rowsAt(at < 0 ? '/' : inside.slice(0, at));
      const name = inside.slice(at + 1);
      const row = findRow(around ?? {}, LINES[name] ?? name)?.row;
      assert.ok(row?.form === 'words' || row?.form === 'entries', `no line ${inside}`);
      const type = row.form === 'words' ? row.type : row.entry;
      const known = [type.syntax, ...Object.keys((row.form === 'entries' && row.grammar) || {})];
      const word = SPELT[keyword] ?? keyword;
      assert.ok(
        known.some((text) => text.split(/[^\w-]+/).includes(word)),
        `${type.syntax} does not have ${word}`,
      );
    });
  }
});

/** The list says what is meant; the table says where it stands. */
const LINES: Readonly<Record<string, string>> = { garp_extra_if: 'vrrp_garp_extra_if' };
const SPELT: Readonly<Record<string, string>> = { '<address>': 'ip', '<range>': 'last' };

interface Typed {
  readonly path: string;
  readonly type: ValueType<unknown>;
  readonly fallback?: unknown;
  readonly example?: string;
}

function typed(rows: Block, path: string): Typed[] {
  return Object.entries(rows).flatMap(([keyword, row]): Typed[] => {
    const here = `${path}${keyword}`;
    if (row.form === 'words') return [{ path: here, ...row }];
    if (row.form !== 'entries') return typed(row.rows, `${here}/`);
    const entry = {
      path: here,
      type: row.entry,
      ...(row.example === undefined ? {} : { example: row.example }),
    };
    // Examples of words are whole lines, which test/unit/reference.test.ts reads.
    const words = typed(row.grammar ?? {}, `${here}/`).map(({ example: _, ...word }) => word);
    return [entry, ...words];
  });
}

/** What a line with this text after the keyword means. */
function read(type: ValueType<unknown>, text: string): unknown {
  const words = splitWords(textOf(text)).words.map((word) => word.text);
  const { value, complaints = [] } = type.parse(words, text);
  assert.deepEqual(
    complaints.filter((complaint) => complaint.class !== 'deprecated'),
    [],
  );
  return value;
}

/** Ordinary scheduling is the absence of the keyword. */
const UNWRITABLE = /rt_priority$/;

/** These complain whatever is written. */
const ALWAYS = /vrrp_iptables$|vrrp_ipsets$|nb_get_retry$|linkbeat_use_polling$|global_tracking$/;

describe('what the table writes it reads back', () => {
  for (const { path, type, fallback, example } of typed(keywords, '')) {
    if (fallback !== undefined && typeof fallback !== 'boolean' && !UNWRITABLE.test(path))
      it(`default of ${path}`, () => {
        assert.deepEqual(read(type, type.format(fallback)), fallback);
      });
    if (example !== undefined && !ALWAYS.test(path))
      it(`example of ${path}`, () => {
        const value = read(type, example);
        assert.notEqual(value, undefined);
        assert.deepEqual(read(type, type.format(value)), value);
      });
  }
});
