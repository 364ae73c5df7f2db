// Advice on a configuration that is valid: what will not do what its writer hopes. Pure. It knows one machine, or several
// that were given together; it never guesses what stands in a file it has not seen.

import { adviseOne } from './advice/machine.ts';
import type { Machine } from './advice/piece.ts';
import { adviseTogether } from './advice/set.ts';
import type { Diagnostic } from './config/diagnostic.ts';

export { ADVICE, type AdviceName, type Machine, type Network } from './advice/piece.ts';

export function advise(machines: readonly Machine[]): readonly Diagnostic[] {
  const found: Diagnostic[] = [];
  for (const machine of machines) adviseOne(machine, (advice) => found.push(advice));
  adviseTogether(machines, (advice) => found.push(advice));
  return found;
}
