// Value types with a grammar of their own: a line of virtual_ipaddress, and the few statements of an instance that
// read their word in a way of their own.

import { command } from '../config/command.ts';
import { type Complaint, meant } from '../config/diagnostic.ts';
import { optional } from '../config/keyword.ts';
import { byteLength } from '../config/text.ts';
import {
  flag,
  interfaceName,
  ipAddress,
  onOff,
  quote,
  type Reading,
  readIp,
  type ScriptText,
  splitOnce,
  type ValueType,
  wholeNumber,
  written,
} from '../config/value.ts';
import { family, type Ip, ipBytes, ipFromBytes } from '../lib/ip.ts';

/** A line of virtual_ipaddress as written. */
export interface AddressText {
  readonly address: Ip;
  readonly prefix: number;
  readonly dev?: string;
  /** IPv4: rtnetlink scope. */
  readonly scope?: number;
  readonly label?: string;
  readonly broadcast?: Ip;
  readonly peer?: Ip;
  readonly home?: true;
  readonly '-nodad'?: true;
  readonly mngtmpaddr?: true;
  readonly noprefixroute?: true;
  readonly autojoin?: true;
  readonly no_track?: true;
  readonly use_vmac?: true;
  /** In seconds. */
  readonly preferred_lft?: number | 'forever';
}

/** What the kernel takes for ever. */
const FOREVER = 2 ** 32 - 1;

export const addressGrammar = {
  dev: optional(interfaceName, 'Interface that gets the address.', {
    otherwise: 'the interface of the instance',
    example: '192.0.2.100/24 dev eth0',
  }),
  brd: optional(written('<ip>|+|-'), 'IPv4 broadcast address; + sets and - clears the host bits.', {
    example: '192.0.2.100/24 brd +',
  }),
  broadcast: optional(written('<ip>|+|-'), 'The same as brd.', {
    example: '192.0.2.100/24 broadcast 192.0.2.255',
  }),
  scope: optional(written('global|site|link|host|nowhere|<int> 0..255'), 'Scope (IPv4).', {
    otherwise: 'global',
    example: '192.0.2.100/24 scope link',
  }),
  label: optional(written('<string>'), 'Label such as eth0:1, of 15 bytes at most (IPv4).', {
    example: '192.0.2.100/24 label eth0:vip',
  }),
  peer: optional(ipAddress, 'Far end of a point-to-point link.', {
    example: '192.0.2.100 peer 192.0.2.254',
  }),
  home: optional(flag, 'Mark as mobile IPv6 home address.', { example: '2001:db8::100/64 home' }),
  '-nodad': optional(flag, 'Leave duplicate address detection to the kernel.', {
    example: '2001:db8::100/64 -nodad',
  }),
  mngtmpaddr: optional(flag, 'Template for temporary IPv6 addresses.', {
    example: '2001:db8::100/64 mngtmpaddr',
  }),
  noprefixroute: optional(flag, 'Add no prefix route.', {
    example: '192.0.2.100/24 noprefixroute',
  }),
  autojoin: optional(flag, 'Join the multicast group of the address.', {
    example: '192.0.2.100/24 autojoin',
  }),
  no_track: optional(flag, 'Leave it gone when somebody deletes it, or dev goes down.', {
    example: '192.0.2.100/24 no_track',
  }),
  use_vmac: optional(
    flag,
    'Put it on an interface of the virtual MAC address, on top of its interface.',
    { example: '192.0.2.100/24 dev eth1 use_vmac' },
  ),
  preferred_lft: optional(
    written('<int> 0..4294967295 s|forever'),
    'How long an IPv6 address may be chosen as a source address.',
    { otherwise: 'forever; 0 for IPv6 /128', example: '2001:db8::100/64 preferred_lft forever' },
  ),
};

const SCOPES: Readonly<Record<string, number>> = {
  global: 0,
  site: 200,
  link: 253,
  host: 254,
  nowhere: 255,
};

/** How the parser goes through the words of one line. */
interface Line {
  readonly words: readonly string[];
  readonly complaints: Complaint[];
  address: Omit<{ -readonly [K in keyof AddressText]: AddressText[K] }, 'address'>;
  dropped: boolean;
}

