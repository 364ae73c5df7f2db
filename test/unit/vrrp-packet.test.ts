// Adverts byte for byte as keepalived 2.2.7 puts them on the wire, and every check of RFC 3768 7.1 and RFC 9568 7.1.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { internetChecksum } from '../../src/lib/checksum.ts';
import { family } from '../../src/lib/ip.ts';
import { millis, seconds } from '../../src/lib/time.ts';
import type { ReceivedPacket } from '../../src/vrrp/event.ts';
import type { VrrpInstance } from '../../src/vrrp/keywords.ts';
import {
  type Advert,
  addressDifference,
  decodeAdvert,
  disagreement,
  type Expectation,
  vridOf,
} from '../../src/vrrp/packet.ts';
import { adverts } from '../../src/vrrp/speech.ts';
import { instance, ip } from '../sim/config.ts';

const bytes = (hex: string): Uint8Array =>
  Uint8Array.from(Buffer.from(hex.replace(/\s/g, ''), 'hex'));
const hex = (data: Uint8Array): string => Buffer.from(data).toString('hex');

/** A captured IPv4 datagram as its sender handed it to the kernel, which fills in the identification. */
function unnumbered(captured: string): Uint8Array {
  const data = bytes(captured);
  data.fill(0, 4, 6);
  data.fill(0, 10, 12);
  const sum = internetChecksum(data.subarray(0, 20));
  data.set([sum >> 8, sum & 0xff], 10);
  return data;
}

const vips = (...addresses: string[]) =>
  addresses.map((address) => ({ address: ip(address), prefix: 24, scope: 0 }));

interface Capture {
  readonly what: string;
  readonly config: VrrpInstance;
  readonly source: string;
  readonly priority: number;
  readonly captured: string;
}

// Captured with tcpdump -xx from keepalived 2.2.7, Ethernet and IPv6 headers cut off.
const captures: readonly Capture[] = [
  {
    what: 'version 2 without authentication, address owner',
    config: instance({ virtual_router_id: 16, virtual_ipaddress: vips('10.0.0.116') }),
    source: '10.0.0.1',
    priority: 255,
    captured: `45c0 0028 0001 0000 ff70 d091 0a00 0001 e000 0012
               2110 ff01 0001 d578 0a00 0074 0000 0000 0000 0000`,
  },
  {
    what: 'version 2 with a password and two addresses',
    config: instance({
      virtual_router_id: 10,
      authentication: { auth_type: 'PASS', auth_pass: 'secret12' },
      virtual_ipaddress: vips('10.0.0.100', '10.0.0.101'),
    }),
    source: '10.0.0.1',
    priority: 150,
    captured: `45c0 002c 0001 0000 ff70 d08d 0a00 0001 e000 0012
               210a 9602 0101 c5aa 0a00 0064 0a00 0065 7365 6372 6574 3132`,
  },
  {
    what: 'version 2 giving the role up',
    config: instance({
      virtual_router_id: 10,
      authentication: { auth_type: 'PASS', auth_pass: 'secret12' },
      virtual_ipaddress: vips('10.0.0.100', '10.0.0.101'),
    }),
    source: '10.0.0.1',
    priority: 0,
    captured: `45c0 002c 0004 0000 ff70 d08a 0a00 0001 e000 0012
               210a 0002 0101 5bab 0a00 0064 0a00 0065 7365 6372 6574 3132`,
  },
  {
    what: 'version 2 unicast',
    config: instance({
      virtual_router_id: 13,
      unicast_peer: [{ address: ip('10.0.0.2') }],
      virtual_ipaddress: vips('10.0.0.113'),
    }),
    source: '10.0.0.1',
    priority: 150,
    captured: `45c0 0028 0001 0000 ff70 a6a2 0a00 0001 0a00 0002
               210d 9601 0001 3e7f 0a00 0071 0000 0000 0000 0000`,
  },
  {
    what: 'version 3 over IPv4 every half second',
    config: instance({
      version: 3,
      virtual_router_id: 11,
      advert_int: millis(500),
      virtual_ipaddress: vips('10.0.0.110'),
    }),
    source: '10.0.0.1',
    priority: 150,
    captured: `45c0 0020 0001 0000 ff70 d099 0a00 0001 e000 0012 310b 9601 0032 43c3 0a00 006e`,
  },
  {
    what: 'version 3 unicast over IPv4 with its own TTL',
    config: instance({
      version: 3,
      virtual_router_id: 14,
      unicast_ttl: 64,
      unicast_peer: [{ address: ip('10.0.0.2') }],
      virtual_ipaddress: vips('10.0.0.114'),
    }),
    source: '10.0.0.1',
    priority: 150,
    captured: `45c0 0020 0001 0000 4070 65ab 0a00 0001 0a00 0002 310e 9601 0064 199b 0a00 0072`,
  },
  {
    what: 'version 3 over IPv6 with two addresses',
    config: instance({
      version: 3,
      family: 6,
      virtual_router_id: 12,
      advert_int: millis(500),
      mcast_dst_ip: ip('ff02::12'),
      virtual_ipaddress: vips('fe80::12:1', 'fd00::112'),
    }),
    source: 'fe80::ff:fe00:1',
    priority: 150,
    captured: `310c 9602 0032 3ee9
               fe80 0000 0000 0000 0000 0000 0012 0001 fd00 0000 0000 0000 0000 0000 0000 0112`,
  },
  {
    what: 'version 3 unicast over IPv6',
    config: instance({
      version: 3,
      family: 6,
      virtual_router_id: 15,
      unicast_peer: [{ address: ip('fd00::2') }],
      virtual_ipaddress: vips('fd00::115'),
    }),
    source: 'fd00::1',
    priority: 150,
    captured: `310f 9601 0064 3fe8 fd00 0000 0000 0000 0000 0000 0000 0115`,
  },
];

