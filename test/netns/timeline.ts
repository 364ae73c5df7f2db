// Who held an address when. Fed by `ip -o -ts monitor` in each host (addresses and links) and by the lab
// (cuts). A host is a reachable holder while it has the address, its interface is up and its cable whole.

export interface Change {
  readonly at: number;
  readonly host: string;
  readonly what: 'address' | 'device' | 'cable';
  /** The address without its prefix, the device, or the empty string for the cable. */
  readonly name: string;
  readonly device: string;
  readonly present: boolean;
}

export interface Span {
  readonly host: string;
  readonly from: number;
  readonly until: number;
}

/** One line of `ip -o -ts monitor address link` as a change; undefined where it is about something else. */
export function readMonitorLine(host: string, line: string, epoch: number): Change | undefined {
  const match = /^\[(\S+)\]\s+(Deleted )?\d+: ([^\s@:]+)(?:@\S+)?:?\s+(.*)$/.exec(line);
  if (match === null) return undefined;
  const [, stamp = '', deleted, device = '', rest = ''] = match;
  const at = readStamp(stamp, epoch);
  const gone = deleted !== undefined;
  const address = /^inet6? ([0-9a-f.:]+)/.exec(rest)?.[1];
  if (address !== undefined) {
    return { at, host, what: 'address', name: address, device, present: !gone };
  }
  const flags = /^<([^>]*)>/.exec(rest)?.[1]?.split(',');
  if (flags === undefined) return undefined;
  const up = !gone && flags.includes('UP') && flags.includes('LOWER_UP');
  const blocked = flags.includes('NO-CARRIER') || rest.includes('protodown on');
  return { at, host, what: 'device', name: device, device, present: up && !blocked };
}

/** 2026-11-21T04:43:45.436567 in UTC, to microseconds since `epoch`. */
function readStamp(stamp: string, epoch: number): number {
  const [whole = '', fraction = '0'] = stamp.split('.');
  return (Date.parse(`${whole}Z`) / 1000 - epoch) * 1e6 + Number(fraction.padEnd(6, '0'));
}

/** The spans in which each host was a reachable holder of `address`, by start. Open spans end at `now`. */
export function holderSpans(changes: readonly Change[], address: string, now: number): Span[] {
  const spans: Span[] = [];
  for (const host of new Set(changes.map((change) => change.host))) {
    const own = changes.filter((change) => change.host === host).sort((a, b) => a.at - b.at);
    const devices = new Map<string, boolean>();
    const holding = new Set<string>();
    let whole = true;
    let since: number | undefined;
    for (const change of own) {
      if (change.what === 'cable') whole = change.present;
      else if (change.what === 'device') devices.set(change.device, change.present);
      else if (change.name === address) {
        if (change.present) holding.add(change.device);
        else holding.delete(change.device);
      }
      const holds = whole && [...holding].some((device) => devices.get(device) ?? true);
      if (holds && since === undefined) since = change.at;
      if (!holds && since !== undefined) {
        spans.push({ host, from: since, until: change.at });
        since = undefined;
      }
    }
    if (since !== undefined) spans.push({ host, from: since, until: now });
  }
  return spans.sort((a, b) => a.from - b.from);
}

/** Who holds the address at the end of the changes. */
export function holdersNow(changes: readonly Change[], address: string): string[] {
  return holderSpans(changes, address, Number.POSITIVE_INFINITY)
    .filter((span) => span.until === Number.POSITIVE_INFINITY)
    .map((span) => span.host);
}

/** Spans during which two hosts were holders, longest first. */
export function overlaps(spans: readonly Span[]): { hosts: string[]; from: number; for: number }[] {
  const found: { hosts: string[]; from: number; for: number }[] = [];
  for (const [i, one] of spans.entries()) {
    for (const other of spans.slice(i + 1)) {
      const from = Math.max(one.from, other.from);
      const until = Math.min(one.until, other.until);
      if (one.host !== other.host && until > from) {
        found.push({ hosts: [one.host, other.host], from, for: until - from });
      }
    }
  }
  return found.sort((a, b) => b.for - a.for);
}
