// Translates a pattern in the language of PCRE2 into one of JavaScript's that matches the same bytes. What has no exact
// counterpart (back references, recursion, conditions, verbs) is refused with a reason and never approximated.
//
// Only whether something matches, and where the first match begins, is ever asked of a pattern. So groups capture
// nothing here, names do not matter, and greed decides only inside of atomic groups. Every switch (case, dot, lines,
// layout) is worked into the pattern: the result needs the flags g and u and no other.

import { casesOf, PatternError, posixOf, setOf, spell, type Tables } from './charset.ts';

export interface Pattern {
  readonly source: string;
  readonly flags: 'gu';
  /** The subject is text in UTF-8, and one that is not is no match; else each byte is one character (ISO 8859-1). */
  readonly utf: boolean;
  /** A match begins in the first line of what is searched. */
  readonly firstline: boolean;
}

/** Options that say how a search is made, or forbid what is refused here anyway. */
const WITHOUT_EFFECT: ReadonlySet<string> = new Set([
  'alt_verbnames',
  'auto_callout',
  'dupnames',
  'match_unset_backref',
  'never_backslash_c',
  'never_ucp',
  'never_utf',
  'no_auto_capture',
  'no_auto_possess',
  'no_dotstar_anchor',
  'no_start_optimize',
  'use_offset_limit',
]);

/** Throws a PatternError where the pattern is wrong or has no counterpart. `options` are regex_options; unknown ones say nothing. */
export function translatePattern(pattern: string, options: readonly string[]): Pattern {
  const has = (option: string): boolean => options.includes(option) && !WITHOUT_EFFECT.has(option);
  const utf = has('utf');
  const reader = new Reader(utf ? pattern : bytesOf(pattern), {
    utf,
    ucp: has('ucp'),
    ungreedy: has('ungreedy'),
    dollarEndOnly: has('dollar_endonly'),
    allowEmptyClass: has('allow_empty_class'),
    altBsux: has('alt_bsux'),
    altCircumflex: has('alt_circumflex'),
  });
  const source = reader.readAll({
    caseless: has('caseless'),
    dotall: has('dotall'),
    multiline: has('multiline'),
    extended: has('extended'),
  });
  const result: Pattern = { source, flags: 'gu', utf, firstline: has('firstline') };
  try {
    new RegExp(source, result.flags);
  } catch (error) {
    throw new PatternError((error as Error).message.replace(/^.*: /, ''));
  }
  return result;
}

/** Without utf a pattern is the bytes of its text, as the subject is. */
const bytesOf = (text: string): string => String.fromCharCode(...new TextEncoder().encode(text));

/** What holds for the whole pattern. */
interface Manner extends Tables {
  readonly ungreedy: boolean;
  readonly dollarEndOnly: boolean;
  readonly allowEmptyClass: boolean;
  readonly altBsux: boolean;
  readonly altCircumflex: boolean;
}

/** What a group can switch, from where it stands to its end. */
interface Mode {
  readonly caseless: boolean;
  readonly dotall: boolean;
  readonly multiline: boolean;
  readonly extended: boolean;
  readonly ungreedy?: boolean;
}

const SUBJECT_START = '(?<![\\s\\S])';
const SUBJECT_END = '(?![\\s\\S])';
const NEWLINE = '\\n';
const MODES: Readonly<Record<string, keyof Mode>> = {
  i: 'caseless',
  s: 'dotall',
  m: 'multiline',
  x: 'extended',
  U: 'ungreedy',
};

class Reader {
  readonly #text: string;
  readonly #manner: Manner;
  #at = 0;
  #atomics = 0;

  constructor(text: string, manner: Manner) {
    this.#text = text;
    this.#manner = manner;
  }

