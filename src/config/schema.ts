// The keyword table -> a JSON Schema (draft 7) for editors and for configuration written as YAML or JSON.
// Values are in the units of the keywords, as in keepalived.conf. Rules between keywords are not in it.

import type { AnyRow, Block, Presence, WordsRow } from './keyword.ts';
import type { JsonSchema } from './value.ts';

/** The schema of a whole configuration. Accepted by ajv in strict mode. */
export const jsonSchema = (table: Block): JsonSchema => ({
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'keepalived configuration',
  ...blockSchema(table),
});

function blockSchema(rows: Block, named = false, heading?: JsonSchema): JsonSchema {
  const required = Object.keys(rows).filter((keyword) => rows[keyword]?.presence === 'required');
  if (named) required.unshift('name');
  if (heading !== undefined) required.unshift('heading');
  return {
    type: 'object',
    additionalProperties: false,
    ...(required.length === 0 ? {} : { required }),
    properties: {
      ...(heading === undefined ? {} : { heading }),
      ...(named ? { name: { type: 'string', minLength: 1, description: 'Unique name.' } } : {}),
      ...Object.fromEntries(
        Object.entries(rows).map(([keyword, row]) => [keyword, rowSchema(row)]),
      ),
    },
  };
}

function rowSchema(row: AnyRow): JsonSchema {
  switch (row.form) {
    case 'words':
      return describe(row.type.schema, row.doc, defaultOf(row));
    case 'entries':
      if (row.named === true) return namedEntries(row.entry.schema, row.doc);
      return { type: 'array', items: row.entry.schema, description: row.doc };
    case 'section':
      return { ...blockSchema(row.rows), description: row.doc };
    case 'named':
      return { type: 'array', items: blockSchema(row.rows, true), description: row.doc };
    case 'blocks': {
      const items = blockSchema(row.rows, false, row.heading?.schema);
      return { type: 'array', items, description: row.doc };
    }
  }
}

const namedEntries = (items: JsonSchema, description: string): JsonSchema => ({
  type: 'array',
  items: {
    type: 'object',
    additionalProperties: false,
    required: ['name', 'entries'],
    properties: { name: { type: 'string', minLength: 1 }, entries: { type: 'array', items } },
  },
  description,
});

/** What the type says about itself, its unit for example, follows the meaning of the keyword. */
function describe(schema: JsonSchema, doc: string, more: JsonSchema): JsonSchema {
  const unit = typeof schema.description === 'string' ? ` (${schema.description})` : '';
  return { ...schema, ...more, description: doc + unit };
}

/** The default in the unit of the schema: durations are microseconds only inside the program. */
function defaultOf(row: WordsRow<unknown, Presence>): JsonSchema {
  const { fallback, type } = row;
  if (fallback === undefined) return {};
  const numeric = type.schema.type === 'integer' || type.schema.type === 'number';
  return { default: numeric ? Number(type.format(fallback)) : fallback };
}