for (const { what, config, source, priority, captured } of captures)
  test(`an advert is keepalived's, byte for byte: ${what}`, () => {
    const [datagram] = adverts(config, ip(source), priority);
    const expected = config.family === 4 ? unnumbered(captured) : bytes(captured);
    assert.equal(hex(datagram?.bytes ?? new Uint8Array()), hex(expected));
  });

const received = (capture: Capture, changes: Partial<ReceivedPacket> = {}): ReceivedPacket => ({
  source: ip(capture.source),
  destination: capture.config.unicast_peer[0]?.address ?? capture.config.mcast_dst_ip,
  hopLimit: 255,
  interface: 2,
  bytes: bytes(capture.captured),
  ...changes,
});

for (const capture of captures)
  test(`keepalived's advert is understood: ${capture.what}`, () => {
    const packet = received(capture);
    assert.equal(vridOf(packet), capture.config.virtual_router_id);
    const decoded = decodeAdvert(packet);
    assert.ok(decoded.ok);
    const { version, vrid, priority, interval, addresses } = decoded.value;
    assert.deepEqual(
      { version, vrid, priority, interval, addresses },
      {
        version: capture.config.version,
        vrid: capture.config.virtual_router_id,
        priority: capture.priority,
        interval: capture.config.advert_int,
        addresses: capture.config.virtual_ipaddress.map(({ address }) => address),
      },
    );
    assert.equal(family(decoded.value.source), capture.config.family);
  });

// What an instance with the second capture's configuration expects.
const plain = captures[1] as Capture;
const threes = captures[4] as Capture;

/** The captured bytes with some changed and the VRRP checksum made right again. */
function altered(capture: Capture, change: (vrrp: Uint8Array) => void): ReceivedPacket {
  const packet = received(capture);
  const vrrp = packet.bytes.subarray(20);
  change(vrrp);
  vrrp.fill(0, 6, 8);
  const pseudo =
    capture.config.version === 3
      ? Uint8Array.of(...packet.bytes.subarray(12, 20), 0, 112, vrrp.length >> 8, vrrp.length & 255)
      : new Uint8Array();
  const sum = internetChecksum(pseudo, vrrp);
  vrrp.set([sum >> 8, sum & 0xff], 6);
  return packet;
}

