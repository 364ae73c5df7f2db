// Which links are asked for every second: those that an instance depends on, each once, as the last line says.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { linkbeatOf } from '../../src/vrrp/linkbeat.ts';
import { config, instance } from '../sim/config.ts';

test('linkbeat_interfaces: what members of a sync group track is asked for, what nobody tracks is not', () => {
  const { asked, unused } = linkbeatOf({
    ...config(instance({ interface: 'eth0', linkbeat_use_polling: true })),
    vrrp_sync_group: [],
    linkbeat_interfaces: [
      { interface: 'eth0', method: 'MII' },
      { interface: 'eth0', method: 'IOCTL' },
      { interface: 'eth7' },
    ],
  });
  assert.deepEqual(asked, [{ interface: 'eth0', method: 'IOCTL' }]);
  assert.deepEqual(unused, ['eth7']);
});
