// The grammar of numbers, durations, switches and masks, as observed on keepalived 2.2.7.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { cNumber, fileMask, realTime } from '../../src/config/process.ts';
import {
  decimalSeconds,
  exactInteger,
  integer,
  onOff,
  quote,
  readIp,
  repeats,
  type ValueType,
  wholeSeconds,
} from '../../src/config/value.ts';
import { peerLine } from '../../src/vrrp/peer.ts';
import { addressLine, initialState } from '../../src/vrrp/value.ts';

const read = <T>(type: ValueType<T>, text: string): T | string | undefined => {
  const words = text.split(' ');
  const { value, complaints = [] } = type.parse(words, text);
  return value ?? complaints[0]?.message;
};
/** One word, whatever blanks are in it. */
const readWord = <T>(type: ValueType<T>, word: string): T | string | undefined => {
  const { value, complaints = [] } = type.parse([word], word);
  return value ?? complaints[0]?.message;
};

describe('whole numbers', () => {
  const type = exactInteger(1, 255);
  for (const [text, value] of [
    ['5', 5],
    ['+5', 5],
    [' 5', 5],
    ['\t5', 5],
    ['010', 10],
    ['5 ', "invalid number '5 '"],
    ['0x10', "invalid number '0x10'"],
    ['1.5', "invalid number '1.5'"],
    ['10x', "invalid number '10x'"],
    ['+', "invalid number '+'"],
    ['-', "negative number '-'"],
    ['--1', "negative number '--1'"],
    ['-0', "negative number '-0'"],
    ['', "number '' outside range [1, 255]"],
    ['256', "number '256' outside range [1, 255]"],
    ['4294967296', "number '4294967296' outside unsigned integer range"],
    ['99999999999999999999999', "number '99999999999999999999999' outside unsigned integer range"],
  ] as const)
    it(`reads ${JSON.stringify(text)}`, () => assert.equal(readWord(type, text), value));

  for (const [text, value] of [
    ['10x', 10],
    ['1.5', 1],
    ['0x10', 0],
    ['x', "invalid number 'x'"],
    ['-7x', "negative number '-7x'"],
    ['300x', "invalid number '300x'"],
  ] as const)
    it(`counts the digits in front, as a running keepalived: ${text}`, () => {
      const lenient = integer(0, 255);
      assert.equal(readWord(lenient, text), value);
      const [complaint] = lenient.parse([text], text).complaints ?? [];
      assert.equal(complaint?.class, 'number');
      if (typeof value === 'number')
        assert.deepEqual([complaint?.severity, complaint?.assumed], ['warning', String(value)]);
    });

  it('takes an empty word for 0', () => assert.equal(readWord(integer(0, 9), ''), 0));
  it('knows negative numbers where the range has them', () => {
    assert.equal(readWord(integer(-20, 19), '-20'), -20);
    assert.equal(readWord(integer(-20, 19), '-21'), "number '-21' outside range [-20, 19]");
  });
  it('counts seconds in microseconds', () =>
    assert.equal(readWord(wholeSeconds(0, 4294), '3'), 3_000_000));
});

describe('seconds with decimals', () => {
  const type = decimalSeconds(0.01, 255);
  for (const [text, value] of [
    ['1', 1_000_000],
    ['.5', 500_000],
    ['1.', 1_000_000],
    ['+1', 1_000_000],
    [' 1', 1_000_000],
    ['1.123456', 1_123_456],
    ['0.01', 10_000],
    ['255.0', 255_000_000],
    ['1.1234567', 1_123_457],
    ['1,5', "invalid number '1,5'"],
    ['1e1', "invalid number '1e1'"],
    ['1s', "invalid number '1s'"],
    ['1..2', "invalid number '1..2'"],
    ['-1.5', "negative number '-1.5'"],
    ['.', "number '.' outside range [0.010000, 255.000000]"],
    ['0.009', "number '0.009' outside range [0.010000, 255.000000]"],
    ['256', "number '256' outside range [0.010000, 255.000000]"],
  ] as const)
    it(`reads ${JSON.stringify(text)}`, () => assert.equal(readWord(type, text), value));

  it('says that more than six decimals are too many, and rounds', () => {
    const { complaints = [] } = type.parse(['1.0000001'], '');
    assert.deepEqual(
      complaints.map((c) => c.message),
      ["number '1.0000001' has too many decimal places"],
    );
  });
});

describe('words', () => {
  it('switches only in lower case', () => {
    for (const word of ['on', 'true', 'yes']) assert.equal(readWord(onOff, word), true);
    for (const word of ['off', 'false', 'no']) assert.equal(readWord(onOff, word), false);
    for (const word of ['TRUE', 'Off', '1']) assert.equal(typeof readWord(onOff, word), 'string');
    assert.equal(onOff.parse([], '').value, true);
  });

  it('makes any unknown state BACKUP', () => {
    const { value, complaints = [] } = initialState.parse(['master'], 'master');
    assert.equal(value, 'BACKUP');
    assert.equal(complaints[0]?.hint, "did you mean 'MASTER'?");
  });

  it('turns no repeats into one', () => {
    const { value, complaints = [] } = repeats('').parse(['0'], '0');
    assert.equal(value, 1);
    assert.equal(complaints[0]?.message, '%k must be greater than 0, setting to 1');
  });

  it('reads masks as C numbers or as bits', () => {
    assert.equal(read(fileMask, '022'), 0o22);
    assert.equal(read(fileMask, '8'), 8);
    assert.equal(read(fileMask, '0x1ff'), 0o777);
    assert.equal(read(fileMask, 'IWGRP | IWOTH'), 0o022);
    assert.equal(read(fileMask, '01000'), 'invalid umask value 01000');
    assert.equal(read(fileMask, '999'), 'invalid umask value 999');
    assert.equal(read(fileMask, '1 2'), 'Extra parameter(s) to umask option');
    assert.equal(cNumber('08'), undefined);
  });

  it('moves real-time priorities into their range', () => {
    assert.equal(read(realTime('vrrp'), '100'), 99);
    assert.equal(read(realTime('vrrp'), '0'), 1);
    assert.equal(read(realTime('vrrp'), 'x'), "invalid number 'x'");
  });

  it('wants IPv4 addresses without leading zeros', () => {
    assert.equal(readIp('010.1.1.1'), undefined);
    assert.equal(readIp('10.0.0.1'), '10.0.0.1');
    assert.equal(readIp('fe80::01'), 'fe80::1');
  });

  it('quotes what would not survive', () => {
    assert.equal(quote('a b'), '"a b"');
    assert.equal(quote('a#b'), '"a#b"');
    assert.equal(quote('ab'), 'ab');
  });
});