  readAll(mode: Mode): string {
    const source = this.#alternatives(mode);
    if (this.#at < this.#text.length) throw new PatternError('unmatched closing parenthesis');
    return source;
  }

  /** Up to a closing parenthesis or the end. A switch inside lasts to the end of the group, alternatives included. */
  #alternatives(outer: Mode): string {
    let mode = outer;
    let source = '';
    while (this.#at < this.#text.length && this.#peek() !== ')') {
      if (this.#take('|')) {
        source += '|';
        continue;
      }
      if (mode.extended && this.#skipLayout()) continue;
      const switched = this.#switch(mode);
      if (switched !== undefined) {
        mode = switched;
        continue;
      }
      source += this.#quantified(this.#item(mode), mode);
    }
    return source;
  }

  /** `(?i)` and the like, without a colon. */
  #switch(mode: Mode): Mode | undefined {
    const match = /^\(\?(\^)?([a-zA-Z]*)(?:-([a-zA-Z]*))?\)/.exec(this.#rest());
    const [whole = '', reset, on = '', off = ''] = match ?? [];
    if (match === null || on === 'R') return undefined;
    this.#at += whole.length;
    return this.#switched(mode, reset !== undefined, on, off);
  }

  #switched(mode: Mode, reset: boolean, on: string, off: string): Mode {
    const next: Record<string, boolean | undefined> = reset
      ? { ...mode, caseless: false, dotall: false, multiline: false, extended: false }
      : { ...mode };
    for (const [letters, value] of [
      [on, true],
      [off, false],
    ] as const)
      for (const letter of letters) {
        // Names of groups do not matter here, and what (?n) asks for is always so.
        if (letter === 'J' || letter === 'n') continue;
        const name = MODES[letter];
        if (name === undefined) throw new PatternError(`unknown switch (?${letter})`);
        if (letter === 'x' && letters.includes('xx'))
          throw new PatternError('layout inside of classes (?xx) has no counterpart');
        next[name] = value;
      }
    return next as unknown as Mode;
  }

