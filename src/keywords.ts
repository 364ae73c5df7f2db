// The whole keyword table, assembled from the features' rows, and the configuration as the processes get it.

import { type GlobalDefs, globalDefs } from './config/globals.ts';
import { defaulted, named, optional, section } from './config/keyword.ts';
import { flag, wholeSeconds, word } from './config/value.ts';
import { type Duration, seconds } from './lib/time.ts';
import { type VrrpConfig, vrrpInstance } from './vrrp/keywords.ts';

export const keywords = {
  net_namespace: optional(word(), 'Network namespace that everything runs in.', {
    bare: 'net_namespace name missing - ignoring',
  }),
  instance: optional(word(), 'Name of this daemon, added to pid files and to the syslog ident.', {
    bare: 'instance name missing - ignoring',
    again: 'Duplicate instance definition %w - ignoring',
  }),
  use_pid_dir: defaulted(flag, false, 'Put pid files into /run/keepalived.'),
  child_wait_time: defaulted(
    wholeSeconds(0, 4294967295),
    seconds(5),
    'How long the parent waits for its children to end before it kills them.',
    { refusal: 'Invalid child_wait_time %w' },
  ),
  global_defs: section(globalDefs, 'What holds for the whole daemon.', { parent: true }),
  vrrp_instance: named(vrrpInstance, 'A virtual router.'),
};

/** The configuration, everything decided: plain JSON that survives a trip to another process. */
export interface Config extends VrrpConfig {
  readonly net_namespace?: string;
  readonly instance?: string;
  readonly use_pid_dir: boolean;
  readonly child_wait_time: Duration;
  readonly global_defs: GlobalDefs;
}
