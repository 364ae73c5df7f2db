// The rows of vrrp_instance about interfaces made for it (use_vmac, use_ipvlan), and their words.

import type { Complaint } from '../config/diagnostic.ts';
import { defaulted, optional } from '../config/keyword.ts';
import { byteLength } from '../config/text.ts';
import {
  flag,
  interfaceName,
  quote,
  type Reading,
  readIp,
  splitOnce,
  type ValueType,
  wholeNumber,
} from '../config/value.ts';
import { family, type Ip } from '../lib/ip.ts';

const mistake = (id: string, message: string, word: number): Complaint => ({
  id,
  severity: 'error',
  class: 'general',
  message,
  word,
});

export interface Vmac {
  readonly name?: string;
  /** Six bytes in hexadecimal with colons. */
  readonly mac?: string;
  readonly netlink_notify_msg?: true;
  readonly group?: string;
}

export const isInterfaceName = (text: string): boolean =>
  text !== '' && byteLength(text) <= 15 && !/[/:\s]/.test(text) && text !== '.' && text !== '..';

const vmac: ValueType<Vmac> = {
  syntax: '[[name] <interface>] [<mac>] [netlink_notify_msg] [group <int>|<name>]',
  minimum: 0,
  parse: readVmac,
  format: ({ name, mac, netlink_notify_msg: notify, group }) =>
    [
      ...(name === undefined ? [] : [quote(name)]),
      ...(mac === undefined ? [] : [mac]),
      ...(notify === undefined ? [] : ['netlink_notify_msg']),
      ...(group === undefined ? [] : ['group', quote(group)]),
    ].join(' '),
  schema: {
    type: 'object',
    additionalProperties: false,
    properties: {
      name: interfaceName.schema,
      mac: { type: 'string', pattern: '^[0-9a-fA-F]{1,2}(:[0-9a-fA-F]{1,2}){4,5}$' },
      netlink_notify_msg: { const: true },
      group: { type: 'string' },
    },
  },
};

function readVmac(words: readonly string[]): Reading<Vmac> {
  const value: { -readonly [K in keyof Vmac]: Vmac[K] } = {};
  const complaints: Complaint[] = [];
  for (let i = 0; i < words.length; i++) {
    const text = words[i] as string;
    if (text.includes(':')) {
      const mac = readMac(text);
      const complaint = value.mac === undefined ? refuseMac(mac, text, i) : macAgain(i);
      if (complaint === undefined && mac !== undefined) value.mac = mac;
      else if (complaint !== undefined) complaints.push(complaint);
    } else if (text === 'netlink_notify_msg') value.netlink_notify_msg = true;
    else if (text === 'group' && words[i + 1] !== undefined) value.group = words[++i] as string;
    else if (value.name !== undefined)
      complaints.push(mistake('name-twice', 'VMAC interface name already specified', i));
    else {
      const name = text === 'name' && words[i + 1] !== undefined ? (words[++i] as string) : text;
      if (isInterfaceName(name)) value.name = name;
      else
        complaints.push(
          mistake(
            'interface-name',
            `VMAC interface name '${name}' too long or invalid characters - ignoring`,
            i,
          ),
        );
    }
  }
  // keepalived 2.2.7 reads two words: it takes none of those that came later for wrong.
  return {
    value,
    complaints: complaints.map((c) => ((c.word ?? 0) < 2 ? c : { ...c, class: 'none' })),
  };
}

/** Five bytes or six, of one digit or two each; what stands behind them does not count. */
const readMac = (text: string): string | undefined =>
  /^[0-9a-fA-F]{1,2}(:[0-9a-fA-F]{1,2}){4}(:[0-9a-fA-F]{1,2}(?=:|$)|(?=:?$))/
    .exec(text)?.[0]
    .toLowerCase();

export const macAgain = (word = -1): Complaint =>
  mistake('mac-twice', 'VMAC interface address already specified', word);

/** 00:00:5e:00:01 and :02 belong to RFC 9568; a multicast address cannot be a source. */
function refuseMac(mac: string | undefined, text: string, index: number): Complaint | undefined {
  const strange = /[^0-9a-fA-F:]/.test(text);
  if (mac === undefined || strange)
    return mistake(
      'vmac-mac',
      `VMAC invalid MAC address ${text}${strange ? '' : ' - ignored'}`,
      index,
    );
  const bytes = mac.split(':').map((part) => Number.parseInt(part, 16));
  if (((bytes[0] as number) & 1) === 1)
    return mistake('vmac-multicast', `VMAC MAC address is multicast ${text} - ignoring`, index);
  const reserved = [0, 0, 0x5e, 0].every((byte, at) => bytes[at] === byte) && bytes[4] === 1;
  const reserved6 = [0, 0, 0x5e, 0].every((byte, at) => bytes[at] === byte) && bytes[4] === 2;
  return reserved || reserved6
    ? mistake(
        'vmac-reserved',
        `VMAC MAC address not allowed to be RFC5798 address (${text}) - ignoring`,
        index,
      )
    : undefined;
}

