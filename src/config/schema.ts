// The keyword table -> a JSON Schema (draft 7) for editors and for configuration written as YAML or JSON. A value is
// a number, true or false where the keyword takes one, else the text that stands behind the keyword in keepalived.conf.
// Rules between keywords are not in it.

import type { AnyRow, Block, Presence, WordsRow } from './keyword.ts';
import type { JsonSchema, ValueType } from './value.ts';

/** The schema of a whole configuration. Accepted by ajv in strict mode. */
export const jsonSchema = (table: Block): JsonSchema => ({
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'keepalived configuration',
  ...blockSchema(table),
});

function blockSchema(rows: Block, named = false, heading?: ValueType<unknown>): JsonSchema {
  const required = Object.keys(rows).filter((keyword) => rows[keyword]?.presence === 'required');
  if (named) required.unshift('name');
  if (heading !== undefined) required.unshift('heading');
  return {
    type: 'object',
    additionalProperties: false,
    ...(required.length === 0 ? {} : { required }),
    properties: {
      ...(heading === undefined
        ? {}
        : { heading: { ...LINE, description: `What stands before the brace: ${heading.syntax}` } }),
      ...(named ? { name: { type: 'string', minLength: 1, description: 'Unique name.' } } : {}),
      ...Object.fromEntries(Object.entries(rows).flatMap(spellings)),
    },
  };
}

/** A keyword, and its other spellings, of which some are former ones. */
function spellings([keyword, row]: [string, AnyRow]): [string, JsonSchema][] {
  const schema = rowSchema(row);
  const others = Object.entries(row.aliases ?? {}).map(
    ([name, { message }]): [string, JsonSchema] => {
      const old = message === undefined ? {} : { deprecated: true };
      return [
        name,
        { ...schema, ...old, description: `Another spelling of ${keyword}. ${row.doc}` },
      ];
    },
  );
  return [[keyword, schema], ...others];
}

function rowSchema(row: AnyRow): JsonSchema {
  switch (row.form) {
    case 'words':
      return wordsSchema(row);
    case 'entries': {
      const lines = { type: 'array', items: LINE };
      const description = `${row.doc} Each a line: ${row.entry.syntax}`;
      return row.named === true ? { ...namedLines(lines), description } : { ...lines, description };
    }
    case 'section':
      return { ...blockSchema(row.rows), description: row.doc };
    case 'named':
      return { type: 'array', items: blockSchema(row.rows, true), description: row.doc };
    case 'blocks': {
      const items = blockSchema(row.rows, false, row.heading);
      return { type: 'array', items, description: row.doc };
    }
  }
}

const namedLines = (entries: JsonSchema): JsonSchema => ({
  type: 'array',
  items: {
    type: 'object',
    additionalProperties: false,
    required: ['name', 'entries'],
    properties: { name: { type: 'string', minLength: 1 }, entries },
  },
});

/** How a value is written in YAML: as what YAML knows, as one word, or as the whole text behind the keyword. */
export type Shape = 'number' | 'boolean' | 'word' | 'text';

export function shapeOf(type: ValueType<unknown>): Shape {
  const { schema, syntax } = type;
  if (type.ownQuotes === true) return 'text';
  if (schema.type === 'boolean') return 'boolean';
  if (schema.type === 'string' || schema.enum !== undefined) return 'word';
  const numeric = schema.type === 'integer' || schema.type === 'number';
  return numeric && /^\[?<(int|decimal)>/.test(syntax) ? 'number' : 'text';
}

const WORD: JsonSchema = { anyOf: [{ type: 'string' }, { type: 'number' }] };
/** What YAML takes for a number, an address such as 10.1 for example, is text all the same. */
const LINE = WORD;

function wordsSchema(row: WordsRow<unknown, Presence>): JsonSchema {
  const { type } = row;
  const description = descriptionOf(row);
  const accepted = alternatives(type);
  const { description: _, ...only } = accepted[0] as JsonSchema;
  const schema = accepted.length === 1 ? only : { anyOf: accepted };
  return { ...schema, ...defaultOf(row), description };
}

function alternatives(type: ValueType<unknown>): JsonSchema[] {
  // A keyword that needs no argument stands alone as `keyword: true`.
  const bare: JsonSchema[] = type.minimum === 0 ? [{ const: true }] : [];
  switch (shapeOf(type)) {
    case 'number':
      return [type.schema, ...bare];
    case 'boolean':
      return type.syntax === ''
        ? [type.schema]
        : [type.schema, { enum: ['on', 'off', 'true', 'false', 'yes', 'no'] }];
    case 'word':
      return type.schema.type === 'string'
        ? [type.schema, { type: 'number' }, ...bare]
        : [type.schema, ...bare];
    case 'text':
      return type.ownQuotes === true
        ? [{ type: 'string' }, ...bare]
        : [{ type: 'string' }, { type: 'number' }, { type: 'array', items: WORD }, ...bare];
  }
}

/** What the type says about itself, its unit for example, follows the meaning of the keyword. */
function descriptionOf({ type, doc }: WordsRow<unknown, Presence>): string {
  const unit = typeof type.schema.description === 'string' ? type.schema.description : undefined;
  const more = shapeOf(type) === 'text' ? type.syntax : unit;
  return more === undefined || more === '' ? doc : `${doc} (${more})`;
}

/** The default in the unit of the schema: durations are microseconds only inside the program. */
function defaultOf({ fallback, type }: WordsRow<unknown, Presence>): JsonSchema {
  if (fallback === undefined) return {};
  switch (shapeOf(type)) {
    case 'number':
      return { default: Number(type.format(fallback)) };
    case 'boolean':
      return { default: fallback };
    case 'word':
    case 'text':
      return { default: type.format(fallback) };
  }
}
