// What a password becomes in an advert: the bytes that stand in the file, as keepalived sends them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keyOf } from '../../src/vrrp/numbering.ts';

const hex = (auth_pass: string): string => {
  const instance = { authentication: { auth_type: 'PASS', auth_pass } };
  return Buffer.from(keyOf(instance as unknown as Parameters<typeof keyOf>[0])).toString('hex');
};

for (const [password, bytes] of [
  ['1111', '3131313100000000'],
  ['secret12345', '7365637265743132'],
  ['pässe', '70c3a47373650000'],
  ['pässwört', '70c3a4737377c3b6'],
] as const)
  test(`password ${password}`, () => assert.equal(hex(password), bytes));
