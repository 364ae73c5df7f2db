// Accounts and groups as the C library knows them: the files first, then what else /etc/nsswitch.conf names (LDAP, sssd,
// systemd). Pure: who asks hands in how files are read and getent is asked.

import type { MachineFacts } from './build.ts';

export interface AccountSources {
  /** None where the file cannot be read. */
  readonly lines: (path: string) => readonly string[];
  /** What `getent DATABASE KEY` prints; undefined where it knows nothing, is not there or does not answer. */
  readonly getent: (database: Database | 'initgroups', key: string) => string | undefined;
}

type Database = 'passwd' | 'group';

/** Sources that have nothing but the file. */
const FILES: ReadonlySet<string> = new Set(['files', 'compat']);

/** Each name is asked for once: a configuration names the same one again and again. */
export function accountsFrom({
  lines,
  getent,
}: AccountSources): Required<Pick<MachineFacts, 'user' | 'group' | 'groupsOf'>> {
  const answers = new Map<string, string | undefined>();
  const ask: AccountSources['getent'] = (database, key) => {
    const question = `${database} ${key}`;
    if (!answers.has(question)) answers.set(question, getent(database, key));
    return answers.get(question);
  };
  const find = (database: Database, key: string, field: number): readonly string[] | undefined => {
    if (key === '') return undefined;
    const inFile = lines(`/etc/${database}`)
      .map((line) => line.split(':'))
      .find((fields) => fields[field] === key);
    // A name of digits would be a number to getent.
    const isNumber = /^\d+$/.test(key);
    if (inFile !== undefined || isNumber !== (field === 2) || key.startsWith('-')) return inFile;
    if (!hasMore(lines('/etc/nsswitch.conf'), database)) return undefined;
    return ask(database, key)?.split('\n')[0]?.split(':');
  };
  const groupsInFile = (name: string): readonly number[] =>
    lines('/etc/group')
      .map((line) => line.split(':'))
      .filter(([, , , members = '']) => members.split(',').includes(name))
      .map(([, , number]) => Number(number));
  const groupsOfName = (name: string): readonly number[] => {
    const found = hasMore(lines('/etc/nsswitch.conf'), 'group')
      ? ask('initgroups', name)?.trim().split(/\s+/).slice(1).map(Number)
      : undefined;
    return found ?? groupsInFile(name);
  };
  return {
    user: (name) => {
      const [, , uid, gid] = find('passwd', name, 0) ?? [];
      return gid === undefined ? undefined : { uid: Number(uid), gid: Number(gid) };
    },
    group: (name) => {
      const [, , gid] = find('group', name, 0) ?? [];
      return gid === undefined ? undefined : Number(gid);
    },
    /** What initgroups(3) would give the first account with this number, with `gid` in the place of its own group. */
    groupsOf: ({ uid, gid }) => {
      const [name] = find('passwd', String(uid), 2) ?? [];
      return [...new Set([gid, ...(name === undefined ? [] : groupsOfName(name))])];
    },
  };
}

/** Whether somebody but the file may know accounts (nsswitch.conf(5)); without a line the file is all there is. */
const hasMore = (nsswitch: readonly string[], database: Database): boolean =>
  nsswitch
    .map((line) => /^\s*(\w+):([^#]*)/.exec(line))
    .filter((found) => found?.[1] === database)
    .flatMap((found) =>
      (found?.[2] ?? '')
        .replace(/\[[^\]]*\]/g, ' ')
        .trim()
        .split(/\s+/),
    )
    .some((source) => source !== '' && !FILES.has(source));
