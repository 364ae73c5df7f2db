// A line of virtual_rules or static_rules: iproute2's words as keepalived 2.2.7 reads them. Names of tables and the
// like stay names here; routing.ts looks them up.

import { meant } from '../config/diagnostic.ts';
import { quote, type Reading, type ValueType, wholeNumber } from '../config/value.ts';
import { type Family, family } from '../lib/ip.ts';
import { ACT_GOTO, ACT_TABLE, type KernelRule, type Range } from '../lib/route.ts';
import { ruleGrammar } from './grammar.ts';
import {
  accepted,
  argument,
  type Cursor,
  cNumber,
  complain,
  cursorOf,
  drop,
  everything,
  formatPrefixed,
  type Name,
  numberAfter,
  readPrefixed,
} from './line.ts';

type Named = 'priority' | 'protocol' | 'tos' | 'table' | 'realms' | 'suppress_ifgroup' | 'ipproto';

/** A line as written. */
export interface RuleText extends Omit<KernelRule, Named> {
  /** Absent: the next one from 16384 downwards. */
  readonly priority?: number;
  readonly protocol?: number;
  readonly tos?: Name;
  readonly table?: Name;
  readonly realms?: string;
  readonly suppress_ifgroup?: Name;
  readonly ipproto?: Name;
  /** Neither addresses nor anything else but the word inet6 says which family it is. */
  readonly inet6?: true;
  readonly no_track?: true;
  /** static_rules: instances that depend on its interface. */
  readonly track_group?: string;
}

type Draft = { -readonly [K in keyof RuleText]?: RuleText[K] };

interface State {
  readonly cursor: Cursor;
  readonly rule: Draft;
  readonly statics: boolean;
  asked: Family | undefined;
}

const U32 = [0, 0xffffffff] as const;
/** FR_ACT_* of the actions that are a word. */
const ACTIONS: Readonly<Record<string, number>> = {
  nop: 3,
  blackhole: 6,
  unreachable: 7,
  prohibit: 8,
};
/** Types of routes that are no action of a rule. */
const NO_ACTIONS = [
  'unicast',
  'local',
  'broadcast',
  'anycast',
  'multicast',
  'throw',
  'nat',
  'xresolve',
];

export const ruleLine = (statics: boolean): ValueType<RuleText> => ({
  syntax: '<option> ...',
  minimum: 1,
  parse: (words) => readRule(words, statics),
  format: formatRule,
  schema: { type: 'string', description: 'a line as in keepalived.conf' },
});

function readRule(words: readonly string[], statics: boolean): Reading<RuleText> {
  const cursor = cursorOf(words);
  const state: State = { cursor, rule: {}, statics, asked: undefined };
  for (; cursor.at < words.length && !cursor.dropped; cursor.at++)
    readWord(state, words[cursor.at] as string);
  const rule = cursor.dropped ? undefined : finish(state);
  const { complaints } = cursor;
  return rule === undefined ? { complaints } : { value: rule, complaints };
}

function readWord(state: State, option: string): void {
  const { cursor, rule } = state;
  switch (option) {
    case 'from':
    case 'to':
      readSelector(state, option);
      return;
    case 'not':
      rule.not = true;
      return;
    case 'table':
    case 'lookup': {
      const text = argument(cursor);
      if (text === undefined) return;
      const number = cNumber(text);
      const table = number === undefined ? text : Number(BigInt.asUintN(32, number));
      if (table === 0) drop(cursor, { id: 'invalid-table', message: 'Table 0 is not valid' });
      else if (takeAction(state, ACT_TABLE, '')) rule.table = table;
      return;
    }
    case 'preference':
    case 'priority':
    case 'order':
      readPriority(state, option);
      return;
    case 'tos':
    case 'dsfield':
    case 'suppress_ifgroup':
    case 'sup_group':
    case 'ipproto': {
      const text = argument(cursor);
      if (text === undefined) return;
      const number = cNumber(text);
      const decimal = option !== 'ipproto' || /^\d+$/.test(text);
      const value =
        number === undefined || number < 0n || !decimal
          ? text
          : Number(option === 'ipproto' ? BigInt(text) : number);
      const name =
        option === 'dsfield' ? 'tos' : option === 'sup_group' ? 'suppress_ifgroup' : option;
      rule[name] = value;
      return;
    }
    case 'fwmark':
      readMark(state);
      return;
    case 'realms': {
      const text = argument(cursor);
      if (text === undefined) return;
      if (rule.family !== 6) {
        rule.family = 4;
        rule.realms = text;
      } else drop(cursor, { id: 'ipv6-realms', message: 'realms is only valid for IPv4' });
      return;
    }
    case 'suppress_prefixlength':
    case 'sup_pl': {
      const says = (): string => `Invalid suppress_prefixlength ${option} specified`;
      const length = numberAfter(cursor, [0, 2147483647], says);
      if (length !== undefined) rule.suppress_prefixlength = length;
      return;
    }
    case 'iif':
    case 'dev':
    case 'oif': {
      const name = argument(cursor);
      if (name !== undefined) rule[option === 'oif' ? 'oif' : 'iif'] = name;
      return;
    }
    default:
      if (!readOther(state, option)) readAction(state, option);
  }
}

