// Accounts: the files first, then getent where nsswitch.conf names another source.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { accountsFrom } from '../../src/config/account.ts';

const FILES: Readonly<Record<string, string>> = {
  '/etc/passwd': 'root:x:0:0::/:/bin/sh\nlocal:x:1000:1001::/:/bin/sh\n',
  '/etc/group': 'root:x:0:\nown:x:1001:\nwheel:x:10:local,other\n',
};

const ANSWERS: Readonly<Record<string, string>> = {
  'passwd far': 'far:x:5000:5001::/:/bin/sh\n',
  'passwd 5000': 'far:x:5000:5001::/:/bin/sh\n',
  'group farers': 'farers:*:5002:\n',
  'initgroups far': 'far                  5001 5002\n',
  'initgroups local': 'local  10 5003\n',
};

function accounts(nsswitch: string) {
  const asked: string[] = [];
  const found = accountsFrom({
    lines: (path) => (path === '/etc/nsswitch.conf' ? nsswitch : (FILES[path] ?? '')).split('\n'),
    getent: (database, key) => {
      asked.push(`${database} ${key}`);
      return ANSWERS[`${database} ${key}`];
    },
  });
  return { ...found, asked };
}

const WITH_MORE = 'passwd: files [NOTFOUND=continue] sss\ngroup:\tfiles ldap # more\n';

describe('accounts', () => {
  it('in the files are asked nobody else', () => {
    const { user, group, asked } = accounts(WITH_MORE);
    assert.deepEqual(user('local'), { uid: 1000, gid: 1001 });
    assert.equal(group('wheel'), 10);
    assert.deepEqual(asked, []);
  });

  it('that the files lack are asked of getent, each once', () => {
    const { user, group, asked } = accounts(WITH_MORE);
    assert.deepEqual(user('far'), { uid: 5000, gid: 5001 });
    assert.deepEqual(user('far'), { uid: 5000, gid: 5001 });
    assert.equal(group('farers'), 5002);
    assert.equal(user('nobody else'), undefined);
    assert.equal(user('nobody else'), undefined);
    assert.deepEqual(asked, ['passwd far', 'group farers', 'passwd nobody else']);
  });

  it('are those of the files where nothing else is named', () => {
    for (const nsswitch of ['', 'passwd: files\ngroup: compat\n', '# passwd: files sss\n']) {
      const { user, group, asked } = accounts(nsswitch);
      assert.equal(user('far'), undefined);
      assert.equal(group('farers'), undefined);
      assert.deepEqual(asked, []);
    }
  });

  it('are known by names, which numbers and options are not', () => {
    const { user, group, asked } = accounts(WITH_MORE);
    for (const name of ['', '5000', '-s', '--help']) {
      assert.equal(user(name), undefined);
      assert.equal(group(name), undefined);
    }
    assert.deepEqual(asked, []);
  });

  it('have the groups that either source gives them', () => {
    const far = { uid: 5000, gid: 5001 };
    assert.deepEqual(accounts(WITH_MORE).groupsOf(far), [5001, 5002]);
    const local = { uid: 1000, gid: 7 };
    const { groupsOf, asked } = accounts(WITH_MORE);
    for (let script = 0; script < 2; script++) assert.deepEqual(groupsOf(local), [7, 10, 5003]);
    assert.deepEqual(asked, ['initgroups local']);
    assert.deepEqual(accounts('').groupsOf(local), [7, 10]);
    assert.deepEqual(accounts(WITH_MORE).groupsOf({ uid: 4, gid: 4 }), [4]);
  });
});
