// What net.{ipv4,ipv6} says, of an interface or of the namespace, through /proc/sys of the namespace that the caller is in. It does not
// know what is good for whom.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { Setting } from '../lib/link.ts';

type Place = Omit<Setting, 'value'>;

/** A dot in the name of an interface is one in the path too. */
const pathOf = ({ family, interface: at, name }: Place): string =>
  at === undefined
    ? `/proc/sys/net/${family}/${name}`
    : `/proc/sys/net/${family}/conf/${at}/${name}`;

/** One setting of every interface, `all` and `default` included. */
export function readSettings(family: Setting['family'], name: string): readonly Setting[] {
  let interfaces: readonly string[] = [];
  try {
    interfaces = readdirSync(`/proc/sys/net/${family}/conf`);
  } catch {
    // No /proc/sys: nothing can be set either.
  }
  return interfaces.flatMap((at) => {
    const place = { family, interface: at, name };
    const value = readSetting(place);
    return value === undefined ? [] : [{ ...place, value }];
  });
}

/** undefined where there is no such interface or the kernel has no such setting. */
export function readSetting(place: Place): number | undefined {
  try {
    const value = Number(readFileSync(pathOf(place), 'utf8'));
    return Number.isInteger(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** What it was before; undefined where there is nothing to set, or nothing to change. */
export function changeSetting(setting: Setting): Setting | undefined {
  const was = readSetting(setting);
  if (was === undefined || was === setting.value) return undefined;
  writeFileSync(pathOf(setting), `${setting.value}\n`);
  return { ...setting, value: was };
}