export const addressLine: ValueType<AddressText> = {
  syntax: '<ip>[/<prefix>] [<option> ...]',
  minimum: 1,
  parse: readAddressLine,
  format: formatAddress,
  schema: {
    type: 'object',
    additionalProperties: false,
    required: ['address', 'prefix'],
    properties: {
      address: ipAddress.schema,
      prefix: { type: 'integer', minimum: 0, maximum: 128 },
      dev: interfaceName.schema,
      scope: { type: 'integer', minimum: 0, maximum: 255 },
      label: { type: 'string', maxLength: 15 },
      broadcast: ipAddress.schema,
      peer: ipAddress.schema,
      home: { const: true },
      '-nodad': { const: true },
      mngtmpaddr: { const: true },
      noprefixroute: { const: true },
      autojoin: { const: true },
      no_track: { const: true },
      use_vmac: { const: true },
      preferred_lft: {
        anyOf: [{ const: 'forever' }, { type: 'integer', minimum: 0, maximum: FOREVER - 1 }],
      },
    },
  },
};

function readAddressLine(words: readonly string[]): Reading<AddressText> {
  const [first = ''] = words;
  const [text = '', prefixText] = splitOnce(first, '/');
  const address = readIp(text);
  if (address === undefined)
    return { complaints: [invalidIp(first, 0, `VRRP parsed invalid IP ${first}. skipping IP...`)] };
  const line: Line = { words, complaints: [], address: { prefix: 0 }, dropped: false };
  line.address.prefix = readPrefix(address, first, prefixText, line);
  for (let i = 1; i < words.length && !line.dropped; )
    i += readOption(address, prefixText, i, line);
  return {
    complaints: line.complaints,
    ...(line.dropped ? {} : { value: { address, ...line.address } }),
  };
}

function readPrefix(address: Ip, first: string, text: string | undefined, line: Line): number {
  const longest = family(address) === 4 ? 32 : 128;
  if (text === undefined) return longest;
  const reading = wholeNumber(text, 0, longest);
  for (const complaint of reading.complaints ?? []) {
    line.complaints.push({
      ...complaint,
      message: `Invalid address prefix len ${text} for address ${first} - using ${longest}`,
      cause: complaint.message,
      assumed: `/${longest}`,
    });
  }
  return reading.value ?? longest;
}

/** How many words the option at `index` takes. */
function readOption(
  address: Ip,
  prefixText: string | undefined,
  index: number,
  line: Line,
): number {
  const option = line.words[index] as string;
  const shown = prefixText === undefined ? address : `${address}/${prefixText}`;
  switch (option) {
    case 'home':
    case '-nodad':
    case 'mngtmpaddr':
    case 'noprefixroute':
    case 'autojoin':
    case 'no_track':
    case 'use_vmac':
      line.address[option] = true;
      return 1;
    case 'dev':
    case 'brd':
    case 'broadcast':
    case 'scope':
    case 'label':
    case 'peer':
    case 'preferred_lft':
      break;
    default:
      complain(line, index, {
        id: 'unknown-option',
        message: `Unknown configuration entry '${option}' for ip address - ignoring`,
        ...meant(option, Object.keys(addressGrammar)),
      });
      return 1;
  }
  const value = line.words[index + 1];
  if (value === undefined) {
    const name = option === 'broadcast' ? 'brd' : option;
    drop(line, index, {
      id: 'option-without-value',
      message: `No ${name} parameter specified for ${shown}`,
    });
    return 1;
  }
  readOptionValue(option, value, address, prefixText !== undefined, index, line);
  return 2;
}

