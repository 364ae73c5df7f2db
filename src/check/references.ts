// What virtual servers refer to by name, and what is known around them.

import type { MachineFacts, Reporter } from '../config/build.ts';
import type { GlobalDefs } from '../config/globals.ts';
import type { GroupEntry, Service } from './value.ts';

export interface Surroundings {
  readonly globals: GlobalDefs;
  readonly facts: MachineFacts;
  readonly report: Reporter;
}

export interface References {
  readonly groups: ReadonlyMap<string, readonly GroupEntry[]>;
  /** Names that checkers may follow, with the place of their definition among the blocks. */
  readonly track_file: ReadonlyMap<string, number>;
  readonly bfd_instance: ReadonlyMap<string, number>;
}

/** The lines of the group that a service names; none where there is no such group. */
export const entriesOf = (
  { group }: Extract<Service, { readonly group: string }>,
  { groups }: References,
): readonly GroupEntry[] => groups.get(group) ?? [];
