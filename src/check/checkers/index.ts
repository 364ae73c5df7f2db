// Which function answers for which kind of check. FILE_CHECK and BFD_CHECK have none: files and sessions tell by
// themselves.

import type { Check } from '../checker.ts';
import type { Target } from '../options.ts';
import { checkTcp } from './tcp.ts';

type Checks = {
  readonly [K in Target['kind']]: Check<Extract<Target, { readonly kind: K }>['options']>;
};

export const checks: Pick<Checks, 'TCP_CHECK'> = {
  TCP_CHECK: checkTcp,
};
