// A piece of a line that still knows where each of its characters stood, so that a caret can point into the
// file after comments and conditions were cut off and parameters were put in.

export interface Text {
  readonly text: string;
  /** Column of the first character, from 1. */
  readonly column: number;
  /** Column of every character, where they do not simply follow each other. */
  readonly columns?: readonly number[];
}

/** `column` is where its first character stands. */
export const textOf = (text: string, column = 1): Text => ({ text, column });

/** Text from elsewhere that stands for what is at `column`. */
export const pinnedText = (text: string, column: number): Text => ({
  text,
  column,
  columns: new Array<number>(text.length).fill(column),
});

/** space, tab, CR, LF, FF and VT separate words; other Unicode blanks do not. */
export const isBlank = (c: string | undefined): boolean =>
  c === ' ' || c === '\t' || c === '\r' || c === '\n' || c === '\f' || c === '\v';

/** Column of the character at `index`; past the end, the column after the last one. */
export function columnAt({ text, column, columns }: Text, index: number): number {
  if (columns === undefined) return column + index;
  return columns[index] ?? (columns[text.length - 1] ?? column - 1) + 1;
}

export function sliceText(t: Text, from: number, to: number = t.text.length): Text {
  if (from === 0 && to === t.text.length) return t;
  const piece = { text: t.text.slice(from, to), column: columnAt(t, from) };
  return t.columns === undefined ? piece : { ...piece, columns: t.columns.slice(from, to) };
}

/** Without blanks at both ends. */
export function trimText(t: Text): Text {
  let from = 0;
  let to = t.text.length;
  while (from < to && isBlank(t.text[from])) from++;
  while (to > from && isBlank(t.text[to - 1])) to--;
  return sliceText(t, from, to);
}

/** What comes in stands where the replaced text began. */
export function replaceText(t: Text, from: number, to: number, by: string): Text {
  const column = columnAt(t, from);
  const columns = t.columns ?? Array.from({ length: t.text.length }, (_, i) => t.column + i);
  return {
    text: t.text.slice(0, from) + by + t.text.slice(to),
    column: from === 0 ? column : t.column,
    columns: [
      ...columns.slice(0, from),
      ...new Array<number>(by.length).fill(column),
      ...columns.slice(to),
    ],
  };
}

/**
 * Cuts at `#` or `!` outside double quotes. A backslash before them keeps them and goes away itself, but
 * keepalived's children read the copy without the backslash and see a comment there: `cut` is that index.
 */
export function removeComment(t: Text): { readonly text: Text; readonly cut?: number } {
  if (!/[#!]/.test(t.text)) return { text: t };
  let quoted = false;
  let text = t;
  let cut: number | undefined;
  for (let i = 0; i < text.text.length; i++) {
    const c = text.text[i];
    if (c === '"') quoted = !quoted;
    else if (!quoted && (c === '#' || c === '!')) {
      if (i === 0 || text.text[i - 1] !== '\\') {
        text = sliceText(text, 0, i);
        break;
      }
      text = replaceText(text, i - 1, i, '');
      i--;
      cut ??= i;
    }
  }
  return cut === undefined ? { text } : { text, cut };
}

export interface Word {
  readonly text: string;
  /** From 1. */
  readonly column: number;
}

/** Words at blanks; `"a b"` is one word, and a quote inside a word begins another one. */
export function splitWords(t: Text): {
  readonly words: readonly Word[];
  /** Column of a quote that has no end; the words from there on are lost. */
  readonly unterminated?: number;
} {
  const words: Word[] = [];
  const { text } = t;
  let i = 0;
  while (i < text.length) {
    const c = text[i];
    if (isBlank(c)) i++;
    else if (c === '"') {
      const end = text.indexOf('"', i + 1);
      if (end < 0) return { words, unterminated: columnAt(t, i) };
      words.push({ text: text.slice(i + 1, end), column: columnAt(t, i) });
      i = end + 1;
    } else {
      const from = i;
      while (i < text.length && !isBlank(text[i]) && text[i] !== '"') i++;
      words.push({ text: text.slice(from, i), column: columnAt(t, from) });
    }
  }
  return { words };
}

/** Of UTF-8: what keepalived counts where it limits the length of a name. */
export const byteLength = (text: string): number =>
  /[^\0-\x7f]/.test(text) ? new TextEncoder().encode(text).length : text.length;

/** The shortest beginning that has that many bytes; the last character is not torn. */
export function cutAtBytes(text: string, bytes: number): string {
  let kept = '';
  for (const character of text) {
    if (byteLength(kept) >= bytes) break;
    kept += character;
  }
  return kept;
}

/** As many bytes keepalived takes for a line: what is longer goes on as if there were a line break. */
export const LONGEST_LINE = 1023;

/** Where the part of a line that begins at `from` ends: no character is torn. */
export function endOfPart(text: string, from: number): number {
  // A character of a string is at most three bytes of UTF-8; two that are a pair are four.
  if (3 * (text.length - from) <= LONGEST_LINE) return text.length;
  let bytes = 0;
  for (let at = from; at < text.length; ) {
    const code = text.codePointAt(at) as number;
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    if (bytes > LONGEST_LINE) return at;
    at += code < 0x10000 ? 1 : 2;
  }
  return text.length;
}