function readOther(state: State, option: string): boolean {
  const { cursor, rule } = state;
  switch (option) {
    case 'tunnel-id': {
      const text = argument(cursor);
      if (text === undefined) return true;
      const id = accepted(cursor, readTunnelId(text), `Invalid tunnel-id ${option} specified`);
      if (id !== undefined) rule.tunnel_id = id;
      return true;
    }
    case 'uidrange': {
      const range = readRange(argument(cursor), 32);
      if (range !== undefined) rule.uidrange = range;
      else if (!cursor.dropped)
        drop(cursor, { id: 'invalid-range', message: `Invalid uidrange ${option} specified` });
      return true;
    }
    case 'sport':
    case 'dport': {
      const text = argument(cursor);
      const range = readRange(text, 16);
      if (range !== undefined) rule[option] = range;
      else if (text !== undefined)
        complain(cursor, { id: 'invalid-range', message: `invalid ${option} range ${text}` });
      return true;
    }
    case 'protocol': {
      const text = argument(cursor);
      if (text === undefined) return true;
      const { value, complaints = [] } = wholeNumber(text, 0, 255);
      for (const complaint of complaints)
        complain(cursor, {
          ...complaint,
          message: `Invalid protocol ${text}`,
          cause: complaint.message,
          word: cursor.at,
        });
      if (value !== undefined) rule.protocol = value;
      return true;
    }
    case 'l3mdev':
      if (rule.action === undefined) {
        rule.action = ACT_TABLE;
        rule.l3mdev = true;
      } else
        drop(cursor, {
          id: 'two-actions',
          message: 'Cannot specify l3mdev with other action',
        });
      return true;
    case 'no_track':
      rule.no_track = true;
      return true;
    case 'inet':
    case 'inet6':
      state.asked = option === 'inet' ? 4 : 6;
      cursor.at++;
      return true;
    case 'track_group': {
      if (!state.statics) return false;
      const group = argument(cursor);
      if (group !== undefined) rule.track_group = group;
      return true;
    }
    default:
      return false;
  }
}

function readSelector(state: State, option: 'from' | 'to'): void {
  const { cursor, rule } = state;
  const text = argument(cursor);
  if (text === undefined) return;
  if (text === 'all' || text === 'any' || text === 'default') {
    if (rule.family === undefined) rule[option] = everything(4);
    else
      drop(cursor, {
        id: 'mixed-families',
        message: 'rule specification has mixed IPv4 and IPv6',
      });
    return;
  }
  const value = accepted(cursor, readPrefixed(text), `Invalid rule ${option} address ${text}`);
  if (value === undefined) return;
  rule.family ??= family(value.address);
  if (rule.family === family(value.address)) rule[option] = value;
  else
    drop(cursor, {
      id: 'mixed-families',
      message: 'rule specification has mixed IPv4 and IPv6',
    });
}

function readPriority(state: State, option: string): void {
  const { cursor, rule } = state;
  const text = argument(cursor);
  if (text === undefined) return;
  const number = cNumber(text);
  // Out of range or no number at all: wholeNumber has keepalived's sentences.
  const reading: Reading<number> =
    number === undefined || number < 0n || number > 0xffffffffn
      ? wholeNumber(number === undefined ? `x${text}` : String(number), ...U32)
      : { value: Number(number) };
  const complaints = (reading.complaints ?? []).map((complaint) => ({
    ...complaint,
    message: complaint.message.replace(/'.*'/, `'${text}'`),
  }));
  const says = `Invalid rule preference ${option} specified`;
  const value = accepted(cursor, { ...reading, complaints }, says);
  if (value !== undefined) rule.priority = value;
}

function readMark(state: State): void {
  const { cursor, rule } = state;
  const text = argument(cursor);
  if (text === undefined) return;
  const [mark = '', mask, ...more] = text.split('/');
  const numbers = [mark, mask].map((part) => (part === '' ? 0n : cNumber(part ?? '0')));
  const right = numbers.every((n) => n !== undefined && n >= 0n && n <= 0xffffffffn);
  if (!right || more.length > 0) {
    drop(cursor, { id: 'invalid-mark', message: `Invalid rule fwmark ${text} specified` });
    return;
  }
  rule.fwmark = Number(numbers[0]);
  if (mask === undefined) delete rule.fwmask;
  else rule.fwmask = Number(numbers[1]);
}

/** keepalived keeps the lower 32 of 64 bits. */
function readTunnelId(text: string): Reading<number> {
  const says = (message: string): Reading<number> => ({
    complaints: [{ id: 'invalid-number', severity: 'error', class: 'number', message }],
  });
  if (text.startsWith('-')) return says(`negative number '${text}'`);
  if (!/^\d+$/.test(text)) return says(`invalid number '${text}'`);
  const value = BigInt(text);
  if (value > 0xffff_ffff_ffff_ffffn) return says(`number '${text}' outside unsigned 64 bit range`);
  return value > 0xffffffffn ? { value: 0xffffffff } : { value: Number(value) };
}

