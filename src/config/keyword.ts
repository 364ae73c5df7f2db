// The vocabulary of the keyword table. A row says everything the program knows about one keyword; parser,
// TypeScript types, JSON Schema, docs/keywords.md and the dump are computed from rows. Nothing about a keyword
// is written down anywhere else, except rules between keywords.

import type { ErrorClass } from './diagnostic.ts';
import type { Node } from './parser.ts';
import type { ValueType } from './value.ts';

export type Presence = 'required' | 'optional' | 'defaulted';

/** Another spelling of a keyword. Without `message` it is as good as the keyword itself. */
export interface Alias {
  readonly message?: string;
  readonly class?: ErrorClass;
}

export interface Notes<T> {
  /** Label in the data dump, and how the value looks there. */
  readonly label?: string;
  readonly show?: (value: T) => string;
  readonly aliases?: Readonly<Record<string, Alias>>;
  /** The default in words, where it is computed. */
  readonly otherwise?: string;
  /** keepalived's sentence for a value it refuses; %w is the word, %n the name of the block. */
  readonly refusal?: string;
  /** What stands in for a refused value. Absent: the statement is ignored. */
  readonly salvage?: T;
  /** keepalived's sentence for a keyword without its argument, where that does not end the program. */
  readonly bare?: string;
  /** keepalived's sentence when it comes twice and the first one stays; absent: the last one counts. */
  readonly again?: string;
  readonly example?: string;
}

interface Documented {
  readonly doc: string;
}

/** A keyword and words on the same line. */
export interface WordsRow<T, P extends Presence> extends Notes<T>, Documented {
  readonly form: 'words';
  readonly type: ValueType<T>;
  readonly presence: P;
  readonly fallback?: T;
  /** The global_defs keyword that supplies the default. */
  readonly inherits?: string;
}

/** A keyword and `{`, then one entry a line. */
export interface EntriesRow<E> extends Documented {
  readonly form: 'entries';
  readonly entry: ValueType<E>;
  /** The words that an entry may have, for the documentation. */
  readonly grammar?: Block;
  readonly presence: 'defaulted';
  readonly example?: string;
}

/** A keyword and `{`, then statements. */
export interface SectionRow<B extends Block> extends Documented {
  readonly form: 'section';
  /** keepalived's parent reads it, from the file itself; everything else is read from a copy of the file. */
  readonly parent?: true;
  readonly rows: B;
  readonly presence: 'optional';
}

/** A keyword, a unique name and `{`, then statements. */
export interface NamedRow<B extends Block> extends Documented {
  readonly form: 'named';
  /** keepalived's sentence when a name comes twice; %n is the name. */
  readonly again: string;
  readonly rows: B;
  readonly presence: 'defaulted';
}

// T is both read and written, so no narrower erasure accepts every row. The only `any` in src/.
export type AnyRow =
  // biome-ignore lint/suspicious/noExplicitAny: see above
  WordsRow<any, Presence> | EntriesRow<any> | SectionRow<Block> | NamedRow<Block>;
export interface Block {
  readonly [keyword: string]: AnyRow;
}

export type ValueOf<R> =
  R extends WordsRow<infer T, Presence>
    ? T
    : R extends EntriesRow<infer E>
      ? readonly E[]
      : R extends SectionRow<infer B>
        ? Infer<B>
        : R extends NamedRow<infer B>
          ? readonly (Infer<B> & { readonly name: string })[]
          : never;

type OptionalNames<B> = {
  [N in keyof B]: B[N] extends { readonly presence: 'optional' } ? N : never;
}[keyof B];

/** The plain object that a block of configuration becomes. */
export type Infer<B> = {
  readonly [N in Exclude<keyof B, OptionalNames<B>>]: ValueOf<B[N]>;
} & { readonly [N in OptionalNames<B>]?: ValueOf<B[N]> };

/** One line of a value block and where it stands. */
export interface Entry<E> {
  readonly value: E;
  readonly node: Node;
}

/** A statement as read, in the order of the file: rules between keywords work on these. */
export type Statement<B> = {
  [N in keyof B & string]: {
    readonly keyword: N;
    readonly node: Node;
    readonly value: B[N] extends EntriesRow<infer E>
      ? readonly Entry<E>[]
      : B[N] extends SectionRow<infer S>
        ? readonly Statement<S>[]
        : B[N] extends NamedRow<infer S>
          ? readonly Statement<S>[]
          : ValueOf<B[N]>;
  };
}[keyof B & string];

export const required = <T>(
  type: ValueType<T>,
  doc: string,
  notes: Notes<T> = {},
): WordsRow<T, 'required'> => ({ form: 'words', type, presence: 'required', doc, ...notes });

export const optional = <T>(
  type: ValueType<T>,
  doc: string,
  notes: Notes<T> = {},
): WordsRow<T, 'optional'> => ({ form: 'words', type, presence: 'optional', doc, ...notes });

export const defaulted = <T>(
  type: ValueType<T>,
  fallback: T,
  doc: string,
  notes: Notes<T> = {},
): WordsRow<T, 'defaulted'> => ({
  form: 'words',
  type,
  presence: 'defaulted',
  fallback,
  doc,
  ...notes,
});

/** The default is the value of a keyword of global_defs. */
export const inherited = <T>(
  type: ValueType<T>,
  inherits: string,
  doc: string,
  notes: Notes<T> = {},
): WordsRow<T, 'defaulted'> => ({
  form: 'words',
  type,
  presence: 'defaulted',
  inherits,
  doc,
  ...notes,
});

/** A value block that accumulates when repeated. */
export const entries = <E>(
  entry: ValueType<E>,
  doc: string,
  more: { readonly grammar?: Block; readonly example?: string } = {},
): EntriesRow<E> => ({ form: 'entries', entry, presence: 'defaulted', doc, ...more });

export const section = <const B extends Block>(
  rows: B,
  doc: string,
  more: { readonly parent?: true } = {},
): SectionRow<B> => ({ form: 'section', rows, presence: 'optional', doc, ...more });

/** The row of a keyword or of an older spelling of it. */
export function findRow(
  rows: Block,
  keyword: string,
): { readonly name: string; readonly row: AnyRow; readonly alias?: Alias } | undefined {
  if (Object.hasOwn(rows, keyword)) return { name: keyword, row: rows[keyword] as AnyRow };
  for (const [name, row] of Object.entries(rows)) {
    if (row.form !== 'words' || row.aliases === undefined) continue;
    if (Object.hasOwn(row.aliases, keyword)) {
      const alias = row.aliases[keyword];
      return { name, row, ...(alias === undefined ? {} : { alias }) };
    }
  }
  return undefined;
}

export const named = <const B extends Block>(
  rows: B,
  doc: string,
  more: { readonly again: string },
): NamedRow<B> => ({ form: 'named', rows, presence: 'defaulted', doc, ...more });
