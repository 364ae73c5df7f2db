// docs/reliability.md out of what the fault tests wrote down (test/netns/results). Says what was seen, and when.

export interface Result {
  readonly fault: string;
  readonly ours: string;
  readonly keepalived: string;
  readonly date: string;
  readonly commit: string;
  /** Its row; those without one come last. */
  readonly place?: number;
}

const introduction = `# Reliability

<!-- Written by scripts/generate.ts from test/netns/results. -->

What happens to a master and to its network when something goes wrong, with keepalived-ts and with keepalived 2.2.7. Both were put into the
same scene in the same run: two machines (network namespaces on a bridge), the master is the one that is named, the backup is keepalived
2.2.7 in either case (with real-time priority where adverts are 10 ms apart). Everything was measured from outside: adverts with the kernel's timestamps, addresses as the kernel reports
them, and what the backup did. Unless the row says otherwise it is VRRPv3 with adverts every 0.1 s, priority 150 over 100.

Figures are of one run on two cores that others were using too. The row with every processor busy varies most: of nine runs ours had no advert
later than 1 ms in six, and a worst one of 23, 43 and 569 ms in the others (0, 2 and 1 takeovers);
keepalived's worst were 5.5 to 60 ms. That is the machine: of 38,595 adverts, with twice as many busy processes as processors, seven were more than 5 ms late (5.4 to 81), and
each of the seven while probes of the highest real-time priority, one on each processor, had stood still too (for 5 to 44 ms; d0f79e6). After more than an interval
of standing still nothing is sent before the queue has been read, for which JavaScript has real time as well, one below the I/O thread (it had not when these were taken). What must hold in every run is asserted by
\`test/netns/fault-*.test.ts\` and \`flood.test.ts\`, which also take away the line of code that each promise rests on and see that it is then broken.
[testing.md](testing.md) says how to run them.
`;

export function reliability(results: readonly Result[]): string {
  const rows = [...results].sort(
    (a, b) => (a.place ?? 1000) - (b.place ?? 1000) || a.fault.localeCompare(b.fault),
  );
  const table = rows.map((row) =>
    [row.fault, row.ours, row.keepalived, `${row.date}, ${row.commit}`].map(cell).join(' | '),
  );
  const head = ['| what happens | keepalived-ts | keepalived 2.2.7 | seen |', '|---|---|---|---|'];
  return [introduction, ...head, ...table.map((line) => `| ${line} |`), ''].join('\n');
}

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