/** What sscanf makes of it: numbers lose their upper bits, and what follows is ignored. */
function readRange(text: string | undefined, bits: number): Range | undefined {
  const match = /^\s*([+-]?\d+)-\s*([+-]?\d+)/.exec(text ?? '');
  if (match === null) return undefined;
  const [first, last] = match.slice(1).map((n) => Number(BigInt.asUintN(bits, BigInt(n))));
  return { first: first as number, last: last as number };
}

function takeAction(state: State, action: number, l3mdev: string): boolean {
  const { cursor, rule } = state;
  if (rule.action === undefined) {
    rule.action = action;
    return true;
  }
  const words = 'table/nop/goto/blackhole/prohibit/unreachable';
  drop(cursor, {
    id: 'two-actions',
    message: `Cannot specify more than one of ${words}${l3mdev} for rule`,
  });
  return false;
}

function readAction(state: State, option: string): void {
  const { cursor, rule } = state;
  let word: string | undefined = option;
  if (option === 'type') word = argument(cursor);
  if (word === undefined) return;
  if (word === 'goto') {
    const target = numberAfter(cursor, U32, () => 'Invalid target goto specified');
    if (target !== undefined && takeAction(state, ACT_GOTO, '/l3mdev')) rule.goto = target;
    return;
  }
  const action = Object.hasOwn(ACTIONS, word) ? ACTIONS[word] : undefined;
  if (action !== undefined) takeAction(state, action, '/l3mdev');
  else if (NO_ACTIONS.includes(word) || Number(cNumber(word) ?? 256) <= 255)
    drop(cursor, { id: 'invalid-action', message: `Invalid rule action ${word}` });
  else {
    const message = `Unknown rule option ${word}`;
    drop(cursor, { id: 'unknown-option', message, ...meant(word, Object.keys(ruleGrammar)) });
  }
}

function finish(state: State): RuleText | undefined {
  const { cursor, rule, asked } = state;
  const refuse = (id: string, message: string): undefined => {
    drop(cursor, { id, message }, 0);
    return undefined;
  };
  if (asked !== undefined) {
    const [a, b] = asked === 6 ? ['inet6', 'IPv4'] : ['inet', 'IPv6'];
    if (rule.family !== undefined && rule.family !== asked)
      return refuse('mixed-families', `${a} specified for ${b} rule`);
    if (rule.family === undefined && asked === 6) rule.inet6 = true;
    rule.family = asked;
  }
  const of = rule.family ?? 4;
  const { action } = rule;
  if (action === undefined) return refuse('no-action', 'No action specified for rule - ignoring');
  const forTable = [rule.realms, rule.suppress_ifgroup, rule.suppress_prefixlength];
  if (action !== ACT_TABLE && forTable.some((value) => value !== undefined))
    return refuse('no-table', 'suppressor/realm specified for non table action - skipping');
  if (rule.goto !== undefined) {
    const { goto, priority } = rule;
    if (priority === undefined)
      return refuse(
        'goto-backwards',
        `Invalid rule - goto target ${goto} specified without preference`,
      );
    if (priority >= goto)
      return refuse(
        'goto-backwards',
        `Invalid rule - preference ${priority} >= goto target ${goto}`,
      );
  }
  for (const option of ['from', 'to'] as const)
    if (rule[option]?.prefix === 0 && family(rule[option].address) !== of)
      rule[option] = everything(of);
  return { ...rule, action, family: of };
}

const formatRange = ({ first, last }: Range): string => `${first}-${last}`;

function formatRule(rule: RuleText): string {
  const { action, fwmark, fwmask } = rule;
  const words: string[] = rule.not === true ? ['not'] : [];
  for (const name of ['from', 'to'] as const) {
    const value = rule[name];
    if (value !== undefined) words.push(name, formatPrefixed(value));
  }
  for (const name of ['priority', 'tos', 'iif', 'oif', 'realms', 'protocol', 'ipproto'] as const)
    if (rule[name] !== undefined) words.push(name, quote(String(rule[name])));
  if (fwmark !== undefined)
    words.push('fwmark', `${fwmark}${fwmask === undefined ? '' : `/${fwmask}`}`);
  for (const name of ['suppress_prefixlength', 'suppress_ifgroup', 'track_group'] as const)
    if (rule[name] !== undefined) words.push(name, String(rule[name]));
  if (rule.tunnel_id !== undefined) words.push('tunnel-id', String(rule.tunnel_id));
  for (const name of ['uidrange', 'sport', 'dport'] as const)
    if (rule[name] !== undefined) words.push(name, formatRange(rule[name]));
  if (rule.l3mdev === true) words.push('l3mdev');
  else if (rule.goto !== undefined) words.push('goto', String(rule.goto));
  else if (rule.table !== undefined) words.push('table', String(rule.table));
  else words.push(Object.entries(ACTIONS).find(([, n]) => n === action)?.[0] ?? '');
  if (rule.no_track === true) words.push('no_track');
  if (rule.inet6 === true) words.push('inet6');
  return words.join(' ');
}
