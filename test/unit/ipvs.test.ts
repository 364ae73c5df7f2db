// IPVS commands as bytes, against include/uapi/linux/ip_vs.h read by hand.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Ip } from '../../src/lib/ip.ts';
import { type IpvsOrder, SERVICE_FLAG, type SyncDaemon } from '../../src/lib/ipvs.ts';
import { seconds } from '../../src/lib/time.ts';
import { decodeFamily, encodeFamiliesQuery } from '../../src/net/genl.ts';
import {
  decodeDestination,
  decodeService,
  decodeSync,
  decodeTimeouts,
  encodeDestinationsQuery,
  encodeOrder,
  encodeServicesQuery,
  encodeTimeoutsQuery,
} from '../../src/net/genl-ipvs.ts';
import { decodeMessages, type Message } from '../../src/net/netlink.ts';

const TYPE = 0x22;
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const bytes = (...words: string[]): string => words.join('').replaceAll(' ', '');
const only = (message: Uint8Array): Message => {
  const messages = decodeMessages(message);
  assert.equal(messages.length, 1);
  return messages[0] as Message;
};
/** Header of a message and of generic netlink. */
const head = (length: number, flags: string, command: string): string =>
  `${length.toString(16).padStart(2, '0')}000000 2200 ${flags} 07000000 00000000 ${command} 01 0000`;

const web = { protocol: 'TCP', address: '192.0.2.1' as Ip, port: 80 } as const;
const mark6 = { family: 6, mark: 9 } as const;

describe('orders', () => {
  it('a service over IPv4: key, scheduler, flags with their mask, timeout, netmask', () => {
    const order: IpvsOrder = {
      type: 'addService',
      key: web,
      service: {
        scheduler: 'sh',
        flags: SERVICE_FLAG.persistent | SERVICE_FLAG.scheduler2,
        timeout: 300,
        netmask: '255.255.255.0' as Ip,
        engine: 'sip',
      },
    };
    assert.equal(
      hex(encodeOrder(TYPE, order, 7, true)),
      bytes(
        head(100, '0500', '01'),
        '5000 0100',
        '0600 0100 0200 0000',
        '0600 0200 0600 0000',
        '0800 0300 c0000201',
        '0600 0400 0050 0000',
        '0700 0600 736800 00',
        '0c00 0700 11000000 ffffffff',
        '0800 0800 2c010000',
        '0800 0900 ffffff00',
        '0800 0b00 73697000',
      ),
    );
  });

  it('a service of a mark over IPv6 has no address, and a prefix length for a netmask', () => {
    const service = { scheduler: 'rr', flags: 0, timeout: 0, netmask: 128 };
    assert.equal(
      hex(encodeOrder(TYPE, { type: 'editService', key: mark6, service }, 7, false)),
      bytes(
        head(76, '0100', '02'),
        '3800 0100',
        '0600 0100 0a00 0000',
        '0800 0500 09000000',
        '0700 0600 727200 00',
        '0c00 0700 00000000 ffffffff',
        '0800 0800 00000000',
        '0800 0900 80000000',
      ),
    );
  });

  it('a destination in a GUE tunnel: family of its own, type, port in network order, checksum', () => {
    const order: IpvsOrder = {
      type: 'addDestination',
      key: mark6,
      destination: { address: '198.51.100.7' as Ip, port: 0 },
      to: {
        forwarding: { method: 'TUN', type: 'gue', port: 6080, checksum: 'remcsum' },
        weight: 3,
        upperThreshold: 20,
        lowerThreshold: 10,
      },
    };
    assert.equal(
      hex(encodeOrder(TYPE, order, 7, false)),
      bytes(
        head(124, '0100', '05'),
        '1400 0100',
        '0600 0100 0a00 0000',
        '0800 0500 09000000',
        '5400 0200',
        '0800 0100 c6336407',
        '0600 0200 0000 0000',
        '0600 0b00 0200 0000',
        '0800 0300 02000000',
        '0800 0400 03000000',
        '0800 0500 14000000',
        '0800 0600 0a000000',
        '0500 0d00 01 000000',
        '0600 0e00 17c0 0000',
        '0600 0f00 0200 0000',
      ),
    );
  });

  it('NAT and DR are 0 and 3, and say nothing of tunnels', () => {
    for (const [method, code] of [
      ['NAT', '00000000'],
      ['DR', '03000000'],
    ] as const) {
      const order: IpvsOrder = {
        type: 'editDestination',
        key: web,
        destination: { address: '2001:db8::1' as Ip, port: 443 },
        to: { forwarding: { method }, weight: 1, upperThreshold: 0, lowerThreshold: 0 },
      };
      assert.equal(
        hex(encodeOrder(TYPE, order, 7, false)),
        bytes(
          head(128, '0100', '06'),
          '2400 0100 0600 0100 0200 0000 0600 0200 0600 0000 0800 0300 c0000201 0600 0400 0050 0000',
          '4800 0200',
          '1400 0100 20010db8 00000000 00000000 00000001',
          '0600 0200 01bb 0000',
          '0600 0b00 0a00 0000',
          `0800 0300 ${code}`,
          '0800 0400 01000000',
          '0800 0500 00000000',
          '0800 0600 00000000',
        ),
      );
    }
  });

  it('removal names nothing but the key', () => {
    const key = { protocol: 'SCTP', address: '192.0.2.1' as Ip, port: 5060 } as const;
    const named =
      '2400 0100 0600 0100 0200 0000 0600 0200 8400 0000 0800 0300 c0000201 0600 0400 13c4 0000';
    assert.equal(
      hex(encodeOrder(TYPE, { type: 'removeService', key }, 7, true)),
      bytes(head(56, '0500', '03'), named),
    );
    const destination = { address: '198.51.100.7' as Ip, port: 5060 };
    assert.equal(
      hex(encodeOrder(TYPE, { type: 'removeDestination', key, destination }, 7, true)),
      bytes(
        head(84, '0500', '07'),
        named,
        '1c00 0200 0800 0100 c6336407 0600 0200 13c4 0000 0600 0b00 0200 0000',
      ),
    );
  });

  it('flush says nothing more; only the timeouts that are given are set, in seconds', () => {
    assert.equal(hex(encodeOrder(TYPE, { type: 'flush' }, 7, true)), bytes(head(20, '0500', '11')));
    const timeouts = { tcp: seconds(7200), udp: seconds(0) };
    assert.equal(
      hex(encodeOrder(TYPE, { type: 'timeouts', timeouts }, 7, true)),
      bytes(head(36, '0500', '0c'), '0800 0400 201c0000', '0800 0600 00000000'),
    );
    assert.equal(
      hex(encodeOrder(TYPE, { type: 'timeouts', timeouts: { tcpfin: seconds(60) } }, 7, true)),
      bytes(head(28, '0500', '0c'), '0800 0500 3c000000'),
    );
  });
});

