// `~SEQ(...)` and `~LST(...)`: a line repeated with a parameter set to one value after the other.

import { cNumber } from './process.ts';
import { sliceText, type Text, trimText } from './text.ts';

export type Round = readonly (readonly [name: string, value: string])[];

export type Unrolled =
  | { readonly rounds: Iterable<Round>; readonly rest: Text }
  | { readonly error: string };

/** Whatever begins like one; no keyword does. */
export const isSequence = (text: string): boolean => /^~(SEQ|LST)/.test(text);

/** `replace` puts parameters into the list between the parentheses. */
export function unroll(line: Text, replace: (text: Text) => Text): Unrolled {
  const kind = /^~(SEQx?|LST)[ \t]*\(/.exec(line.text)?.[1];
  if (kind === undefined)
    return {
      error: `Invalid ${line.text.slice(0, 4)} specification '${line.text}': ~SEQ(, ~SEQx( or ~LST( is meant`,
    };
  const open = line.text.indexOf('(');
  const close = line.text.indexOf(')', open);
  if (close < 0)
    return { error: `Invalid ~${kind} specification '${line.text}': no closing parenthesis` };
  const inside = sliceText(line, open + 1, close);
  // A parameter in a list of values stays one value: it is replaced where the value is used.
  const list = kind === 'LST' ? inside.text : replace(inside).text;
  const rest = trimText(sliceText(line, close + 1));
  const rounds = kind === 'LST' ? lists(list) : numbers(list, kind === 'SEQx');
  return typeof rounds === 'string'
    ? { error: `Invalid ~${kind} specification '${line.text}': ${rounds}` }
    : { rounds, rest };
}

function numbers(list: string, hexadecimal: boolean): Iterable<Round> | string {
  const [name = '', ...texts] = list.split(',').map((part) => part.trim());
  const bad = `~SEQ${hexadecimal ? 'x' : ''}(${list}) is not valid`;
  if (name === '' || texts.length < 1 || texts.length > 3) return bad;
  const values = texts.map(signed);
  if (values.some((value) => value === undefined)) return bad;
  const given = values as number[];
  const end = given.at(-1) as number;
  const start = given.length === 1 ? (end < 0 ? -1 : 1) : (given[0] as number);
  const step = given.length === 3 ? (given[1] as number) : end < start ? -1 : 1;
  if (step === 0) return `${bad}: the step is 0`;
  if (step > 0 ? start > end : start < end) return `${bad}: the step leads away from the end`;
  if (hexadecimal && (start < 0 || end < 0)) return `${bad}: no negative hexadecimal values`;
  return count(name, start, step, end, hexadecimal ? 16 : 10);
}

function* count(
  name: string,
  start: number,
  step: number,
  end: number,
  base: number,
): Generator<Round> {
  for (let value = start; step > 0 ? value <= end : value >= end; value += step)
    yield [[name, value.toString(base)]];
}

/** C notation with a sign, within 32 bits. */
function signed(text: string): number | undefined {
  const value = cNumber(text.replace(/^[+-]/, ''));
  if (value === undefined || value > 0x7fffffff) return undefined;
  return text.startsWith('-') ? -value : value;
}

function lists(list: string): Round[] | string {
  const parts = splitOutsideBraces(list);
  if (parts.length < 2 || !parts.every(isValueOrValues)) return `~LST(${list}) is not valid`;
  const names = valuesOf(parts[0] as string);
  if (parts.some((part) => /\s/.test(part))) return `~LST(${list}): values hold no blanks`;
  const rounds: Round[] = [];
  for (const part of parts.slice(1)) {
    const values = valuesOf(part);
    if (values.length > names.length) return `~LST(${list}) has more values than names`;
    rounds.push(names.map((name, index) => [name, values[index] ?? ''] as const));
  }
  return rounds;
}

const isValueOrValues = (part: string): boolean => /^(\{[^{}]*\}|[^{}]*)$/.test(part);

const valuesOf = (part: string): string[] =>
  part
    .replace(/^\{(.*)\}$/s, '$1')
    .split(',')
    .map((value) => value.trim());

function splitOutsideBraces(list: string): string[] {
  const parts = [''];
  let depth = 0;
  for (const c of list) {
    if (c === '{') depth++;
    if (c === '}') depth--;
    if (c === ',' && depth <= 0) parts.push('');
    else parts[parts.length - 1] += c;
  }
  return parts.map((part) => part.trim());
}
