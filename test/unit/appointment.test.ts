// The first line of reload_time_file: which instants it names, and keepalived's words for what it does not.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readMoment } from '../../src/supervisor/appointment.ts';

// Central European summer time ends on 2026-10-25 and begins again on 2027-03-28.
process.env.TZ = 'Europe/Berlin';

const local = (text: string): number => new Date(text).getTime();
const NOW = local('2026-11-21T14:45:42');
const read = (line: string): string | readonly string[] => {
  const { moment, complaints } = readMoment(line, NOW);
  return moment === undefined ? complaints : new Date(moment.at).toISOString();
};

test('times of today and tomorrow, days, years of two digits, and UTC', () => {
  assert.equal(read('15:45:42'), '2026-11-21T14:45:42.000Z');
  assert.equal(read('13:45:42'), '2026-11-22T12:45:42.000Z');
  assert.equal(read('14:45:42'), '2026-11-22T13:45:42.000Z', 'now is over');
  assert.equal(read('14:45:42Z'), '2026-11-21T14:45:42.000Z');
  assert.equal(read('27-02-28 01:02:03'), '2027-02-28T00:02:03.000Z');
  assert.equal(read('2027-07-28 01:02:03'), '2027-07-27T23:02:03.000Z');
  assert.equal(read('2027-07-28 01:02:03Z'), '2027-07-28T01:02:03.000Z');
});

test('a time without a day comes again a day later, also where a day has 25 hours', () => {
  const now = local('2026-10-24T12:00:00');
  const { moment } = readMoment('12:00:01', now);
  assert.equal(moment?.at, local('2026-10-24T12:00:01'));
  assert.equal(moment?.daily?.(moment.at), local('2026-10-25T12:00:01'));
  assert.equal(local('2026-10-25T12:00:01') - local('2026-10-24T12:00:01'), 25 * 3_600_000);
  assert.equal(readMoment('2026-12-01 12:00:01', now).moment?.daily, undefined);
});

test('what is wrong is said as keepalived says it', () => {
  const format = (line: string) => [
    `Reload time ${line} format is incorrect - ignoring`,
    `Invalid reload time '${line}' specified - ignoring`,
  ];
  for (const line of [
    ' 10:10:10',
    '10:10',
    '1:10:10',
    '10:10:10 ',
    '10:10:10z',
    '2027-02-28  10:00:00',
    '2027-2-28 10:00:00',
  ])
    assert.deepEqual(read(line), format(line));
  for (const line of ['25:10:10', '24:00:00', '10:60:10', '2026-13-01 10:00:00'])
    assert.deepEqual(read(line), [
      `Reload date/time ${line} invalid - ignoring`,
      `Invalid reload time '${line}' specified - ignoring`,
    ]);
  for (const line of ['10:10:60', '2027-02-30 10:00:00'])
    assert.deepEqual(read(line), [
      `Reload time ${line} is not valid - ignoring`,
      `Invalid reload time '${line}' specified - ignoring`,
    ]);
  for (const line of ['2026-11-21 13:45:47', '2026-11-21 13:45:41Z', '69-01-01 10:10:10'])
    assert.deepEqual(read(line), [
      `Reload time ${line} is in the past - ignoring`,
      'Reload date/time is in the past - ignoring',
    ]);
});