function readOptionValue(
  option: 'dev' | 'brd' | 'broadcast' | 'scope' | 'label' | 'peer' | 'preferred_lft',
  value: string,
  address: Ip,
  hasPrefix: boolean,
  index: number,
  line: Line,
): void {
  const { prefix } = line.address;
  const shown = hasPrefix ? `${address}/${prefix}` : address;
  const ipv4 = family(address) === 4;
  switch (option) {
    case 'dev':
      if (line.address.dev !== undefined)
        drop(line, index, {
          id: 'device-twice',
          message: `Cannot specify ipaddress device more than once for ${shown}`,
        });
      else line.address.dev = value;
      return;
    case 'brd':
    case 'broadcast':
      readBroadcast(value, address, prefix, shown, index, line);
      return;
    case 'scope': {
      const scope = SCOPES[value] ?? wholeNumber(value, 0, 255).value;
      if (!ipv4 && scope === 0) return;
      if (!ipv4)
        complain(line, index, {
          id: 'ipv6-scope',
          message: `Cannot specify scope for IPv6 addresses (${shown}) - ignoring scope`,
        });
      else if (scope === undefined)
        complain(line, index + 1, {
          id: 'invalid-scope',
          message: `Invalid scope '${value}' specified for ${shown} - ignoring`,
          assumed: 'scope global',
        });
      else line.address.scope = scope;
      return;
    }
    case 'label':
      if (!ipv4)
        complain(line, index, {
          id: 'ipv6-label',
          message: `Cannot specify label for IPv6 addresses (${shown}) - ignoring label`,
        });
      else if (byteLength(value) > 15)
        drop(line, index + 1, {
          id: 'label-too-long',
          message: `Address label ${value} is longer than maximum length 15 - removing address`,
        });
      else line.address.label = value;
      return;
    case 'peer':
      readPeer(value, address, hasPrefix, index, line);
      return;
    case 'preferred_lft':
      readPreferred(value, index, line);
      return;
  }
}

function readPreferred(value: string, index: number, line: Line): void {
  const { value: seconds = FOREVER, complaints = [] } =
    value === 'forever' ? {} : wholeNumber(value, 0, FOREVER);
  for (const complaint of complaints)
    line.complaints.push({
      ...complaint,
      message: `preferred_lft ${value} is invalid`,
      cause: complaint.message,
      word: index + 1,
    });
  if (complaints.length === 0)
    line.address.preferred_lft = seconds === FOREVER ? 'forever' : seconds;
}

function readBroadcast(
  value: string,
  address: Ip,
  prefix: number,
  shown: string,
  index: number,
  line: Line,
): void {
  if (family(address) === 6) {
    drop(line, index, {
      id: 'ipv6-broadcast',
      message: `VRRP is trying to assign a broadcast ${value} to the IPv6 address ${shown} - an IPv6 address has none`,
    });
  } else if (value === '+' || value === '-') {
    if (prefix > 30)
      complain(line, index, {
        id: 'prefix-too-long',
        message: `Address prefix length ${prefix} too long for broadcast`,
        assumed: 'no broadcast address',
      });
    else line.address.broadcast = hostBits(address, prefix, value === '+');
  } else {
    const broadcast = readIp(value);
    if (broadcast === undefined || family(broadcast) !== 4)
      drop(line, index + 1, {
        id: 'invalid-broadcast',
        message: `VRRP is trying to assign invalid broadcast ${value}. skipping VIP...`,
      });
    else line.address.broadcast = broadcast;
  }
}

/** The address with every bit after the prefix set or cleared. */
function hostBits(address: Ip, prefix: number, set: boolean): Ip {
  const bytes = ipBytes(address).map((byte, index) => {
    const mask = 0xff >> Math.min(8, Math.max(0, prefix - 8 * index));
    return set ? byte | mask : byte & ~mask & 0xff;
  });
  return ipFromBytes(bytes);
}

function readPeer(value: string, address: Ip, hasPrefix: boolean, index: number, line: Line): void {
  const peer = readIp(value);
  if (peer === undefined) {
    complain(line, index + 1, {
      id: 'invalid-peer',
      message: `Invalid peer address ${value}`,
      assumed: 'no peer',
    });
  } else if (family(peer) !== family(address)) {
    complain(line, index + 1, {
      id: 'peer-family',
      message: `Peer address ${value} does not match address family`,
      assumed: 'no peer',
    });
  } else {
    line.address.peer = peer;
    const longest = family(address) === 4 ? 32 : 128;
    if (hasPrefix && line.address.prefix !== longest)
      complain(line, 0, {
        id: 'peer-prefix',
        message: 'Cannot specify address prefix when specifying peer address - ignoring',
        assumed: `/${longest}`,
      });
    line.address.prefix = longest;
  }
}

