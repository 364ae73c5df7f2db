// What our reader says about each file named on the command line, as one JSON line a file: its exit status and its
// complaints. A program of its own, because it has to stand in the network namespace of the comparison.

import { exitStatus, formatDiagnostic } from '../../src/config/diagnostic.ts';
import { loadConfiguration } from '../../src/config/source.ts';

export interface Judgement {
  readonly status: number;
  readonly complaints: readonly {
    readonly file?: string;
    readonly line?: number;
    /** keepalived need not speak of it. */
    readonly quiet: boolean;
    readonly id: string;
    /** keepalived's words, where it has any for this. */
    readonly message: string;
    readonly cause?: string;
    /** All that is shown. */
    readonly text: string;
  }[];
}

for (const file of process.argv.slice(2)) {
  const { diagnostics } = loadConfiguration({ file, configId: 'vm' });
  const judgement: Judgement = {
    status: exitStatus(diagnostics),
    complaints: diagnostics.map((d) => {
      const line = d.afterwards === true ? undefined : (d.saidAt ?? d.line);
      return {
        ...(d.file === undefined ? {} : { file: d.file }),
        ...(line === undefined ? {} : { line }),
        quiet: d.class === 'none',
        id: d.id,
        message: d.message,
        ...(d.cause === undefined ? {} : { cause: d.cause }),
        text: formatDiagnostic(d),
      };
    }),
  };
  process.stdout.write(`${JSON.stringify(judgement)}\n`);
}
