// `$NAME`, `${NAME}` and the built-in names: what a line becomes when they are replaced.

import { columnAt, isBlank, pinnedText, replaceText, type Text } from './text.ts';

/** The lines of a definition; most have one. */
export type Definition = readonly string[];

export interface Parameters {
  readonly defined: ReadonlyMap<string, Definition>;
  /** The text of a name that begins with `_`, or undefined; `words` stand after the name inside the braces. */
  readonly builtIn: (name: string, words: readonly string[]) => string | undefined;
}

export interface Expanded {
  /** The line, and further lines where a definition of several lines ended it. */
  readonly lines: readonly Text[];
  /** How many characters were moved about: little text can ask for much. */
  readonly work: number;
  readonly problem?: { readonly id: string; readonly message: string };
}

/** keepalived cuts at its line length; nothing sensible comes near. */
const LONGEST = 65536;
const DEEPEST = 100;
const MOST_REPLACEMENTS = 10_000;

interface Reference {
  readonly name: string;
  readonly words: readonly string[];
  readonly from: number;
  readonly to: number;
}

/**
 * Replaces every parameter of the line, and those in what came in. A definition that needs itself, or that
 * grows without end, is left as it stands and reported.
 */
export function expand(given: Text, parameters: Parameters): Expanded {
  let line = given;
  let from = 0;
  let work = given.text.length;
  let further: readonly Text[] = [];
  // Where the text that a parameter brought in ends, counted from the end of the line.
  const inside: { readonly name: string; readonly rest: number }[] = [];
  for (let replacements = 0; ; replacements++) {
    const reference = nextReference(line.text, from);
    if (reference === undefined) return { lines: [line, ...further], work };
    const rest = line.text.length - reference.to;
    while ((inside.at(-1)?.rest ?? -1) > rest) inside.pop();
    const found = lookUp(reference, parameters);
    if (found === undefined) {
      from = reference.from + 1;
      continue;
    }
    if (inside.some((open) => open.name === reference.name) || inside.length > DEEPEST) {
      return {
        lines: [line],
        work,
        problem: {
          id: 'parameter-cycle',
          message: `parameter '$${reference.name}' is defined by itself`,
        },
      };
    }
    const [first = '', ...more] = found;
    if (more.length > 0) {
      // Several lines fit only at the end of a line.
      if (rest > 0) {
        from = reference.from + 1;
        continue;
      }
      line = replaceText(line, reference.from, reference.to, first);
      const column = columnAt(line, reference.from);
      further = [...more.map((l) => pinnedText(l, column)), ...further];
    } else line = replaceText(line, reference.from, reference.to, first);
    inside.push({ name: reference.name, rest });
    from = reference.from;
    work += line.text.length + further.length;
    if (line.text.length > LONGEST || replacements > MOST_REPLACEMENTS) {
      return {
        lines: [line],
        work,
        problem: {
          id: 'parameter-too-long',
          message: `parameter '$${reference.name}' grows without end`,
        },
      };
    }
  }
}

function lookUp(reference: Reference, parameters: Parameters): Definition | undefined {
  const defined = parameters.defined.get(reference.name);
  if (defined !== undefined) return defined;
  if (!reference.name.startsWith('_')) return undefined;
  const text = parameters.builtIn(reference.name, reference.words);
  return text === undefined ? undefined : [text];
}

function nextReference(text: string, start: number): Reference | undefined {
  for (let from = text.indexOf('$', start); from >= 0; from = text.indexOf('$', from + 1)) {
    const reference = text[from + 1] === '{' ? braced(text, from) : bare(text, from);
    if (reference !== undefined) return reference;
  }
  return undefined;
}

function braced(text: string, from: number): Reference | undefined {
  const close = text.indexOf('}', from);
  if (close < 0) return undefined;
  const [name = '', ...words] = text.slice(from + 2, close).split(/[ \t\r\f\v]+/);
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return undefined;
  if (words.length > 0 && !name.startsWith('_')) return undefined;
  return { name, words, from, to: close + 1 };
}

function bare(text: string, from: number): Reference | undefined {
  const name = /^[A-Za-z_][A-Za-z0-9_]*/.exec(text.slice(from + 1, from + 1025))?.[0];
  if (name === undefined) return undefined;
  const to = from + 1 + name.length;
  const after = text[to];
  if (after !== undefined && !isBlank(after) && after !== ',' && after !== ')') return undefined;
  return { name, words: [], from, to };
}