function reason(packet: ReceivedPacket): string {
  const decoded = decodeAdvert(packet);
  return decoded.ok ? 'accepted' : `${decoded.error.reason}: ${decoded.error.text}`;
}

test('RFC 3768 7.1: the length must be that of the header, its addresses and the authentication data', () => {
  const short = received(plain);
  assert.equal(
    reason({ ...short, bytes: short.bytes.subarray(0, 30) }),
    'length: vrrp packet too short, length 30 and expect 44',
  );
  const long = Uint8Array.of(...short.bytes, 1, 2, 3, 4);
  assert.equal(
    reason({ ...short, bytes: long }),
    'length: vrrp packet too long, length 48 and expect 44',
  );
  assert.match(
    reason(altered(plain, (vrrp) => vrrp.fill(5, 3, 4))),
    /too short, length 44 and expect 56/,
  );
  assert.match(
    reason(altered(plain, (vrrp) => vrrp.fill(1, 3, 4))),
    /too long, length 44 and expect 40/,
  );
});

test('an IP header that lies about the length is refused', () => {
  const packet = received(plain);
  packet.bytes.set([0, 60], 2);
  assert.match(reason(packet), /^length/);
});

test('IP options before the advert are passed over', () => {
  const { bytes: data, ...rest } = received(plain);
  const options = Uint8Array.of(...data.subarray(0, 20), 1, 1, 1, 1, ...data.subarray(20));
  options[0] = 0x46;
  options.set([0, options.length], 2);
  assert.equal(reason({ ...rest, bytes: options }), 'accepted');
});

test('RFC 9568 7.1: MUST verify that the version is 2 or 3', () => {
  const packet = altered(threes, (vrrp) => vrrp.fill(0x41, 0, 1));
  assert.match(reason(packet), /^version: wrong version. Received 4/);
});

test('RFC 9568 5.2.2: a packet with unknown type MUST be discarded', () => {
  assert.equal(
    reason(altered(plain, (vrrp) => vrrp.fill(0x22, 0, 1))),
    'type: Invalid packet type. 2 and expect 1',
  );
});

test('RFC 9568 7.1: MUST verify the checksum', () => {
  const wrong = received(plain);
  wrong.bytes.set([0, 0], 26);
  assert.equal(reason(wrong), 'checksum: Invalid VRRPv2 checksum');
});

test('RFC 9568 5.2.8: in version 3 the checksum covers a pseudo-header, over IPv4 too', () => {
  const packet = received(threes);
  const vrrp = packet.bytes.subarray(20);
  vrrp.fill(0, 6, 8);
  const sum = internetChecksum(vrrp);
  vrrp.set([sum >> 8, sum & 0xff], 6);
  assert.equal(reason(packet), 'checksum: Invalid VRRPv3 checksum');
});

test('RFC 9568 5.2.6: reserved bits before the interval are ignored on reception', () => {
  const decoded = decodeAdvert(altered(threes, (vrrp) => vrrp.fill(0xf0, 4, 5)));
  assert.ok(decoded.ok);
  assert.equal(decoded.value.interval, millis(500));
});

test('a packet too short to name a virtual router belongs to nobody', () => {
  assert.equal(vridOf({ ...received(plain), bytes: new Uint8Array(24) }), undefined);
  assert.equal(vridOf({ ...received(plain), bytes: new Uint8Array(0) }), undefined);
});

const expected = (changes: Partial<Expectation> = {}): Expectation => ({
  version: 2,
  interval: seconds(1),
  authType: 1,
  password: new TextEncoder().encode('secret12'),
  ...changes,
});

