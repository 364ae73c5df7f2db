// The process that reads the configuration for a reload, and the parent's handle on it. It runs the code of a start and
// of -t, writes what the VRRP child needs into the parcel, and tells the parent the little that concerns it.

import type { ChildProcess } from 'node:child_process';
import { writeParcel } from '../ipc/parcel.ts';
import { inNamespace } from '../net/namespace.ts';
import { type Finding, findingOf, readConfiguration, vrrpPart } from './reading.ts';
import { forkSelf, type SelfCommand, type Source } from './self.ts';

export class Reader {
  readonly #process: ChildProcess;

  /** `found` is called once, also where the process dies. It is born in the namespace. */
  constructor(
    self: SelfCommand,
    words: readonly string[],
    source: Source,
    { parcel, namespace }: { readonly parcel: string; readonly namespace: string | undefined },
    found: (finding: Finding) => void,
  ) {
    const role = {
      name: 'reader',
      source,
      parcel,
      ...(namespace === undefined ? {} : { namespace }),
    } as const;
    let finding: Finding | undefined;
    this.#process = inNamespace(namespace, () =>
      forkSelf(self, words, role, ['ignore', 'ignore', 'inherit', 'ipc']),
    );
    this.#process.on('message', (message) => {
      finding = message as Finding;
    });
    const died = (why: string): Finding => ({
      lines: [{ severity: 'error', text: `The process that reads the configuration ${why}` }],
    });
    let told = false;
    const tell = (answer: Finding): void => {
      if (!told) found(answer);
      told = true;
    };
    this.#process.on('error', (error) => tell(died(`could not be started: ${error.message}`)));
    // 'close' comes after the last message, 'exit' may come before it.
    this.#process.on('close', (status, signal) =>
      tell(finding ?? died(`ended with ${signal ?? status}`)),
    );
  }

  cancel(): void {
    this.#process.kill('SIGKILL');
  }
}

/** What the process does. */
export function runReader(source: Source, parcel: string, namespace?: string): Promise<number> {
  const reading = readConfiguration(source, namespace);
  const finding = findingOf(reading);
  if (reading.config !== undefined && finding.gist !== undefined)
    writeParcel(parcel, vrrpPart(reading.config));
  return new Promise((resolve) => {
    process.send?.(finding, undefined, undefined, () => resolve(0));
  });
}
