// What keeps an instance from taking part: a set recomputed from facts, never a counter.

type Cause =
  | 'missing'
  | 'down'
  | 'address'
  | 'socket'
  | 'script'
  /** A script that has not said anything yet: nobody is told. */
  | 'pending'
  /** The kernel still looks whether its address is free, which takes a second or two: nobody is told either. */
  | 'tentative'
  | 'file'
  | 'process'
  /** Unicast is wanted, and there is nobody to speak to. */
  | 'peers'
  /** Something is missing in the configuration. */
  | 'configuration'
  /** Another member of the sync group has a fault. */
  | 'group';

export interface Fault {
  readonly kind: Cause;
  /** The interface, address, socket, tracker or group it is about. */
  readonly what: string;
}

/** Only waited for: it is no news, for nothing was different before. */
export const isSilent = ({ kind }: Fault): boolean => kind === 'pending' || kind === 'tentative';

export function describeFault({ kind, what }: Fault): string {
  switch (kind) {
    case 'missing':
      return `interface ${what} does not exist`;
    case 'down':
      return `interface ${what} is down`;
    case 'address':
    case 'tentative':
    case 'configuration':
      return what;
    case 'socket':
      return `no socket: ${what}`;
    case 'script':
      return `script ${what}`;
    case 'pending':
      return `script ${what} has not ended yet`;
    case 'file':
      return `tracked file ${what}`;
    case 'process':
      return `process ${what}`;
    case 'peers':
      return 'no unicast peers';
    case 'group':
      return `sync group ${what}`;
  }
}

export function sameFaults(a: readonly Fault[], b: readonly Fault[]): boolean {
  return (
    a.length === b.length &&
    a.every((fault, i) => fault.kind === b[i]?.kind && fault.what === b[i]?.what)
  );
}
