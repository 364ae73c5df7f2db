// Which function answers for which kind of check. FILE_CHECK (file.ts) and BFD_CHECK (bfd.ts) ask nothing: files and sessions
// tell by themselves. That of MISC_CHECK is made with what starts processes (Commands in misc.ts), that of TCP_CHECK with what hears of
// connections (tcp.ts).

import type { Check } from '../checker.ts';
import type { Target } from '../options.ts';
import { checkDns } from './dns.ts';
import { checkHttp } from './http.ts';
import { checkPing } from './ping.ts';
import { checkSmtp } from './smtp.ts';
import { checkUdp } from './udp.ts';

/** What a check of kind K is given. */
type OptionsOf<K, T = Target> = T extends { readonly kind: infer Kinds; readonly options: infer O }
  ? K extends Kinds
    ? O
    : never
  : never;

type Checks = { readonly [K in Target['kind']]: Check<OptionsOf<K>> };

export const checks: Omit<Checks, 'MISC_CHECK' | 'TCP_CHECK'> = {
  HTTP_GET: checkHttp,
  SSL_GET: checkHttp,
  SMTP_CHECK: checkSmtp,
  DNS_CHECK: checkDns,
  UDP_CHECK: checkUdp,
  PING_CHECK: checkPing,
};