describe('sync daemons', () => {
  it('start with every option; only group, number and the like that are given', () => {
    const daemon: SyncDaemon = {
      role: 'backup',
      interface: 'eth0',
      id: 51,
      maxlen: 1400,
      group: '224.0.0.99' as Ip,
      port: 8850,
      ttl: 3,
    };
    assert.equal(
      hex(encodeOrder(TYPE, { type: 'startSync', daemon }, 7, true)),
      bytes(
        head(84, '0500', '09'),
        '4000 0300',
        '0800 0100 02000000',
        '0900 0200 65746830 00 000000',
        '0800 0300 33000000',
        '0600 0400 7805 0000',
        '0800 0500 e0000063',
        '0600 0700 9222 0000',
        '0500 0800 03 000000',
      ),
    );
    assert.deepEqual(
      decodeSync(only(encodeOrder(TYPE, { type: 'startSync', daemon }, 7, true))),
      daemon,
    );
    const six: SyncDaemon = { role: 'master', interface: 'eth0', id: 0, group: 'ff02::1' as Ip };
    assert.deepEqual(
      decodeSync(only(encodeOrder(TYPE, { type: 'startSync', daemon: six }, 7, true))),
      six,
    );
  });

  it('stop by their role', () => {
    assert.equal(
      hex(encodeOrder(TYPE, { type: 'stopSync', role: 'master' }, 7, true)),
      bytes(head(32, '0500', '0a'), '0c00 0300 0800 0100 01000000'),
    );
  });
});

describe('timeouts', () => {
  it('are asked for with an acknowledgement, for there is no dump of them', () => {
    assert.equal(
      hex(encodeTimeoutsQuery(TYPE)),
      bytes('14000000 2200 0500 01000000 00000000 0d 01 0000'),
    );
  });

  it('are seconds; where one is missing none is known', () => {
    const timeouts = { tcp: seconds(900), tcpfin: seconds(120), udp: seconds(300) };
    const answer = encodeOrder(TYPE, { type: 'timeouts', timeouts }, 7, false);
    assert.deepEqual(decodeTimeouts(only(answer)), timeouts);
    const part = encodeOrder(TYPE, { type: 'timeouts', timeouts: { tcp: seconds(900) } }, 7, false);
    assert.equal(decodeTimeouts(only(part)), undefined);
  });
});