function heard(changes: Partial<Advert> = {}): Advert {
  const decoded = decodeAdvert(received(plain));
  assert.ok(decoded.ok);
  return { ...decoded.value, ...changes };
}

const verdict = (advert: Advert, expectation: Expectation = expected()): string | undefined => {
  const drop = disagreement(advert, expectation);
  return drop === undefined ? undefined : `${drop.reason}: ${drop.text}`;
};

test('RFC 9568 7.1: MUST verify that the IPv4 TTL or IPv6 hop limit is 255', () => {
  assert.equal(verdict(heard()), undefined);
  assert.equal(
    verdict(heard({ hopLimit: 254 })),
    'ttl: invalid TTL/HL. Received 254 and expect 255',
  );
  assert.match(verdict(heard({ hopLimit: -1 })) ?? '', /^ttl/);
});

test('an advert of the other version is not ours to follow', () => {
  assert.equal(
    verdict(heard(), expected({ version: 3 })),
    'version: wrong version. Received 2 and expect 3',
  );
});

test('RFC 3768 7.1: the authentication type must be known, and the configured one', () => {
  assert.equal(verdict(heard({ authType: 7 })), 'authType: Invalid auth type: 7');
  assert.equal(verdict(heard({ authType: 0 })), 'authMismatch: received a 0 auth, expecting 1!');
  assert.equal(verdict(heard({ authType: 2 })), 'authMismatch: received a 2 auth, expecting 1!');
});

test('a password must match in all its eight bytes', () => {
  const wrong = new TextEncoder().encode('secret13');
  assert.equal(verdict(heard({ password: wrong })), 'authFailure: received an invalid passwd!');
  const shorter = expected({ password: new TextEncoder().encode('secret1') });
  assert.equal(verdict(heard(), shorter), 'authFailure: received an invalid passwd!');
});

test('RFC 3768 7.1: MUST verify that the Adver Interval is the configured one', () => {
  assert.equal(
    verdict(heard({ interval: seconds(2) })),
    "interval: advertisement interval mismatch mine=1 sec rcv'd=2 sec",
  );
});

test('a version 3 advert may have another interval, but not none', () => {
  const three = (interval: number) => heard({ version: 3, interval: millis(interval) });
  assert.equal(verdict(three(250), expected({ version: 3 })), undefined);
  assert.match(verdict(three(0), expected({ version: 3 })) ?? '', /^interval/);
});

test('a unicast peer has TTL limits of its own', () => {
  const unicast = { checkSource: true, peers: [{ address: ip('10.0.0.1'), min_ttl: 250 }] };
  assert.equal(verdict(heard({ hopLimit: 250 }), expected({ unicast })), undefined);
  assert.equal(
    verdict(heard({ hopLimit: 249 }), expected({ unicast })),
    'ttl: TTL/HL 249 not in range 250 - 255',
  );
});

test('check_unicast_src drops what comes from no peer, and only then', () => {
  const unicast = { checkSource: true, peers: [{ address: ip('10.0.0.9') }] };
  assert.equal(
    verdict(heard(), expected({ unicast })),
    'source: unicast source address 10.0.0.1 not a unicast peer',
  );
  assert.equal(
    verdict(heard({ hopLimit: 3 }), expected({ unicast: { ...unicast, checkSource: false } })),
    undefined,
  );
});

test('the advertised addresses are compared in any order', () => {
  const ours = [ip('10.0.0.101'), ip('10.0.0.100')];
  assert.equal(addressDifference(heard(), ours, 10), undefined);
  assert.equal(
    addressDifference(heard(), [ip('10.0.0.100')], 10)?.text,
    'received an unexpected ip number count 2, expected 1!',
  );
  assert.equal(
    addressDifference(heard(), [ip('10.0.0.100'), ip('10.0.0.109')], 10)?.text,
    'ip address associated with VRID 10 not present in MASTER advert: 10.0.0.109',
  );
});
