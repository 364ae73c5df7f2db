// The kernel's IPVS: orders in batches, each refusal named, and the table as it is. It keeps no table of its own, and
// changes nothing that it is not told to: what others have put there is theirs.

import { execFileSync } from 'node:child_process';
import { family } from '../lib/ip.ts';
import type {
  DestinationEntry,
  IpvsOrder,
  IpvsTimeouts,
  ServiceEntry,
  ServiceKey,
  SyncDaemon,
} from '../lib/ipvs.ts';
import { decodeFamily, encodeFamiliesQuery } from './genl.ts';
import {
  decodeDestination,
  decodeService,
  decodeSync,
  decodeTimeouts,
  encodeDestinationsQuery,
  encodeOrder,
  encodeServicesQuery,
  encodeSyncQuery,
  encodeTimeoutsQuery,
  IPVS_FAMILY,
} from './genl-ipvs.ts';
import { native, type Refusal } from './native.ts';
import { decodeMessages, NETLINK_GENERIC } from './netlink.ts';
import type { Refused } from './route.ts';

/** A receive buffer that takes the answers to a batch of which everything is refused. */
const ANSWERS = 4 << 20;
/** Commands in one sendmsg: enough to be cheap, few enough to keep the loop turning. */
const CHUNK = 128;

/** The kernel has no IPVS, and no module of it could be loaded. */
export class NoIpvs extends Error {
  override readonly name = 'NoIpvs';
  constructor() {
    super('The kernel has no IPVS (module ip_vs)');
  }
}

export class Ipvs {
  #socket: number;
  readonly #type: number;
  #sequence = 1;

  private constructor(socket: number, type: number) {
    this.#socket = socket;
    this.#type = type;
  }

  /**
   * Of the network namespace that the calling thread is in. Where the kernel does not have IPVS yet its module is asked
   * for, as keepalived does; that takes as long as modprobe(8) takes.
   * @throws NoIpvs; Error with code and syscall where the socket is refused.
   */
  static open(loadModule: () => void = modprobe): Ipvs {
    const socket = native.netlinkSocket(NETLINK_GENERIC, 0, ANSWERS);
    try {
      let type = messageType(socket);
      if (type === undefined) {
        loadModule();
        type = messageType(socket);
      }
      if (type === undefined) throw new NoIpvs();
      return new Ipvs(socket, type);
    } catch (error) {
      native.close(socket);
      throw error;
    }
  }

  /**
   * Carries them out in this order, and returns those that the kernel refused: EEXIST for what is there already, ESRCH
   * for a service or a sync daemon that is not there, ENOENT for a destination or a scheduler, ENODEV for an interface.
   * @throws Error with code and syscall where the kernel answers nothing (EPERM comes as a refusal).
   */
  order(orders: readonly IpvsOrder[]): Refused<IpvsOrder>[] {
    const refused: Refused<IpvsOrder>[] = [];
    for (let from = 0; from < orders.length; from += CHUNK) {
      const chunk = orders.slice(from, from + CHUNK);
      const first = this.#sequence;
      this.#sequence += chunk.length;
      // Only the last asks for an answer: a refusal is always answered, each with its own sequence.
      const messages = chunk.map((order, i) =>
        encodeOrder(this.#type, order, first + i, i === chunk.length - 1),
      );
      const last = first + chunk.length - 1;
      for (const refusal of native.request(this.#socket, Buffer.concat(messages), last))
        refused.push(explain(chunk, first, refusal));
    }
    return refused;
  }

  services(): ServiceEntry[] {
    return this.#dump(encodeServicesQuery(this.#type)).flatMap((m) => decodeService(m) ?? []);
  }

  /** Nothing where there is no such service. */
  destinations(key: ServiceKey): DestinationEntry[] {
    const of = 'mark' in key ? key.family : family(key.address);
    return this.#dump(encodeDestinationsQuery(this.#type, key)).flatMap(
      (m) => decodeDestination(m, of) ?? [],
    );
  }

  /** Those that run; at most one of each role. */
  syncDaemons(): SyncDaemon[] {
    return this.#dump(encodeSyncQuery(this.#type)).flatMap((m) => decodeSync(m) ?? []);
  }

  /** Those that hold now. Empty where the kernel does not say all of them. */
  timeouts(): IpvsTimeouts {
    const [answer] = this.#dump(encodeTimeoutsQuery(this.#type));
    return (answer && decodeTimeouts(answer)) ?? {};
  }

  /** Whatever is asked afterwards is refused (EBADF). */
  close(): void {
    native.close(this.#socket);
    this.#socket = -1;
  }

  #dump(request: Uint8Array) {
    return decodeMessages(native.dump(this.#socket, request));
  }
}

function explain(
  chunk: readonly IpvsOrder[],
  first: number,
  { sequence, code, message = '' }: Refusal,
): Refused<IpvsOrder> {
  const about = chunk[sequence - first];
  if (about === undefined)
    throw new RangeError(`the kernel answered a request that was not made: ${sequence}`);
  return { about, code, message };
}

/** Of the messages of IPVS; undefined where the kernel does not have it now. */
const messageType = (socket: number): number | undefined =>
  decodeMessages(native.dump(socket, encodeFamiliesQuery()))
    .map(decodeFamily)
    .find((known) => known?.name === IPVS_FAMILY)?.type;

function modprobe(): void {
  try {
    execFileSync('modprobe', ['-s', '--', 'ip_vs'], { stdio: 'ignore', timeout: 10_000 });
  } catch {
    // Not permitted, no such program, no such module: whether IPVS is there is looked at next.
  }
}
