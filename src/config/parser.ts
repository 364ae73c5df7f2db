// Lines -> a tree of statements, guided by the keyword table's shapes. It looks at keywords, names and braces;
// what the words of a statement mean is build.ts's business.

/** Where a statement stands. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly source: string;
}

export interface Word {
  readonly text: string;
  /** From 1. */
  readonly column: number;
}

export interface Node {
  readonly keyword: string;
  readonly words: readonly Word[];
  /** The text after the keyword with its quotes. */
  readonly raw: string;
  readonly place: Place;
  readonly children?: readonly Node[];
  /** The closing brace. */
  readonly closing?: Place;
}
