// The table in docs/compatibility.md of the dumps that are keepalived's: how many recordings there are, how many of ours
// are the same, which differ and why. What it claims is held by test/unit/vrrp-dump-corpus.test.ts and check-dump.test.ts.

import { DIFFERENT, type Ending, REFUSED } from '../test/unit/differing.ts';
import { recorded } from '../test/unit/recorded.ts';
import { marked, withPart } from './marks.ts';

const MARKS = {
  begin: '<!-- Written by scripts/generate.ts from the recordings and test/unit/differing.ts. -->',
  end: '<!-- End of the dumps. -->',
};

const TITLES: Readonly<Record<Ending, string>> = {
  '.data': '`keepalived.data`',
  '.check.data': '`keepalived_check.data`',
};

export function dumpTable(): string {
  const endings = Object.keys(TITLES) as Ending[];
  const rows = endings.map((ending) => {
    const files = recorded(ending).length;
    const others = Object.values(DIFFERENT[ending]).flat().length + REFUSED[ending].length;
    return `| ${TITLES[ending]} | ${files} | ${files - others} |`;
  });
  const reasons = endings.flatMap((ending) => [
    ...Object.entries(DIFFERENT[ending]).map(
      ([why, files]) => `| ${TITLES[ending]} | ${why} | ${files.join(', ')} |`,
    ),
    ...REFUSED[ending].map((file) => `| ${TITLES[ending]} | \`auth_hmac\` is refused | ${file} |`),
  ]);
  return marked(MARKS, [
    '| file | recordings | the same |',
    '|---|---|---|',
    ...rows,
    '',
    '| file | why it differs | configurations |',
    '|---|---|---|',
    ...reasons,
  ]);
}

export const withDumps = (document: string, text: string): string =>
  withPart(document, MARKS, text);
