// What the log says of the kernel's news about interfaces and addresses: keepalived's words and severities.

import type { Link } from '../lib/link.ts';
import { linksThatCount } from './linkbeat.ts';
import type { Draft } from './state.ts';

export const isRunning = (link: Link | undefined): boolean => link?.up === true && link.running;

/** What has become of an interface; absent: it was not there, or is no longer. */
export function tellLink(draft: Draft, before: Link | undefined, link: Link | undefined): void {
  const name = (link ?? before)?.name;
  if (name === undefined) return;
  const counts = (): boolean => linksThatCount(draft.router.config).includes(name);
  const say = (severity: 'info' | 'detail', text: string): void => {
    draft.actions.push({ type: 'log', severity, text });
  };
  if (link === undefined) {
    say(counts() ? 'info' : 'detail', `Interface ${name} deleted`);
    return;
  }
  const how = link.asked === undefined ? 'Netlink' : 'Linkbeat';
  if (isRunning(before) !== isRunning(link) && counts())
    say('info', `${how} reports ${name} ${isRunning(link) ? 'up' : 'down'}`);
  if (before?.name === name) return;
  if (before !== undefined)
    say('info', `Interface name has changed from ${before.name} to ${name}`);
  say('detail', `Interface ${name} added`);
}

/** `Assigned … for`, `Deassigned … from`. */
export function tellAddress(
  draft: Draft,
  verb: string,
  preposition: string,
  { index, address }: { readonly index: number; readonly address: string },
): void {
  const name = draft.router.kernel.links[index]?.name ?? `#${index}`;
  draft.actions.push({
    type: 'log',
    severity: 'detail',
    text: `${verb} address ${address} ${preposition} interface ${name}`,
  });
}
