// Our own bug: it is logged in one line and the process ends, whatever state it is in; whoever watches starts another.

import type { Log } from './log.ts';

/** EX_SOFTWARE of sysexits.h: status 1 would tell the parent that there is no point in another. */
const OUR_BUG = 70;

/** `log` as it is by then; `end` gets the status. */
export function endOnBug(log: () => Log, end: (status: number) => void): void {
  process.on('uncaughtException', (error) => {
    log().error(`Unexpected: ${error.stack?.replaceAll(/\s*\n\s*/g, ' | ') ?? error}`);
    log().flush();
    end(OUR_BUG);
  });
}
