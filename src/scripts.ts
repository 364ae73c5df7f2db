// The scripts that a child runs because something has happened, with keepalived's words for what goes wrong with them.

import type { Log } from './log.ts';
import { native } from './net/native.ts';
import { Scripts, startScript } from './net/script.ts';

export const scriptsOf = (log: Log): Scripts =>
  new Scripts({
    now: () => native.now(),
    spawn: startScript,
    failed: ({ words }, error) =>
      log.error(`Error exec-ing command '${words[0]}': ${error.message}`),
    overdue: ({ words }) => log.warning(`Script ${words[0]} still runs: no longer waiting for it`),
    overtaken: ({ owner, state, words }) =>
      log.info(`Script ${words[0]} is not told ${state ?? 'it'} of ${owner}: overtaken`),
  });