describe('a line of virtual_ipaddress', () => {
  const address = (text: string): unknown => addressLine.parse(text.split(' '), text);
  const messages = (text: string): string[] =>
    (addressLine.parse(text.split(' '), text).complaints ?? []).map((c) => c.message);

  for (const text of ['fd00::1/64 scope global', 'fd00::1/64 scope 0'])
    it(`says nothing of ${text}`, () => assert.deepEqual(messages(text), []));
  for (const [written, meant] of [
    ['forever', 'forever'],
    ['4294967295', 'forever'],
    ['20', 20],
    ['0', 0],
  ] as const)
    it(`is preferred for ${written}`, () =>
      assert.equal(
        addressLine.parse(['fd00::1', 'preferred_lft', written], '').value?.preferred_lft,
        meant,
      ));

  it('has a prefix of one host by default', () => {
    assert.deepEqual(address('10.0.0.1'), {
      value: { address: '10.0.0.1', prefix: 32 },
      complaints: [],
    });
    assert.deepEqual(address('fd00::1'), {
      value: { address: 'fd00::1', prefix: 128 },
      complaints: [],
    });
  });

  it('reads every option', () => {
    const text = '10.0.0.1/20 brd + dev eth1 scope link label eth1:x noprefixroute autojoin';
    assert.deepEqual(addressLine.parse(text.split(' '), text).value, {
      address: '10.0.0.1',
      prefix: 20,
      broadcast: '10.0.15.255',
      dev: 'eth1',
      scope: 253,
      label: 'eth1:x',
      noprefixroute: true,
      autojoin: true,
    });
  });

  for (const [text, kept, message] of [
    ['10.0.0.1/33', true, 'Invalid address prefix len 33 for address 10.0.0.1/33 - using 32'],
    ['10.0.0.x', false, 'VRRP parsed invalid IP 10.0.0.x. skipping IP...'],
    ['10.0.0.1 dev', false, 'No dev parameter specified for 10.0.0.1'],
    ['10.0.0.1 scope', false, 'No scope parameter specified for 10.0.0.1'],
    ['10.0.0.1 dev a dev b', false, 'Cannot specify ipaddress device more than once for 10.0.0.1'],
    ['10.0.0.1 brd x', false, 'VRRP is trying to assign invalid broadcast x. skipping VIP...'],
    ['10.0.0.1/32 brd +', true, 'Address prefix length 32 too long for broadcast'],
    ['10.0.0.1 scope foo', true, "Invalid scope 'foo' specified for 10.0.0.1 - ignoring"],
    ['10.0.0.1 bogus', true, "Unknown configuration entry 'bogus' for ip address - ignoring"],
    ['fd00::1 preferred_lft infinite', true, 'preferred_lft infinite is invalid'],
    ['10.0.0.1 preferred_lft 4294967296', true, 'preferred_lft 4294967296 is invalid'],
    ['10.0.0.1 preferred_lft', false, 'No preferred_lft parameter specified for 10.0.0.1'],
    [
      'fd00::1 scope link',
      true,
      'Cannot specify scope for IPv6 addresses (fd00::1) - ignoring scope',
    ],
    ['fd00::1 label x', true, 'Cannot specify label for IPv6 addresses (fd00::1) - ignoring label'],
    ['10.0.0.1 peer fd00::1', true, 'Peer address fd00::1 does not match address family'],
    [
      '10.0.0.1/24 peer 10.0.0.2',
      true,
      'Cannot specify address prefix when specifying peer address - ignoring',
    ],
  ] as const)
    it(`says of ${text}: ${message}`, () => {
      assert.deepEqual(messages(text), [message]);
      assert.equal(addressLine.parse(text.split(' '), text).value !== undefined, kept);
    });
});

describe('a line of unicast_peer', () => {
  it('reads limits, and drops those it cannot read', () => {
    const peer = (text: string): unknown => peerLine.parse(text.split(' '), text).value;
    assert.deepEqual(peer('10.0.0.1 min_ttl 20 max_ttl 30'), {
      address: '10.0.0.1',
      min_ttl: 20,
      max_ttl: 30,
    });
    assert.deepEqual(peer('10.0.0.1 max_ttl x min_ttl 3'), { address: '10.0.0.1', min_ttl: 3 });
    assert.deepEqual(peer('10.0.0.1/24'), { address: '10.0.0.1' });
    assert.equal(peer('10.x'), undefined);
  });
});
