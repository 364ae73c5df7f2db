// Reads the counters that a daemon shows on request: keepalived.stats on SIGUSR2, and on SIGUSR1 the
// keepalived_reasons.data that only ours has.

import type { Daemon } from './daemon.ts';
import type { Lab } from './lab.ts';

export type Counters = Readonly<Record<string, number>>;

/** The file that `signal` makes the daemon write below /tmp, once `isWhole` accepts it. */
export async function requestDump(
  lab: Lab,
  daemon: Daemon,
  signal: NodeJS.Signals,
  name: string,
  isWhole: (text: string) => boolean,
): Promise<string> {
  daemon.discard(`tmp/${name}`);
  daemon.signal(signal);
  return lab.until(`${name} is written`, () => {
    const text = daemon.read(`tmp/${name}`);
    return text !== undefined && isWhole(text) ? text : undefined;
  });
}

/** `Packet Errors/TTL` and so on, to its number, of the only instance. */
export async function readStatistics(lab: Lab, daemon: Daemon): Promise<Counters> {
  const text = await requestDump(lab, daemon, 'SIGUSR2', 'keepalived.stats', (whole) =>
    /Priority Zero:\n\s+Received: \d+\n\s+Sent: \d+\n/.test(whole),
  );
  const counters: Record<string, number> = {};
  let section = '';
  for (const line of text.split('\n')) {
    const match = /^( +)([^:]+): ?(\d*)$/.exec(line);
    if (match === null) continue;
    const [, indent = '', name = '', value = ''] = match;
    if (value === '') section = name;
    else counters[indent.length > 2 ? `${section}/${name}` : name] = Number(value);
  }
  return counters;
}

/** The drop reasons in our keepalived_reasons.data: five spaces, the reason, the count. */
export async function readDrops(lab: Lab, daemon: Daemon): Promise<Counters> {
  const text = await requestDump(lab, daemon, 'SIGUSR1', 'keepalived_reasons.data', (whole) =>
    whole.includes('Dropped packets :'),
  );
  const found = [...text.matchAll(/^ {5}([a-zA-Z]+) (\d+)$/gm)];
  return Object.fromEntries(found.map(([, reason = '', count]) => [reason, Number(count)]));
}