describe('questions', () => {
  it('are dumps', () => {
    assert.equal(
      hex(encodeServicesQuery(TYPE)),
      '14000000' + '22000103' + '0100000000000000' + '04010000',
    );
    assert.equal(
      hex(encodeDestinationsQuery(TYPE, mark6)),
      bytes(
        '28000000 2200 0103 01000000 00000000 08 01 0000',
        '1400 0100 0600 0100 0a00 0000 0800 0500 09000000',
      ),
    );
    assert.equal(
      hex(encodeFamiliesQuery()),
      '14000000' + '10000103' + '0100000000000000' + '03010000',
    );
  });

  it('a family is a name and a number', () => {
    const answer = bytes(
      '28000000 1000 0000 01000000 00000000 01 02 0000',
      '0900 0200 49505653 00 000000',
      '0600 0100 2200 0000',
    );
    const whole = Buffer.from(answer, 'hex');
    assert.deepEqual(decodeFamily(only(whole)), { name: 'IPVS', type: TYPE });
    assert.equal(decodeFamily({ type: 16, body: whole.subarray(16, 20) }), undefined);
  });
});

describe('answers', () => {
  const nested = (type: number, text: string): string => {
    const length = text.replaceAll(' ', '').length / 2 + 4;
    return `${Buffer.from(Uint16Array.of(length, type).buffer).toString('hex')}${text}`;
  };
  const message = (attributes: string): Message => ({
    type: TYPE,
    body: Buffer.from(bytes('01 01 0000', attributes), 'hex'),
  });
  const wide = (...values: (number | bigint)[]): string =>
    values
      .map((value, i) => {
        const counter = Buffer.alloc(8);
        counter.writeBigUInt64LE(BigInt(value));
        return `0c00 ${(i + 1).toString(16).padStart(2, '0')}00 ${counter.toString('hex')}`;
      })
      .join('');

  it('an IPv4 address lies in room for IPv6, and the mark of the table itself is nobody’s flag', () => {
    const service = decodeService(
      message(
        nested(
          1,
          bytes(
            '0600 0100 0200 0000 0600 0200 1100 0000',
            `1400 0300 c0000201 ${'00'.repeat(12)}`,
            '0600 0400 0035 0000 0700 0600 727200 00',
            '0c00 0700 06000000 ffffffff 0800 0800 00000000 0800 0900 ffffffff',
            nested(12, wide(1, 2, 3, 2n ** 63n + 1n, 5, 6, 7, 8, 9, 10)),
          ),
        ),
      ),
    );
    assert.deepEqual(service, {
      key: { protocol: 'UDP', address: '192.0.2.1', port: 53 },
      service: {
        scheduler: 'rr',
        flags: SERVICE_FLAG.onePacket,
        timeout: 0,
        netmask: '255.255.255.255',
      },
      statistics: {
        connections: 1n,
        packetsIn: 2n,
        packetsOut: 3n,
        bytesIn: 2n ** 63n + 1n,
        bytesOut: 5n,
        connectionRate: 6n,
        packetRateIn: 7n,
        packetRateOut: 8n,
        byteRateIn: 9n,
        byteRateOut: 10n,
      },
    });
  });

  it('a destination without a family has that of its service; old kernels count in 32 bits', () => {
    const entry = decodeDestination(
      message(
        nested(
          2,
          bytes(
            `1400 0100 c6336407 ${'00'.repeat(12)} 0600 0200 0050 0000`,
            '0800 0300 01000000 0800 0400 05000000 0800 0500 00000000 0800 0600 00000000',
            '0800 0700 02000000 0800 0800 03000000 0800 0900 04000000',
            nested(10, '0800 0100 09000000 0c00 0400 0000000001000000'),
          ),
        ),
      ),
      4,
    );
    assert.deepEqual(entry?.destination, { address: '198.51.100.7', port: 80 });
    assert.deepEqual(entry?.to.forwarding, { method: 'LOCAL' });
    assert.deepEqual(
      [entry?.activeConnections, entry?.inactiveConnections, entry?.persistentConnections],
      [2, 3, 4],
    );
    assert.equal(entry?.statistics.connections, 9n);
    assert.equal(entry?.statistics.bytesIn, 2n ** 32n);
  });

  it('what is neither is nothing', () => {
    assert.equal(decodeService(message('')), undefined);
    assert.equal(decodeDestination(message(''), 4), undefined);
    assert.equal(decodeSync(message('')), undefined);
    // A protocol and a family that nobody can order.
    const key = '0800 0300 c0000201 0600 0400 0050 0000';
    assert.equal(
      decodeService(message(nested(1, `0600 0100 0200 0000 0600 0200 0100 0000 ${key}`))),
      undefined,
    );
    assert.equal(
      decodeService(message(nested(1, `0600 0100 0300 0000 0600 0200 0600 0000 ${key}`))),
      undefined,
    );
  });
});
