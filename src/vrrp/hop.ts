// Parts of a route line with a grammar of their own: the next hops at its end, and encapsulations.

import { type Reading, wholeNumber } from '../config/value.ts';
import { type Family, family, type Ip } from '../lib/ip.ts';
import type { Encapsulation, HopWords } from '../lib/route.ts';
import {
  accepted,
  argument,
  type Cursor,
  cNumber,
  complain,
  drop,
  type Name,
  readAddress,
} from './line.ts';

/** An encapsulation as written: its type of service may be a name. */
export type EncapsulationText =
  | (Omit<Extract<Encapsulation, { kind: 'ip' | 'ip6' }>, 'tos'> & { readonly tos?: Name })
  | Extract<Encapsulation, { kind: 'mpls' | 'ila' }>;

export interface HopText extends Omit<HopWords, 'realms' | 'encap'> {
  readonly dev?: string;
  /** [<from>/]<to>, numbers or names. */
  readonly realms?: string;
  readonly encap?: EncapsulationText;
}

type Draft<T> = { -readonly [K in keyof T]: T[K] };

/** Everything from the first `nexthop` on. `of`: the family of the route, if it is known. */
export function readHops(
  cursor: Cursor,
  of: Family | undefined,
): { readonly hops: readonly HopText[]; readonly family?: Family } {
  const hops: HopText[] = [];
  let known = of;
  while (cursor.words[cursor.at] === 'nexthop') {
    cursor.at++;
    const before = cursor.complaints.length;
    const hop: Draft<HopText> = {};
    known = readHop(cursor, hop, known);
    // keepalived keeps the hops before one that is wrong.
    if (cursor.complaints.length > before && !cursor.dropped) {
      cursor.at = cursor.words.length;
      return { hops, ...(known === undefined ? {} : { family: known }) };
    }
    if (cursor.dropped) break;
    hops.push(hop);
  }
  const rest = cursor.words[cursor.at];
  if (rest !== undefined && !cursor.dropped)
    complain(cursor, {
      id: 'trailing-words',
      message: `Route has trailing nonsense after nexthops - ${rest}`,
    });
  cursor.at = cursor.words.length;
  return { hops, ...(known === undefined ? {} : { family: known }) };
}

function readHop(cursor: Cursor, hop: Draft<HopText>, of: Family | undefined): Family | undefined {
  let known = of;
  for (; cursor.at < cursor.words.length; cursor.at++) {
    const { at } = cursor;
    switch (cursor.words[at]) {
      case 'via': {
        const via = readVia(cursor, known);
        if (via === undefined) return known;
        known ??= family(via);
        hop.via = via;
        break;
      }
      case 'dev':
      case 'oif': {
        const dev = argument(cursor);
        if (dev === undefined) return known;
        hop.dev = dev;
        break;
      }
      case 'weight': {
        const text = argument(cursor);
        if (text === undefined) return known;
        const message = `Invalid weight ${text} specified for route`;
        const { value, complaints = [] } = wholeNumber(text, 0, 256);
        for (const complaint of complaints)
          complain(cursor, { ...complaint, message, cause: complaint.message, word: cursor.at });
        if (value === 0) complain(cursor, { id: 'invalid-weight', message });
        if (value === undefined || value === 0) return known;
        hop.weight = value;
        break;
      }
      case 'onlink':
        hop.onlink = true;
        break;
      case 'realms': {
        const realms = argument(cursor);
        if (realms === undefined) return known;
        if (known === 6) {
          complain(cursor, {
            id: 'ipv6-realms',
            message: 'realms are only supported for IPv4',
          });
          return known;
        }
        hop.realms = realms;
        break;
      }
      case 'encap': {
        const encap = readEncapsulation(cursor);
        if (encap !== undefined) hop.encap = encap;
        if (cursor.dropped) return known;
        break;
      }
      case 'as':
        complain(cursor, { id: 'nat', message: "'as [to]' (nat) not supported" });
        return known;
      default:
        return known;
    }
  }
  return known;
}

function readVia(cursor: Cursor, of: Family | undefined): Ip | undefined {
  let text = argument(cursor);
  let asked: Family | undefined;
  if (text === 'inet' || text === 'inet6') {
    asked = text === 'inet' ? 4 : 6;
    text = argument(cursor);
    if (text === undefined) return undefined;
    if (of !== undefined && asked !== of) {
      complain(cursor, { id: 'family', message: 'IPv4/6 mismatch for nexthop' });
      return undefined;
    }
  }
  if (text === undefined) return undefined;
  const { value, complaints = [] } = readAddress(text);
  for (const complaint of complaints)
    complain(cursor, {
      ...complaint,
      message: `invalid nexthop address ${text}`,
      cause: complaint.message,
    });
  if (value === undefined) return undefined;
  if (family(value) !== (asked ?? of ?? family(value))) {
    complain(cursor, { id: 'family', message: 'Address family mismatch for next hop' });
    return undefined;
  }
  return value;
}

/** Stands on `encap`, and afterwards on the last word that belongs to it. */
export function readEncapsulation(cursor: Cursor): EncapsulationText | undefined {
  const kind = cursor.words[cursor.at + 1];
  if (kind === undefined) {
    complain(cursor, { id: 'missing-encap', message: 'Missing encap type' });
    return undefined;
  }
  cursor.at++;
  switch (kind) {
    case 'ip':
    case 'ip6':
      return readTunnel(cursor, kind);
    case 'mpls':
      return readLabels(cursor);
    case 'ila':
      return readLocator(cursor);
    default:
      drop(cursor, { id: 'unknown-encap', message: `Unknown encap type - ${kind}` });
      return undefined;
  }
}

