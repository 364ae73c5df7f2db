// What a process of this daemon is called, and where its log goes. Loaded before the first child is started, so it
// imports nothing that takes time.

import { resolve } from 'node:path';
import type { Options } from '../cli.ts';
import type { Kind } from '../ipc/messages.ts';
import type { LogOptions } from '../log.ts';

/** What tells one daemon from another on the same machine. */
export interface Place {
  readonly net_namespace?: string;
  readonly instance?: string;
}

/** What the file says, where no option says otherwise. */
export function placeOf({ namespace }: Pick<Options, 'namespace'>, said: Place): Place {
  const { instance } = said;
  const net_namespace = namespace ?? said.net_namespace;
  return {
    ...(net_namespace === undefined ? {} : { net_namespace }),
    ...(instance === undefined ? {} : { instance }),
  };
}

export const PARENT = 'Keepalived';
/** Of the children. */
export const NAMES: Readonly<Record<Kind, string>> = {
  vrrp: 'Keepalived_vrrp',
  check: 'Keepalived_healthcheckers',
};

/** The name in syslog of the process `name`. */
export const identOf = (name: string, { net_namespace, instance }: Place): string =>
  [name, net_namespace, instance].filter((part) => part !== undefined).join('_');

/** The log of the process `name`; relative paths begin in `directory`. */
export function logOptions(
  options: Options,
  directory: string,
  name: string,
  place: Place,
): LogOptions {
  const { detail, console, facility, logFile } = options;
  const suffix = name.slice(PARENT.length);
  return {
    ident: identOf(name, place),
    detail,
    console,
    ...(facility === undefined ? {} : { facility }),
    ...(logFile === undefined ? {} : { file: insertSuffix(resolve(directory, logFile), suffix) }),
  };
}

/** `/var/log/keepalived.log` and `_vrrp` make `/var/log/keepalived_vrrp.log`. */
export function insertSuffix(path: string, suffix: string): string {
  const name = path.lastIndexOf('/') + 1;
  const dot = path.lastIndexOf('.');
  return dot <= name ? path + suffix : path.slice(0, dot) + suffix + path.slice(dot);
}
