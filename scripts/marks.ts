// Parts of a document that programs write, each between two comments.

export interface Marks {
  readonly begin: string;
  readonly end: string;
}

/** The part: its marks, and the lines between them with an empty one before and behind. */
export const marked = ({ begin, end }: Marks, lines: readonly string[]): string =>
  [begin, '', ...lines, '', end].join('\n');

/** The document with the part between these marks, and the marks, replaced. Throws where it has lost them. */
export function withPart(document: string, { begin, end }: Marks, part: string): string {
  const from = document.indexOf(begin);
  const to = document.indexOf(end);
  if (from < 0 || to < from) throw new Error(`the document has lost its marks: ${begin}`);
  return document.slice(0, from) + part + document.slice(to + end.length);
}
