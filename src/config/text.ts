// A piece of a line that still knows where each of its characters stood, so that a caret can point into the
// file after conditions were cut off and parameters were put in.

/** The words of keepalived: space, tab, CR, FF and VT separate. (trim() also takes NBSP, so it is not used.) */
export const BLANK = /[ \t\r\n\f\v]/;

export interface Text {
  readonly text: string;
  /** Column of the first character of an untouched piece, or of every character. Columns count from 1. */
  readonly at: number | readonly number[];
}

export const plain = (text: string): Text => ({ text, at: 1 });

/** Column of the character at `index`; past the end, the column after the last one. */
export function columnAt({ text, at }: Text, index: number): number {
  if (typeof at === 'number') return at + index;
  return at[index] ?? (at[text.length - 1] ?? 0) + 1;
}

export const slice = ({ text, at }: Text, start: number, end: number = text.length): Text => ({
  text: text.slice(start, end),
  at: typeof at === 'number' ? at + start : at.slice(start, end),
});

export function trimStart(piece: Text): Text {
  const blank = /^[ \t\r\n\f\v]*/.exec(piece.text)?.[0].length ?? 0;
  return blank === 0 ? piece : slice(piece, blank);
}

export function trimEnd(piece: Text): Text {
  let end = piece.text.length;
  while (end > 0 && BLANK.test(piece.text[end - 1] as string)) end--;
  return slice(piece, 0, end);
}

/** Pieces one after the other. */
export function join(pieces: readonly Text[]): Text {
  if (pieces.length === 1) return pieces[0] as Text;
  return {
    text: pieces.map((piece) => piece.text).join(''),
    at: pieces.flatMap((piece) =>
      Array.from({ length: piece.text.length }, (_, i) => columnAt(piece, i)),
    ),
  };
}

/** Text that comes from elsewhere and stands for what is at `column`. */
export const pinned = (text: string, column: number): Text => ({
  text,
  at: new Array<number>(text.length).fill(column),
});

/**
 * Where a comment begins, or -1. `#` and `!` are plain between double quotes. A backslash before them does not
 * save the line: keepalived's children read it a second time without the backslash.
 */
export function commentAt(text: string): { readonly at: number; readonly escaped: boolean } {
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (c === '"') quoted = !quoted;
    else if (!quoted && (c === '#' || c === '!')) {
      const escaped = i > 0 && text[i - 1] === '\\';
      return { at: escaped ? i - 1 : i, escaped };
    }
  }
  return { at: -1, escaped: false };
}
