// The kernel's permission for ping sockets. Each network namespace names the groups that may open them, and names none at
// first; not even root may then. Ours is let in with the first ping, and the range is put back at the end.

import { readFileSync, writeFileSync } from 'node:fs';

const RANGE = '/proc/sys/net/ipv4/ping_group_range';

let permitted = false;

/** Once for a process. What is refused here is refused again, with its reason, when the socket is opened. */
export function permitPings(file: string = RANGE): void {
  if (permitted) return;
  permitted = true;
  try {
    const before = readFileSync(file, 'utf8');
    const wider = widenRange(before, process.getegid?.() ?? 0);
    if (wider === undefined) return;
    writeFileSync(file, wider);
    process.once('exit', () => restoreRange(file, wider, before));
  } catch {
    // The file system is read-only, or another one than the kernel's.
  }
}

/** The smallest range with the group and all that is in it already; undefined where the group is in it. */
export function widenRange(text: string, group: number): string | undefined {
  const [first = 1, last = 0] = text.trim().split(/\s+/).map(Number);
  if (first > last) return `${group}\t${group}\n`;
  if (group >= first && group <= last) return undefined;
  return `${Math.min(first, group)}\t${Math.max(last, group)}\n`;
}

/** Where somebody has changed it meanwhile, it stays as it is. */
function restoreRange(file: string, ours: string, before: string): void {
  try {
    if (readFileSync(file, 'utf8').trim() === ours.trim()) writeFileSync(file, before);
  } catch {
    // The namespace may be gone.
  }
}
