// Sets of characters of PCRE2's language, spelled as the inside of a class of JavaScript's: \d \w \s \h \v, [:alpha:],
// and what is the same without regard to case. It reads no pattern.

/** A pattern that is wrong, or that JavaScript cannot express. */
export class PatternError extends Error {}

/** Whose tables say what a letter is: Unicode's under utf or ucp, else those of ASCII. */
export interface Tables {
  readonly utf: boolean;
  readonly ucp: boolean;
}

const VERTICAL = '\\n-\\r\\x85';
const HORIZONTAL = '\\t \\xa0';

const POSIX: Readonly<Record<string, string>> = {
  alpha: 'A-Za-z',
  lower: 'a-z',
  upper: 'A-Z',
  alnum: 'A-Za-z0-9',
  digit: '0-9',
  xdigit: '0-9A-Fa-f',
  space: '\\t-\\r ',
  blank: '\\t ',
  cntrl: '\\x00-\\x1f\\x7f',
  graph: '!-~',
  print: ' -~',
  punct: '!-\\/:-@\\[-`\\{-~',
  word: 'A-Za-z0-9_',
  ascii: '\\x00-\\x7f',
};

function vertical({ utf }: Tables): string {
  return utf ? `${VERTICAL}\\u2028\\u2029` : VERTICAL;
}

function horizontal({ utf }: Tables): string {
  return utf ? `${HORIZONTAL}\\u1680\\u180e\\u2000-\\u200a\\u202f\\u205f\\u3000` : HORIZONTAL;
}

/** What \d, \w and the like stand for, as the inside of a class; undefined where the letter names no set. */
export function setOf(char: string, tables: Tables): string | undefined {
  const { ucp } = tables;
  switch (char) {
    case 'd':
      return ucp ? '\\p{Nd}' : '0-9';
    case 'w':
      return ucp ? '\\p{L}\\p{N}_' : 'A-Za-z0-9_';
    case 's':
      return ucp ? '\\p{Z}\\t-\\r\\x85' : '\\t-\\r ';
    case 'h':
      return horizontal(tables);
    case 'v':
      return vertical(tables);
    case 'D':
    case 'W':
    case 'S':
    case 'H':
    case 'V':
      return complement(setOf(char.toLowerCase(), tables) ?? '');
    default:
      return undefined;
  }
}

/** JavaScript has no set inside of a set, so what is left over is written out. */
function complement(set: string): string {
  const COMPLEMENTS: Readonly<Record<string, string>> = {
    '\\p{Nd}': '\\P{Nd}',
    '0-9': '\\x00-\\/:-\\u{10ffff}',
    'A-Za-z0-9_': '\\x00-\\/:-@\\[-\\^`\\{-\\u{10ffff}',
    '\\t-\\r ': '\\x00-\\x08\\x0e-\\x1f!-\\u{10ffff}',
    [VERTICAL]: '\\x00-\\t\\x0e-\\x84\\x86-\\u{10ffff}',
    [HORIZONTAL]: '\\x00-\\x08\\n-\\x1f!-\\x9f\\xa1-\\u{10ffff}',
  };
  const found = COMPLEMENTS[set];
  if (found === undefined)
    throw new PatternError('a set left out under utf or ucp has no counterpart');
  return found;
}

/** The class of the name, as in [:name:]; undefined where there is none. */
export function posixOf(
  name: string,
  negated: boolean,
  caseless: boolean,
  { ucp }: Tables,
): string | undefined {
  const set = POSIX[caseless && (name === 'lower' || name === 'upper') ? 'alpha' : name];
  if (set === undefined) return undefined;
  if (ucp && !['ascii', 'xdigit', 'cntrl'].includes(name))
    throw new PatternError(`[:${name}:] under ucp has no counterpart`);
  return negated ? outside(set) : set;
}

/** Every character that the set leaves out. */
function outside(set: string): string {
  const inside = new RegExp(`[${set}]`, 'u');
  const parts: string[] = [];
  for (let code = 0; code < 128; code++)
    if (!inside.test(String.fromCharCode(code))) parts.push(spell(String.fromCharCode(code)));
  return `${parts.join('')}\\x80-\\u{10ffff}`;
}

/** A character and those that are the same without regard to case: by ASCII, or by Unicode under utf or ucp. */
export function casesOf(char: string, { utf, ucp }: Tables): string[] {
  if (!utf && !ucp)
    return /[a-zA-Z]/.test(char) ? [char.toLowerCase(), char.toUpperCase()] : [char];
  const highest = utf ? 0x10ffff : 0xff;
  const found = new Set([char]);
  for (const other of [
    char.toLowerCase(),
    char.toUpperCase(),
    ...(SPECIAL[char.toLowerCase()] ?? []),
  ])
    if ([...other].length === 1 && (other.codePointAt(0) ?? 0) <= highest) found.add(other);
  return [...found];
}

/** Unicode has three characters that fold to a letter of ASCII or Latin-1 from outside of it. */
const SPECIAL: Readonly<Record<string, readonly string[]>> = {
  k: ['\u212a'],
  s: ['\u017f'],
  å: ['\u212b'],
};

/** A character as it is written anywhere in a pattern. */
export function spell(char: string): string {
  if (/^[a-zA-Z0-9_ ]$/.test(char)) return char;
  const code = char.codePointAt(0) ?? 0;
  return code < 256 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
}