  /** One thing that may be repeated, as one thing. */
  #item(mode: Mode): string {
    const char = this.#next();
    switch (char) {
      case '(':
        return this.#group(mode);
      case '[':
        return this.#class(mode);
      case '.':
        return mode.dotall ? '[\\s\\S]' : '[^\\n]';
      case '^':
        if (!mode.multiline) return SUBJECT_START;
        // After a newline that ends the subject no line begins, unless alt_circumflex says so.
        return this.#manner.altCircumflex
          ? `(?:${SUBJECT_START}|(?<=${NEWLINE}))`
          : `(?:${SUBJECT_START}|(?<=${NEWLINE})(?=[\\s\\S]))`;
      case '$':
        if (mode.multiline) return `(?=${NEWLINE}|${SUBJECT_END})`;
        return this.#manner.dollarEndOnly ? SUBJECT_END : `(?=${NEWLINE}?${SUBJECT_END})`;
      case '\\':
        return this.#escape(mode);
      default:
        if ('*+?'.includes(char)) throw new PatternError(`nothing to repeat before ${char}`);
        return this.#literal(char, mode);
    }
  }

  #quantified(item: string, mode: Mode): string {
    let source = item;
    for (;;) {
      if (mode.extended) while (this.#skipLayout());
      const [quantifier] = /^(?:[*+?]|\{\d+(?:,\d*)?\})/.exec(this.#rest()) ?? [];
      if (quantifier === undefined) return source;
      this.#at += quantifier.length;
      const lazy = mode.ungreedy ?? this.#manner.ungreedy;
      if (this.#take('+')) {
        source = this.#atomic(`(?:${source})${quantifier}`);
        continue;
      }
      const reversed = this.#take('?');
      source = `(?:${source})${quantifier}${lazy !== reversed ? '?' : ''}`;
    }
  }

  /** What is matched first stays: a look-ahead is never entered again. */
  #atomic(source: string): string {
    const name = `a${this.#atomics++}`;
    return `(?:(?=(?<${name}>${source}))\\k<${name}>)`;
  }

  #group(mode: Mode): string {
    const rest = this.#rest();
    if (rest.startsWith('*')) {
      const [whole, word = ''] =
        /^\*(pla|positive_lookahead|nla|negative_lookahead|plb|positive_lookbehind|nlb|negative_lookbehind|atomic):/.exec(
          rest,
        ) ?? [];
      if (whole === undefined) throw new PatternError('verbs (*...) have no counterpart');
      this.#at += whole.length;
      if (word === 'atomic') return this.#atomic(this.#inside(mode));
      const behind = word.endsWith('b') || word.endsWith('behind') ? '<' : '';
      const sign = word.startsWith('p') ? '=' : '!';
      return `(?${behind}${sign}${this.#inside(mode)})`;
    }
    if (!rest.startsWith('?')) return `(?:${this.#inside(mode)})`;
    const [opening] =
      /^\?(?:#[^)]*\)|[:|>=!]|<[=!]|P?<\w+>|'\w+'|C[^)]*\)|\^?[a-zA-Z]*(?:-[a-zA-Z]*)?:)/.exec(
        rest,
      ) ?? [];
    if (opening === undefined)
      throw new PatternError(`(${rest.slice(0, 4)} has no counterpart (recursion or condition)`);
    this.#at += opening.length;
    if (/^\?[#C]/.test(opening)) return '(?:)';
    if (opening === '?>') return this.#atomic(this.#inside(mode));
    if (['?=', '?!', '?<=', '?<!'].includes(opening)) return `(${opening}${this.#inside(mode)})`;
    const [, reset, on = '', off = ''] =
      /^\?(\^)?([a-zA-Z]*)(?:-([a-zA-Z]*))?:$/.exec(opening) ?? [];
    const inner = opening.endsWith(':') ? this.#switched(mode, reset !== undefined, on, off) : mode;
    return `(?:${this.#inside(inner)})`;
  }

  #inside(mode: Mode): string {
    const source = this.#alternatives(mode);
    if (!this.#take(')')) throw new PatternError('missing closing parenthesis');
    return source;
  }

  #escape(mode: Mode): string {
    const char = this.#next('\\ at the end of the pattern');
    switch (char) {
      case 'A':
        return SUBJECT_START;
      case 'z':
        return SUBJECT_END;
      case 'Z':
        return `(?=${NEWLINE}?${SUBJECT_END})`;
      case 'b':
      case 'B':
        return this.#boundary(char);
      case 'N':
        if (this.#peek() === '{') throw new PatternError('\\N{...} has no counterpart');
        return '[^\\n]';
      case 'R':
        return `(?:\\r\\n|(?!\\r\\n)[${setOf('v', this.#manner)}])`;
      case 'Q':
        return this.#quoted(mode);
      case 'E':
        return '(?:)';
      case 'C':
      case 'G':
      case 'K':
      case 'X':
        throw new PatternError(`\\${char} has no counterpart`);
      case 'g':
      case 'k':
        throw new PatternError('back references have no counterpart');
    }
    const set = 'pP'.includes(char) ? this.#property(char, mode) : setOf(char, this.#manner);
    if (set !== undefined) return `[${set}]`;
    if (/[1-9]/.test(char)) return this.#literal(this.#octal(), mode);
    return this.#literal(this.#character(char), mode);
  }

  /** Everything up to \E or the end stands for itself. */
  #quoted(mode: Mode): string {
    const end = this.#text.indexOf('\\E', this.#at);
    const text = this.#text.slice(this.#at, end < 0 ? undefined : end);
    this.#at = end < 0 ? this.#text.length : end + 2;
    const chars = [...text];
    const last = chars.pop();
    if (last === undefined) return '(?:)';
    // A quantifier that follows is for the last character only.
    const before = chars.map((char) => this.#literal(char, mode)).join('');
    return before + this.#quantified(this.#literal(last, mode), mode);
  }

  #boundary(char: 'b' | 'B'): string {
    if (!this.#manner.ucp) return `\\${char}`;
    const word = `[${setOf('w', this.#manner)}]`;
    return char === 'b'
      ? `(?:(?<=${word})(?!${word})|(?<!${word})(?=${word}))`
      : `(?:(?<=${word})(?=${word})|(?<!${word})(?!${word}))`;
  }

  #property(char: string, mode: Mode): string {
    const [whole = '', braced, single] = /^(?:\{(\^?[\w& ]+)\}|([A-Z]))/.exec(this.#rest()) ?? [];
    if (whole === '') throw new PatternError(`\\${char} needs a property`);
    this.#at += whole.length;
    const given = (braced ?? single ?? '').replace(/ /g, '');
    const name = given.replace('^', '');
    const letter = given.startsWith('^') !== (char === 'P') ? 'P' : 'p';
    if (mode.caseless && /^L[ult]$/.test(name))
      throw new PatternError(`\\p{${name}} without regard to case has no counterpart`);
    const spelling = name === 'L&' ? 'LC' : name;
    for (const written of [spelling, `Script_Extensions=${spelling}`]) {
      const source = `\\${letter}{${written}}`;
      try {
        new RegExp(source, 'u');
        return source;
      } catch {
        // The next spelling.
      }
    }
    throw new PatternError(`\\p{${name}} has no counterpart`);
  }

  /** The one character that an escape stands for; `char` follows the backslash. */
  #character(char: string): string {
    const simple = { a: '\x07', e: '\x1b', f: '\f', n: '\n', r: '\r', t: '\t' }[char];
    if (simple !== undefined) return simple;
    const { altBsux } = this.#manner;
    switch (char) {
      case '0':
        return this.#number(/^[0-7]{0,2}/, 8);
      case 'o':
        return this.#number(/^\{([0-7]+)\}/, 8);
      case 'x':
        if (!altBsux) return this.#number(/^(?:\{([0-9a-fA-F]+)\}|[0-9a-fA-F]{0,2})/, 16);
        return /^[0-9a-fA-F]{2}/.test(this.#rest()) ? this.#number(/^.{2}/, 16) : 'x';
      case 'u':
        if (altBsux) return /^[0-9a-fA-F]{4}/.test(this.#rest()) ? this.#number(/^.{4}/, 16) : 'u';
        break;
      case 'U':
        if (altBsux) return 'U';
        break;
      case 'c': {
        const code = this.#next('\\c at the end of the pattern').toUpperCase().charCodeAt(0);
        return String.fromCharCode(code ^ 64);
      }
    }
    if (/[a-zA-Z0-9]/.test(char)) throw new PatternError(`unknown escape \\${char}`);
    return char;
  }

  /** Two or three octal digits, unless there may be as many groups: pcre2pattern, "Non-printing characters". */
  #octal(): string {
    this.#at--;
    const [digits = ''] = /^\d+/.exec(this.#rest()) ?? [];
    const groups = this.#text.split('(').length - 1;
    if (Number(digits) < 10 || Number(digits) <= groups || /^[89]/.test(digits))
      throw new PatternError('back references have no counterpart');
    return this.#number(/^[0-7]{1,3}/, 8);
  }

  #number(shape: RegExp, base: number): string {
    const match = shape.exec(this.#rest());
    if (match === null) throw new PatternError('a number is missing after an escape');
    this.#at += match[0].length;
    const digits = match[1] ?? match[0];
    const code = digits === '' ? 0 : Number.parseInt(digits, base);
    if (code > (this.#manner.utf ? 0x10ffff : 0xff))
      throw new PatternError(`character code ${digits} is too large`);
    return String.fromCodePoint(code);
  }

  #class(mode: Mode): string {
    const negated = this.#take('^');
    const members: string[] = [];
    if (this.#peek() === ']' && !this.#manner.allowEmptyClass) {
      this.#at++;
      this.#range(']', mode, members);
    }
    for (;;) {
      if (this.#take(']')) break;
      const char = this.#next('missing ] at the end of a class');
      const posix = char === '[' ? this.#posix(mode) : undefined;
      if (posix !== undefined) members.push(posix);
      else if (char === '\\') this.#classEscape(mode, members);
      else this.#range(char, mode, members);
    }
    if (members.length === 0) return negated ? '[\\s\\S]' : '(?!)';
    return `[${negated ? '^' : ''}${members.join('')}]`;
  }

  #classEscape(mode: Mode, members: string[]): void {
    const char = this.#next('\\ at the end of the pattern');
    if (char === 'E') return;
    if (char === 'Q') {
      const end = this.#text.indexOf('\\E', this.#at);
      if (end < 0) throw new PatternError('missing ] at the end of a class');
      for (const one of this.#text.slice(this.#at, end)) members.push(this.#member(one, one, mode));
      this.#at = end + 2;
      return;
    }
    if ('BRXNCGK'.includes(char)) throw new PatternError(`\\${char} is not allowed in a class`);
    const set = 'pP'.includes(char) ? this.#property(char, mode) : setOf(char, this.#manner);
    if (set !== undefined) members.push(set);
    else this.#range(this.#classCharacter(char), mode, members);
  }

  #classCharacter(char: string): string {
    if (char === 'b') return '\b';
    // In a class there are no back references.
    if (!/[1-7]/.test(char)) return this.#character(char);
    this.#at--;
    return this.#number(/^[0-7]{1,3}/, 8);
  }

  #posix(mode: Mode): string | undefined {
    const [whole, not, name = ''] = /^:(\^)?([a-z]+):\]/.exec(this.#rest()) ?? [];
    if (whole === undefined) {
      if (/^[.=][^\]]*[.=]\]/.test(this.#rest()))
        throw new PatternError('collating elements are not supported');
      return undefined;
    }
    const set = posixOf(name, not !== undefined, mode.caseless, this.#manner);
    if (set === undefined) throw new PatternError(`unknown class [:${name}:]`);
    this.#at += whole.length;
    return set;
  }

  /** `first` has been read; it may begin a range. */
  #range(first: string, mode: Mode, members: string[]): void {
    const rest = this.#rest();
    const escaped = /^-\\([dwshvDWSHVpPQE])/.test(rest);
    if (!rest.startsWith('-') || rest.startsWith('-]') || rest.startsWith('-[:') || escaped) {
      members.push(this.#member(first, first, mode));
      return;
    }
    this.#at++;
    const char = this.#next('missing ] at the end of a class');
    const last = char === '\\' ? this.#classCharacter(this.#next()) : char;
    if ((last.codePointAt(0) ?? 0) < (first.codePointAt(0) ?? 0))
      throw new PatternError('range out of order in a class');
    members.push(this.#member(first, last, mode));
  }

  #member(first: string, last: string, mode: Mode): string {
    const range = first === last ? spell(first) : `${spell(first)}-${spell(last)}`;
    if (!mode.caseless) return range;
    if (first === last) return casesOf(first, this.#manner).map(spell).join('');
    const low = first.codePointAt(0) ?? 0;
    const high = last.codePointAt(0) ?? 0;
    if (high > 127 && (this.#manner.utf || this.#manner.ucp))
      throw new PatternError('a range beyond ASCII without regard to case has no counterpart');
    const others: string[] = [];
    for (let code = low; code <= high && code < 128; code++)
      for (const char of casesOf(String.fromCharCode(code), this.#manner))
        if ((char.codePointAt(0) ?? 0) < low || (char.codePointAt(0) ?? 0) > high)
          others.push(spell(char));
    return range + others.join('');
  }

  #literal(char: string, mode: Mode): string {
    if (!mode.caseless) return spell(char);
    const cases = casesOf(char, this.#manner);
    return cases.length === 1 ? spell(char) : `[${cases.map(spell).join('')}]`;
  }

  /** Blanks, and comments up to the end of their line. */
  #skipLayout(): boolean {
    const [layout = ''] = /^(?:[\t-\r \x85]+|#[^\n]*\n?)/.exec(this.#rest()) ?? [];
    this.#at += layout.length;
    return layout !== '';
  }

  #rest(): string {
    return this.#text.slice(this.#at);
  }

  #peek(): string | undefined {
    return this.#text[this.#at];
  }

  #take(char: string): boolean {
    if (this.#peek() !== char) return false;
    this.#at++;
    return true;
  }

  /** A whole character, surrogates together. */
  #next(otherwise = 'the pattern ends too early'): string {
    const code = this.#text.codePointAt(this.#at);
    if (code === undefined) throw new PatternError(otherwise);
    const char = String.fromCodePoint(code);
    this.#at += char.length;
    return char;
  }
}