export interface Ipvlan {
  readonly name?: string;
  readonly address?: Ip;
  readonly prefix?: number;
  readonly mode?: 'bridge' | 'private' | 'vepa';
  readonly group?: string;
}

const isMode = (text: string): text is 'bridge' | 'private' | 'vepa' =>
  text === 'bridge' || text === 'private' || text === 'vepa';

const ipvlan: ValueType<Ipvlan> = {
  syntax: '[[name] <interface>] [<ip>] [bridge|private|vepa] [group <int>|<name>]',
  minimum: 0,
  parse: readIpvlan,
  format: ({ name, address, prefix, mode, group }) =>
    [
      ...(name === undefined ? [] : [quote(name)]),
      ...(address === undefined ? [] : [prefix === undefined ? address : `${address}/${prefix}`]),
      ...(mode === undefined ? [] : [mode]),
      ...(group === undefined ? [] : ['group', quote(group)]),
    ].join(' '),
  schema: {
    type: 'object',
    additionalProperties: false,
    properties: {
      name: interfaceName.schema,
      address: { type: 'string' },
      prefix: { type: 'integer', minimum: 0, maximum: 128 },
      mode: { enum: ['bridge', 'private', 'vepa'] },
      group: { type: 'string' },
    },
  },
};

/** What has no length, or a wrong one, is no address, and so a name. */
function readOwnAddress(text: string): Pick<Ipvlan, 'address' | 'prefix'> | undefined {
  const [host, length] = splitOnce(text, '/');
  const address = readIp(host);
  if (address === undefined || length === undefined) return address && { address };
  const prefix = wholeNumber(length, 0, family(address) === 4 ? 32 : 128).value;
  return length === '' || prefix === undefined ? undefined : { address, prefix };
}

function readIpvlan(words: readonly string[]): Reading<Ipvlan> {
  const value: { -readonly [K in keyof Ipvlan]: Ipvlan[K] } = {};
  const complaints: Complaint[] = [];
  for (let i = 0; i < words.length; i++) {
    const text = words[i] as string;
    const own = readOwnAddress(text);
    if (isMode(text)) {
      if (value.mode === undefined) value.mode = text;
      else {
        const message = `(%n) ipvlan type already specified - ignoring '${text}'`;
        complaints.push(mistake('mode-twice', message, i));
      }
    } else if (own !== undefined) {
      if (value.address === undefined) Object.assign(value, own);
      else {
        const message = `(%n) ipvlan address already specified - ignoring '${text}'`;
        complaints.push(mistake('address-twice', message, i));
      }
    } else if (text === 'group' && words[i + 1] !== undefined) value.group = words[++i] as string;
    else if (value.name !== undefined) {
      const message = `(%n) IPVLAN interface already specified - ignoring '${text}'`;
      complaints.push(mistake('name-twice', message, i));
    } else {
      const name = text === 'name' && words[i + 1] !== undefined ? (words[++i] as string) : text;
      if (isInterfaceName(name)) value.name = name;
      else {
        const why = byteLength(name) > 15 ? 'too long' : 'cannot be that of an interface';
        const message = `(%n) IPVLAN interface name '${name}' ${why} - ignoring`;
        complaints.push(mistake('interface-name', message, i));
      }
    }
  }
  return { value, complaints };
}

export const linkRows = {
  use_vmac: optional(
    vmac,
    'Run on an interface of its own with the virtual MAC address. The words name, netlink_notify_msg and group are newer than keepalived 2.2.7.',
    {
      otherwise: 'off',
      example: 'vrrp.51',
    },
  ),
  use_vmac_addr: defaulted(
    flag,
    false,
    'Make virtual MAC interfaces also for addresses on other interfaces.',
  ),
  vmac_xmit_base: defaulted(flag, false, 'Send and receive adverts on the interface below.'),
  track_src_ip: defaulted(flag, false, 'Fail while the source address is not there.'),
  promote_secondaries: defaulted(
    flag,
    false,
    'Keep secondary addresses when the first one is removed.',
  ),
  use_ipvlan: optional(
    ipvlan,
    'Run on an ipvlan interface of its own. The words name and group are newer than keepalived 2.2.7.',
    {
      again: '(%n) use_ipvlan already specified',
      otherwise: 'off',
      example: 'ipv.51 192.0.2.3/24 bridge',
    },
  ),
  vrf: optional(
    interfaceName,
    'VRF of unicast adverts without an interface, which there are none of: always complained of.',
    { otherwise: 'none', example: 'vrf-blue' },
  ),
  linkbeat_use_polling: defaulted(
    {
      ...flag,
      parse: () => ({
        value: true,
        complaints: [
          {
            id: 'deprecated',
            severity: 'warning',
            class: 'deprecated',
            message:
              "(%n) 'linkbeat_use_polling' in vrrp instance deprecated - use linkbeat_interfaces block",
          },
        ],
      }),
    },
    false,
    'Poll the link of the interface.',
  ),
};
