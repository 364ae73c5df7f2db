// The rows of vrrp_instance about what few need: compatibility with other senders, strictness, ownership.

import { extraInterfaces } from '../config/global/value.ts';
import { defaulted, inherited, optional, section } from '../config/keyword.ts';
import {
  exactInteger,
  flag,
  integer,
  interfaceName,
  onOff,
  type ValueType,
  wholeNumber,
  wholeSeconds,
} from '../config/value.ts';

const checksum: ValueType<'old' | 'never'> = {
  syntax: '[never]',
  minimum: 0,
  parse: ([text]) => {
    if (text === undefined) return { value: 'old' };
    if (text === 'never') return { value: 'never' };
    const message = `(%n) Unknown old_unicast_chksum mode ${text} - ignoring`;
    return {
      complaints: [{ id: 'unknown-option', severity: 'error', class: 'general', message, word: 0 }],
    };
  },
  format: (value) => (value === 'old' ? '' : value),
  schema: { enum: ['old', 'never'] },
};

const expiry: ValueType<number> = {
  ...integer(1, 254),
  syntax: '[<int> 1..254]',
  minimum: 0,
  parse: ([text = '254']) => wholeNumber(text, 1, 254),
};

/** `<id> <value>`: a key of 32 to 64 bytes as text, `hex:<digits>` or `file:<path>`. */
const hmacKey: ValueType<{ readonly id: number; readonly value: string }> = {
  syntax: '<id> <value>|hex:<digits>|file:<path>',
  minimum: 2,
  parse: ([id = '', value = '']) => {
    const reading = wholeNumber(id, 1, 255);
    return reading.value === undefined
      ? { complaints: reading.complaints ?? [] }
      : { value: { id: reading.value, value } };
  },
  format: ({ id, value }) => `${id} ${value}`,
  schema: {
    type: 'object',
    additionalProperties: false,
    required: ['id', 'value'],
    properties: { id: { type: 'integer', minimum: 1, maximum: 255 }, value: { type: 'string' } },
  },
};

const choice = <const T extends string>(...names: readonly T[]): ValueType<T> => ({
  syntax: names.join('|'),
  minimum: 1,
  parse: ([text = '']) => {
    const value = names.find((name) => name === text);
    const message = `(%n) %k '${text}' is not one of ${names.join(', ')}`;
    return value === undefined
      ? {
          complaints: [
            { id: 'unknown-word', severity: 'error', class: 'general', message, word: 0 },
          ],
        }
      : { value };
  },
  format: (value) => value,
  schema: { enum: names },
});

const hmacRows = {
  key: optional(hmacKey, 'A key; several allow a change of keys without a gap.', {
    example: '1 hex:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f',
    since: '2.4.3',
  }),
  active_key: optional(integer(1, 255), 'The key that adverts are signed with.', {
    otherwise: 'none: it is required',
    since: '2.4.3',
    example: '1',
  }),
  time_window: optional(wholeSeconds(1, 300), 'How old a signed advert may be.', {
    otherwise: 'three adverts or 5 s',
    since: '2.4.3',
    example: '5',
  }),
  anti_replay: defaulted(choice('time', 'monotonic'), 'time', 'What tells an old advert.', {
    since: '2.4.3',
  }),
  mode: defaulted(
    choice('enforce', 'permissive', 'receive-only'),
    'enforce',
    'Whether unsigned adverts are accepted.',
    { since: '2.4.3' },
  ),
};

export const optionRows = {
  smtp_alert: optional(onOff, 'Mail on changes of state.', {
    refusal: 'Invalid vrrp_instance smtp_alert parameter %w',
    otherwise: 'smtp_alert_vrrp, then smtp_alert of global_defs, then off',
  }),
  notify_priority_changes: inherited(
    onOff,
    'vrrp_notify_priority_changes',
    'Write changes of the priority to the FIFOs.',
    { refusal: "(%n) Invalid value '%w' for notify_priority_changes specified" },
  ),
  kernel_rx_buf_size: optional(
    {
      ...integer(0, 4294967295),
      parse: (words, raw) =>
        words.length === 1
          ? exactInteger(0, 4294967295).parse(words, raw)
          : {
              complaints: [
                {
                  id: 'extra-words',
                  severity: 'error',
                  class: 'general',
                  message: 'one word and no more',
                  word: 1,
                },
              ],
            },
    },
    'Receive buffer of the instance in bytes.',
    {
      bare: '(%n) invalid kernel_rx_buf_size specified',
      refusal: '(%n) invalid kernel_rx_buf_size specified',
      otherwise: 'vrrp_rx_bufs_policy',
      example: '1000000',
    },
  ),
  unicast_fault_no_peer: defaulted(
    flag,
    false,
    'Fail rather than use multicast where unicast is wanted and no peer is given.',
  ),
  old_unicast_checksum: optional(
    checksum,
    'Checksum of unicast VRRPv3 as keepalived up to 1.3.6 had it; never: do not even look for it.',
    { otherwise: 'found out', example: 'never' },
  ),
  no_virtual_ipaddress: defaulted(flag, false, 'Allow an instance without addresses.', {
    since: '2.4.3',
  }),
  v3_checksum_as_v2: inherited(
    onOff,
    'v3_checksum_as_v2',
    'Leave the pseudo header out of the checksum of VRRPv3 for IPv4.',
    { since: '2.4.3' },
  ),
  timer_expired_backup: optional(
    expiry,
    'Become backup where timers ran so late that another may be master.',
    {
      otherwise: 'off',
      since: '2.4.3',
      aliases: {
        thread_timer_expired: {
          message:
            'Keyword "thread_timer_expired" is deprecated - please use "timer_expired_backup"',
        },
      },
    },
  ),
  owner_ignore_adverts: inherited(
    onOff,
    'vrrp_owner_ignore_adverts',
    'With priority 255 ignore all adverts.',
    { since: '2.4.3' },
  ),
  no_accept: defaulted(flag, false, 'Drop packets sent to the virtual addresses.'),
  strict_mode: inherited(onOff, 'vrrp_strict', 'Allow only what the RFCs allow.', {
    refusal: '(%n) invalid strict_mode %w specified',
  }),
  garp_extra_if: optional(
    extraInterfaces(0, '(%n): '),
    'Announce addresses on other interfaces again and again.',
    {
      bare: '(%n): %k specified without time - ignoring',
      otherwise: 'vrrp_garp_extra_if',
      aliases: {
        vmac_garp_intvl: {
          message: 'Keyword "vmac_garp_intvl" is deprecated - please use "garp_extra_if"',
        },
      },
      example: 'all 300',
    },
  ),
  lvs_sync_daemon_interface: optional(
    {
      ...interfaceName,
      parse: ([name = '']) => ({
        value: name,
        complaints: [
          {
            id: 'deprecated',
            severity: 'warning',
            class: 'deprecated',
            message: '(%n) Specifying lvs_sync_daemon_interface against a vrrp is deprecated.',
            hint: 'use lvs_sync_daemon in global_defs',
          },
        ],
      }),
    },
    'Former place of lvs_sync_daemon.',
    { example: 'eth0' },
  ),
  auth_hmac: section(hmacRows, 'Signatures of adverts. Refused: nothing runs with it.', {
    since: '2.4.3',
    example: {
      lines: [
        'key 1 hex:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f',
        'active_key 1',
      ],
    },
  }),
  debug: defaulted(integer(0, 4), 0, 'Not used, neither by keepalived.', {
    refusal: "(%n) Debug value '%w' not valid; must be between 0-4",
  }),
};
