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

/** What holds for a row of any form. */
interface Standing {
  /** Read, checked and dumped, and nothing more yet: docs/keywords.md and the log say so. */
  readonly effect?: 'later';
  /** Unknown to keepalived 2.2.7. */
  readonly since?: '2.4.3';
}

export type Aliases = Readonly<Record<string, Alias>>;

export interface Notes<T> extends Standing {
  /** Label in the data dump, and how the value looks there. */
  readonly label?: string;
  readonly show?: (value: T) => string;
  readonly aliases?: Aliases;
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
  /** Where it is refused, keepalived reads nothing more of the block. */
  readonly endsBlock?: true;
  /** keepalived's sentence when it comes twice and the last one counts. */
  readonly replaced?: string;
  /** What may stand behind the keyword; of a word of an entry, a whole entry. */
  readonly example?: string;
}

interface Documented extends Standing {
  readonly doc: string;
  readonly aliases?: Aliases;
}

/** What a block may look like. All examples of the table together are one configuration. */
export interface BlockExample {
  /** What stands between the keyword and the brace. */
  readonly title?: string;
  readonly lines: readonly string[];
  /** Blocks inside, which have examples of their own. */
  readonly blocks?: readonly string[];
}

interface Exemplary {
  readonly example: BlockExample;
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
  /** A name stands before the brace; without it keepalived ends. */
  readonly named?: true;
  /** Any number of entries on a line, each a word. */
  readonly several?: true;
  /** keepalived's sentence for a block with nothing in it; %n is the block around. */
  readonly empty?: string;
  /** keepalived's sentence when it comes twice and the first one stays. */
  readonly again?: string;
  readonly presence: 'defaulted';
  readonly example: string;
}

/** A keyword and `{`, then statements. */
export interface SectionRow<B extends Block> extends Documented, Exemplary {
  readonly form: 'section';
  /** keepalived's parent reads it, from the file itself; everything else is read from a copy of the file. */
  readonly parent?: true;
  readonly rows: B;
  readonly presence: 'optional';
}

/** A keyword, a name and `{`, then statements. */
export interface NamedRow<B extends Block> extends Documented, Exemplary {
  readonly form: 'named';
  /** keepalived's sentence when a name comes twice; %n is the name. Absent: the first one counts, silently. */
  readonly again?: string;
  /** Without a name keepalived ends, and words after the name are ignored. */
  readonly must?: true;
  readonly rows: B;
  readonly presence: 'defaulted';
}

/** A keyword and `{`, then statements, any number of times; `heading` is what stands between the two. */
export interface BlocksRow<B extends Block, H> extends Documented, Exemplary {
  readonly form: 'blocks';
  readonly heading?: ValueType<H>;
  readonly rows: B;
  readonly presence: 'defaulted';
}

// T is both read and written, so no narrower erasure accepts every row. The only `any` in src/.
// biome-ignore lint/suspicious/noExplicitAny: see above
type Any = any;
export type AnyRow =
  | WordsRow<Any, Presence>
  | EntriesRow<Any>
  | SectionRow<Block>
  | NamedRow<Block>
  | BlocksRow<Block, Any>;
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
          : R extends BlocksRow<infer B, infer H>
            ? readonly (Infer<B> & { readonly heading: H })[]
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
          : B[N] extends BlocksRow<infer S, infer H>
            ? { readonly heading: H; readonly statements: readonly Statement<S>[] }
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
  more: Omit<EntriesRow<E>, 'form' | 'entry' | 'presence' | 'doc'>,
): EntriesRow<E> => ({ form: 'entries', entry, presence: 'defaulted', doc, ...more });

export const section = <const B extends Block>(
  rows: B,
  doc: string,
  more: Standing & Exemplary & { readonly parent?: true; readonly aliases?: Aliases },
): SectionRow<B> => ({ form: 'section', rows, presence: 'optional', doc, ...more });

/** Keywords of versions before 1.0 that documents still have, and what to write; keepalived 2.2.7 knows none of them. */
export const OBSOLETE: Readonly<Record<string, string>> = {
  lvs_id: "use 'router_id'",
  nat_mask: 'leave it out: IPVS needs no mask',
};

export interface FoundRow {
  readonly name: string;
  readonly row: AnyRow;
  readonly alias?: Alias;
}

/** A file of 100,000 lines asks once a line: every spelling of a block is looked up in one step. */
const spellings = new WeakMap<Block, ReadonlyMap<string, FoundRow>>();

function spellingsOf(rows: Block): ReadonlyMap<string, FoundRow> {
  const known = spellings.get(rows);
  if (known !== undefined) return known;
  const found = new Map<string, FoundRow>();
  for (const [name, row] of Object.entries(rows)) {
    for (const [spelling, alias] of Object.entries(row.aliases ?? {}))
      found.set(spelling, { name, row, alias });
  }
  for (const [name, row] of Object.entries(rows)) found.set(name, { name, row });
  spellings.set(rows, found);
  return found;
}

/** The row of a keyword or of an older spelling of it. */
export const findRow = (rows: Block, keyword: string): FoundRow | undefined =>
  spellingsOf(rows).get(keyword);

export const named = <const B extends Block>(
  rows: B,
  doc: string,
  more: Standing &
    Exemplary & {
      readonly again?: string;
      readonly must?: true;
      readonly aliases?: Aliases;
    },
): NamedRow<B> => ({ form: 'named', rows, presence: 'defaulted', doc, ...more });

/** Blocks that may come any number of times and have no name. */
export const blocks = <const B extends Block>(
  rows: B,
  doc: string,
  more: Standing & Exemplary,
): BlocksRow<B, undefined> => ({ form: 'blocks', rows, presence: 'defaulted', doc, ...more });

/** Blocks whose heading is more than a name. */
export const headed = <const B extends Block, H>(
  heading: ValueType<H>,
  rows: B,
  doc: string,
  more: Standing & Exemplary,
): BlocksRow<B, H> => ({ form: 'blocks', heading, rows, presence: 'defaulted', doc, ...more });

/** The rows, every one of them said to be without effect yet. */
export const later = <const B extends Block>(rows: B): B =>
  Object.fromEntries(
    Object.entries(rows).map(([keyword, row]) => [keyword, { ...row, effect: 'later' }]),
  ) as unknown as B;
