// Command strings: keepalived reads them again from the raw line with quotes and escapes of their own, and runs
// them without a shell.

import type { ScriptText, ValueType } from './value.ts';

export const command: ValueType<ScriptText> = {
  syntax: '<path> | "<path> <arguments>" [<user> [<group>]]',
  minimum: 1,
  parse: () => ({}),
  format: ({ words, user, group }) => [quoteCommand(words), user, group].filter(Boolean).join(' '),
  schema: {
    type: 'object',
    additionalProperties: false,
    required: ['words'],
    properties: {
      words: { type: 'array', items: { type: 'string' }, minItems: 1 },
      user: { type: 'string' },
      group: { type: 'string' },
    },
  },
};

function quoteCommand(words: readonly string[]): string {
  return words.join(' ');
}