function readTunnel(cursor: Cursor, kind: 'ip' | 'ip6'): EncapsulationText | undefined {
  const encap: Draft<Extract<EncapsulationText, { kind: 'ip' | 'ip6' }>> = { kind };
  while (cursor.at + 1 < cursor.words.length && !cursor.dropped) {
    const option = cursor.words[cursor.at + 1] ?? '';
    const text = cursor.words[cursor.at + 2];
    const words = kind === 'ip' ? ['tos', 'dsfield', 'ttl'] : ['tc', 'hoplimit'];
    if (text === undefined || !['id', 'dst', 'src', 'flags', ...words].includes(option)) break;
    cursor.at += 2;
    readTunnelOption(cursor, encap, option, text);
  }
  if (encap.id === undefined && encap.dst === undefined && !cursor.dropped)
    complain(cursor, {
      id: 'bare-encap',
      message: `address or id missing for ${kind} encapsulation`,
    });
  return encap;
}

function readTunnelOption(
  cursor: Cursor,
  encap: Draft<Extract<EncapsulationText, { kind: 'ip' | 'ip6' }>>,
  option: string,
  text: string,
): void {
  const { kind } = encap;
  switch (option) {
    case 'id': {
      const id = accepted(cursor, readId(text), `encap id ${text} value is invalid`);
      if (id !== undefined) encap.id = id;
      return;
    }
    case 'dst':
    case 'src': {
      const address = accepted(
        cursor,
        readAddress(text),
        `Invalid encap ${kind} ${option} ${text}`,
      );
      if (address === undefined) return;
      const of = family(address);
      if ((of === 4) === (kind === 'ip')) encap[option] = address;
      else
        drop(cursor, {
          id: 'family',
          message: `IPv${of} address ${text} not valid for ${kind} encapsulation`,
        });
      return;
    }
    case 'flags': {
      const says = `flags ${text} is not valid for ${kind} encapsulation`;
      const flags = accepted(cursor, wholeNumber(text, 0, 65535), says);
      if (flags !== undefined) encap.flags = flags;
      return;
    }
    case 'ttl':
    case 'hoplimit': {
      const says =
        kind === 'ip'
          ? `ttl ${text} is not valid for ip encapsulation`
          : `Invalid hoplimit ${text} specified for ip6 encapsulation`;
      const ttl = accepted(cursor, wholeNumber(text, 0, 255), says);
      if (ttl !== undefined) encap.ttl = ttl;
      return;
    }
    default: {
      const value = cNumber(text);
      encap.tos = value === undefined ? text : Number(value);
    }
  }
}

function readId(text: string): Reading<string> {
  const says = (message: string): Reading<string> => ({
    complaints: [{ id: 'invalid-number', severity: 'error', class: 'number', message }],
  });
  if (text.startsWith('-')) return says(`negative number '${text}'`);
  if (!/^\d+$/.test(text)) return says(`invalid number '${text}'`);
  if (BigInt(text) > 0xffff_ffff_ffff_ffffn)
    return says(`number '${text}' outside unsigned 64 bit range`);
  return { value: String(BigInt(text)) };
}

/** The most labels that the kernel takes, and keepalived. */
const LABELS = 16;

function readLabels(cursor: Cursor): EncapsulationText | undefined {
  const text = cursor.words[cursor.at + 1];
  if (text === undefined) {
    drop(cursor, { id: 'missing-label', message: 'missing address for MPLS encapsulation' });
    return undefined;
  }
  cursor.at++;
  const labels = text.split('/').map(Number);
  const right = /^\d+(\/\d+)*$/.test(text) && labels.every((label) => label < 1 << 20);
  if (right && labels.length <= LABELS) return { kind: 'mpls', labels };
  drop(cursor, {
    id: 'invalid-label',
    message: `invalid mpls address ${text} for encapsulation`,
  });
  return undefined;
}

function readLocator(cursor: Cursor): EncapsulationText | undefined {
  const text = argument(cursor);
  if (text === undefined) return undefined;
  if (/^[0-9a-fA-F]{1,4}(:[0-9a-fA-F]{1,4}){3}$/.test(text))
    return { kind: 'ila', locator: text.toLowerCase() };
  drop(cursor, {
    id: 'invalid-locator',
    message: `invalid locator ${text} for ila encapsulation`,
  });
  return undefined;
}

export function formatHop(hop: HopText): string {
  const words = ['nexthop'];
  if (hop.via !== undefined) words.push('via', hop.via);
  if (hop.dev !== undefined) words.push('dev', hop.dev);
  if (hop.weight !== undefined) words.push('weight', String(hop.weight));
  if (hop.onlink === true) words.push('onlink');
  if (hop.realms !== undefined) words.push('realms', hop.realms);
  if (hop.encap !== undefined) words.push(formatEncapsulation(hop.encap));
  return words.join(' ');
}

export function formatEncapsulation(encap: EncapsulationText): string {
  switch (encap.kind) {
    case 'mpls':
      return `encap mpls ${encap.labels.join('/')}`;
    case 'ila':
      return `encap ila ${encap.locator}`;
    default: {
      const { kind, id, dst, src, tos, ttl, flags } = encap;
      const ip = kind === 'ip';
      return [
        'encap',
        kind,
        ...(id === undefined ? [] : ['id', id]),
        ...(dst === undefined ? [] : ['dst', dst]),
        ...(src === undefined ? [] : ['src', src]),
        ...(tos === undefined ? [] : [ip ? 'tos' : 'tc', tos]),
        ...(ttl === undefined ? [] : [ip ? 'ttl' : 'hoplimit', ttl]),
        ...(flags === undefined ? [] : ['flags', flags]),
      ].join(' ');
    }
  }
}
