// The machine that a configuration for another one is judged on: it has whatever the file names. Pure.

import type { MachineFacts } from '../config/build.ts';

/** Interfaces, users and programs are taken for granted; everything else is as on this machine. */
export function anywhere(facts: MachineFacts): MachineFacts {
  const some = { loopback: false, mtu: 1500 };
  const interfaces = new Map(facts.interfaces);
  interfaces.get = (name) => (name === 'lo' ? { ...some, loopback: true } : some);
  interfaces.has = () => true;
  return {
    ...facts,
    interfaces,
    user: () => ({ uid: 0, gid: 0 }),
    group: () => 0,
    inspect: (path) => ({ path }),
  };
}
