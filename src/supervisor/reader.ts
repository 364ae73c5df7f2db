// The process that reads the configuration for a reload, and the parent's handle on it. It runs the code of a start and
// of -t, writes what each child needs into its parcel, and tells the parent the little that concerns it.

import type { ChildProcess } from 'node:child_process';
import { writeParcel } from '../ipc/parcel.ts';
import { inNamespace } from '../net/namespace.ts';
import { saveCopy, writeVerdict } from './copy.ts';
import { collectSeldom, type Finding, findingOf, partFor, readConfiguration } from './reading.ts';
import { forkSelf, type Role, type SelfCommand, type Source } from './self.ts';
import { KINDS } from './state.ts';

type ReaderRole = Extract<Role, { readonly name: 'reader' }>;

export class Reader {
  readonly #process: ChildProcess;

  /** `found` is called once, also where the process dies. It is born in the namespace. */
  constructor(
    self: SelfCommand,
    words: readonly string[],
    source: Source,
    where: Omit<ReaderRole, 'name' | 'source'>,
    found: (finding: Finding) => void,
  ) {
    const role = { name: 'reader', source, ...where } as const;
    const { namespace } = where;
    this.#process = inNamespace(namespace, () =>
      forkSelf(self, words, role, ['ignore', 'ignore', 'inherit', 'ipc']),
    );
    const died = (why: string): Finding => ({
      lines: [{ severity: 'error', text: `The process that reads the configuration ${why}` }],
    });
    let told = false;
    const tell = (answer: Finding): void => {
      if (!told) found(answer);
      told = true;
    };
    // It has nothing left to do but to give back the memory of a big file, a tenth of a second.
    this.#process.on('message', (message) => {
      tell(message as Finding);
      this.cancel();
    });
    this.#process.on('error', (error) => tell(died(`could not be started: ${error.message}`)));
    // 'close' comes after the last message, 'exit' may come before it.
    this.#process.on('close', (status, signal) => tell(died(`ended with ${signal ?? status}`)));
  }

  cancel(): void {
    this.#process.kill('SIGKILL');
  }
}

/** What the process does. */
export function runReader({
  source,
  parcels,
  namespace,
  validation,
  serial,
}: ReaderRole): Promise<number> {
  collectSeldom();
  const reading = readConfiguration(source, namespace);
  const complaints = [
    ...(validation === undefined ? [] : writeVerdict(validation, reading)),
    ...saveCopy(reading, process.ppid, serial),
  ];
  const found = findingOf(reading, validation !== undefined);
  const finding = { ...found, lines: [...found.lines, ...complaints] };
  const { config } = reading;
  if (config !== undefined && finding.gist !== undefined)
    for (const kind of KINDS) writeParcel(parcels[kind], partFor(kind, config));
  return new Promise((resolve) => {
    process.send?.(finding, undefined, undefined, () => resolve(0));
  });
}
