// When RFC 3768 and RFC 9568 allow a backup to take over, computed from what arrived at its socket and written
// down a second time, so that the simulator does not ask the code under test.

import type { Instant } from '../../src/lib/time.ts';
import type { VrrpInstance } from '../../src/vrrp/keywords.ts';

/** The VRRP message of an IPv4 datagram, behind an authentication header too (RFC 4302 2: protocol 51, here 24 bytes). */
export const messageIn = (bytes: Uint8Array): Uint8Array =>
  bytes.subarray(bytes[9] === 51 ? 44 : 20);

/** RFC 4302 2.5: the number of one with an authentication header. */
const numberIn = (bytes: Uint8Array): number | undefined =>
  bytes[9] === 51 ? new DataView(bytes.buffer, bytes.byteOffset).getUint32(28) : undefined;

interface Arrival {
  readonly at: Instant;
  readonly priority: number;
  /** Microseconds, as the sender says. */
  readonly interval: number;
}

const skew = ({ version, priority }: VrrpInstance, interval: number): number =>
  ((256 - priority) / 256) * (version === 2 ? 1_000_000 : interval);

export class Rules {
  #since = 0 as Instant;
  #arrivals: Arrival[] = [];
  #heard: number | undefined;

  /** It became backup: the timer runs from here, with the own interval unless a master is known. */
  backup(_: VrrpInstance, now: Instant): void {
    this.#since = now;
  }

  arrived(datagram: Uint8Array, at: Instant): void {
    const number = numberIn(datagram);
    // One counter for all senders: what is not newer than another's has been heard before.
    if (number !== undefined && ((number - (this.#heard ?? number - 1)) | 0) <= 0) return;
    this.#heard = number;
    const bytes = messageIn(datagram);
    // RFC 3768 5.1: a byte of seconds; RFC 9568 5.2: twelve bits of hundredths.
    const two = (bytes[0] ?? 0) >> 4 === 2;
    const hundredths = (((bytes[4] ?? 0) & 0x0f) << 8) | (bytes[5] ?? 0);
    const interval = two ? (bytes[5] ?? 0) * 1_000_000 : hundredths * 10_000;
    this.#arrivals.push({ at, priority: bytes[2] ?? 0, interval });
    // Only the last few can matter.
    if (this.#arrivals.length > 400) this.#arrivals = this.#arrivals.slice(-200);
  }

  forget(): void {
    this.#arrivals = [];
    this.#heard = undefined;
  }

  /** The earliest instant, not after `now`, at which it may be master, all that had arrived by then considered. */
  allowed(own: VrrpInstance, now: Instant): number {
    let interval: number = own.advert_int;
    let allowed = this.#since + own.down_timer_adverts * interval + skew(own, interval);
    for (const { at, priority, interval: told } of this.#arrivals) {
      if (at >= now) break;
      if (at < this.#since) continue;
      if (priority === 0) {
        allowed = at + skew(own, interval);
      } else if (own.nopreempt || priority >= own.priority) {
        if (own.version === 3) interval = told;
        allowed = at + own.down_timer_adverts * interval + skew(own, interval);
      }
    }
    return Math.floor(allowed);
  }
}
