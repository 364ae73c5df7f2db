// The first VRRP child, started before anything is read. It has no configuration; if it turns out to be in the wrong
// place, or not to be wanted, it is thrown away.

import type { Options } from '../cli.ts';
import { inNamespace } from '../net/namespace.ts';
import { native } from '../net/native.ts';
import { Child } from './child.ts';
import { logOptions, NAMES } from './identity.ts';
import type { SelfCommand } from './self.ts';

const RLIMIT_CORE = 4;

export interface Start {
  readonly options: Options;
  /** The command line after the program's name. */
  readonly words: readonly string[];
  /** Where relative paths begin. */
  readonly directory: string;
  readonly self: SelfCommand;
}

/** -m, before there is a child to inherit it. */
export function liftCoreLimit({ coreDump }: Options): void {
  const unlimited = Number.POSITIVE_INFINITY;
  try {
    if (coreDump) native.setLimit(RLIMIT_CORE, unlimited, unlimited);
  } catch {
    // A lower hard limit than wished for stays: core files are a convenience.
  }
}

/** Undefined where none is wanted or none can be started: what is wrong is said when one is needed. */
export function startSpare({ options, words, directory, self }: Start): Child | undefined {
  if (!options.vrrp) return undefined;
  const { namespace } = options;
  const place = namespace === undefined ? {} : { net_namespace: namespace };
  const log = logOptions(options, directory, NAMES.vrrp, place);
  try {
    return inNamespace(namespace, () => new Child('vrrp', self, words, log, options.umask));
  } catch {
    return undefined;
  }
}
