// The program `genhash`: what `keepalived --genhash` is, under its own name. A file of its own, so that nothing of the
// daemon is loaded for it.

import { runGenhash } from './genhash.ts';

process.exitCode = await runGenhash('genhash', process.argv.slice(2));
