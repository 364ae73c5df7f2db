// What `keepalived lint --json` prints, and the JSON Schema of it (docs/lint.schema.json). Pure.

import type { Diagnostic } from '../config/diagnostic.ts';
import type { JsonSchema } from '../config/value.ts';

export const LINT_VERSION = 1;

export interface Finding {
  readonly severity: Diagnostic['severity'] | 'advice';
  /** Stable: for --ignore and for comments. */
  readonly name: string;
  readonly message: string;
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
  readonly length?: number;
  readonly source?: string;
  readonly cause?: string;
  readonly assumed?: string;
  readonly hint?: string;
}

export interface Report {
  readonly version: typeof LINT_VERSION;
  /** The exit status. */
  readonly status: number;
  readonly findings: readonly Finding[];
}

const OPTIONAL = [
  'file',
  'line',
  'column',
  'length',
  'source',
  'cause',
  'assumed',
  'hint',
] as const;

export function findingsOf(
  diagnostics: readonly Diagnostic[],
  advice: ReadonlySet<Diagnostic>,
): readonly Finding[] {
  return diagnostics.map((d) => ({
    severity: advice.has(d) ? 'advice' : d.severity,
    name: d.id,
    message: d.message,
    ...Object.fromEntries(OPTIONAL.flatMap((key) => (d[key] === undefined ? [] : [[key, d[key]]]))),
  }));
}

const position = (description: string): JsonSchema => ({
  type: 'integer',
  minimum: 1,
  description,
});
const text = (description: string): JsonSchema => ({ type: 'string', description });

export const lintSchema: JsonSchema = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'Output of keepalived lint --json',
  type: 'object',
  additionalProperties: false,
  required: ['version', 'status', 'findings'],
  properties: {
    version: { const: LINT_VERSION },
    status: {
      type: 'integer',
      description:
        'Exit status: 0, 3 for advice and what keepalived -t counts as nothing, else as keepalived -t or the daemon.',
    },
    findings: {
      type: 'array',
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['severity', 'name', 'message'],
        properties: {
          severity: {
            enum: ['fatal', 'error', 'warning', 'advice'],
            description:
              'fatal ends the daemon, error loses something of the file, warning keeps its meaning, advice is no mistake.',
          },
          name: { type: 'string', pattern: '^[a-z0-9-]+$', description: 'Stable; for --ignore.' },
          message: text('In the words of keepalived where it has any.'),
          file: text('Its path.'),
          line: position('From 1.'),
          column: position('From 1, in characters.'),
          length: position('Characters that are marked.'),
          source: text('The line.'),
          cause: text('The general reason behind the message.'),
          assumed: text('What is used instead.'),
          hint: text('What to do.'),
        },
      },
    },
  },
};