type Mistake = Pick<Complaint, 'id' | 'message' | 'assumed'>;

function complain(line: Line, index: number, mistake: Mistake): void {
  line.complaints.push({ severity: 'error', class: 'general', word: index, ...mistake });
}

function drop(line: Line, index: number, mistake: Mistake): void {
  line.dropped = true;
  complain(line, index, { assumed: 'the address is left out', ...mistake });
}

export const invalidIp = (text: string, index: number, message: string): Complaint => ({
  id: 'invalid-address',
  severity: 'error',
  class: 'general',
  message,
  word: index,
  ...(/^\d+(\.\d+)+$/.test(text) && /(^|\.)0\d/.test(text)
    ? { hint: 'parts of an IPv4 address have no leading zeros' }
    : {}),
});

function formatAddress(value: AddressText): string {
  const words = [`${value.address}/${value.prefix}`];
  if (value.broadcast !== undefined) words.push('brd', value.broadcast);
  if (value.dev !== undefined) words.push('dev', quote(value.dev));
  if (value.scope !== undefined) words.push('scope', formatScope(value.scope));
  if (value.label !== undefined) words.push('label', quote(value.label));
  if (value.peer !== undefined) words.push('peer', value.peer);
  for (const option of [
    'home',
    '-nodad',
    'mngtmpaddr',
    'noprefixroute',
    'autojoin',
    'no_track',
    'use_vmac',
  ] as const)
    if (value[option] === true) words.push(option);
  if (value.preferred_lft !== undefined) words.push('preferred_lft', String(value.preferred_lft));
  return words.join(' ');
}

const formatScope = (scope: number): string =>
  Object.entries(SCOPES).find(([, number]) => number === scope)?.[0] ?? String(scope);

/** A command, or nothing. */
export const optionalCommand: ValueType<ScriptText | true> = {
  ...command,
  syntax: `[${command.syntax}]`,
  minimum: 0,
  parse: (words, raw) => (raw === '' ? { value: true } : command.parse(words, raw)),
  format: (value) => (value === true ? '' : command.format(value)),
  schema: { anyOf: [{ const: true }, command.schema] },
};

/** keepalived 2.2.7 reads a word here and switches on whichever word it is. */
export const onWhateverWord: ValueType<boolean> = {
  ...onOff,
  parse: (words, raw) => {
    const reading = onOff.parse(words, raw);
    if (reading.value !== false) return reading;
    return {
      value: true,
      complaints: [
        {
          id: 'switched-on',
          severity: 'warning',
          class: 'none',
          message: `%k ${words[0]} switches it on in keepalived 2.2.7, and here`,
          hint: 'leave the line out',
          word: 0,
        },
      ],
    };
  },
};

/** MASTER or BACKUP; anything else is BACKUP. */
export const initialState: ValueType<'MASTER' | 'BACKUP'> = {
  syntax: 'MASTER|BACKUP',
  minimum: 1,
  parse: ([text = '']) => {
    if (text === 'MASTER' || text === 'BACKUP') return { value: text };
    return {
      value: 'BACKUP',
      complaints: [
        {
          id: 'unknown-state',
          severity: 'error',
          class: 'general',
          message: `(%n) unknown state '${text}', defaulting to BACKUP`,
          assumed: 'BACKUP',
          word: 0,
          ...meant(text, ['MASTER', 'BACKUP']),
        },
      ],
    };
  },
  format: (value) => value,
  schema: { enum: ['MASTER', 'BACKUP'] },
};

export const authenticationType: ValueType<'PASS' | 'AH'> = {
  syntax: 'PASS|AH',
  minimum: 1,
  parse: ([text = '']) =>
    text === 'PASS' || text === 'AH'
      ? { value: text }
      : {
          complaints: [
            {
              id: 'unknown-auth-type',
              severity: 'error',
              class: 'general',
              message: `(%n) unknown authentication type '${text}'`,
              assumed: 'no authentication',
              word: 0,
              ...meant(text, ['PASS', 'AH']),
            },
          ],
        },
  format: (value) => value,
  schema: { enum: ['PASS', 'AH'] },
};
