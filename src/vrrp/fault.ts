// What keeps an instance from taking part: a set recomputed from facts, never a counter.

export interface Fault {
  readonly kind: 'missing' | 'down' | 'address' | 'socket';
  /** The interface, address or socket it is about. */
  readonly what: string;
}

export function describeFault({ kind, what }: Fault): string {
  switch (kind) {
    case 'missing':
      return `interface ${what} does not exist`;
    case 'down':
      return `interface ${what} is down`;
    case 'address':
      return what;
    case 'socket':
      return `no socket: ${what}`;
  }
}

export function sameFaults(a: readonly Fault[], b: readonly Fault[]): boolean {
  return (
    a.length === b.length &&
    a.every((fault, i) => fault.kind === b[i]?.kind && fault.what === b[i]?.what)
  );
}
