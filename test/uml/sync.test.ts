// lvs_sync_daemon beside keepalived: after each change of role and each reload the kernel runs the same sync daemons.

import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { runInside } from './machine.ts';
import type { Apart, Outcome, Runs, Variant } from './sync.ts';

const variants: readonly Variant[] = [
  { name: 'an instance', globals: 'lvs_sync_daemon eth0 VI_1' },
  {
    name: 'every option',
    globals: 'lvs_sync_daemon eth0 inst VI_1 id 3 maxlen 1200 port 8850 ttl 3 group 224.0.0.99',
    brief: true,
  },
  { name: 'lvs_sync_daemon_interface', globals: '', lines: 'lvs_sync_daemon_interface eth0' },
  { name: 'an instance that is not there', globals: 'lvs_sync_daemon eth0 VI_9', brief: true },
];

const USUAL = 'maxlen=1472, group=224.0.0.81, port=8848, ttl=1';
/** What the daemon of each variant is listed with. */
const LISTED: Readonly<Record<string, string | undefined>> = {
  'an instance': `mcast=eth0, syncid=51, ${USUAL}`,
  'every option': 'mcast=eth0, syncid=3, maxlen=1200, group=224.0.0.99, port=8850, ttl=3',
  lvs_sync_daemon_interface: `mcast=eth0, syncid=0, ${USUAL}`,
};
const ROLES: Readonly<Record<string, string | undefined>> = {
  backup: 'backup',
  master: 'master',
  'backup again': 'backup',
  fault: 'backup',
  'fault is over': 'backup',
  'reload with it': 'backup',
};

let runs: Runs;
let aparts: Outcome['aparts'];
before(async () => {
  ({ runs, aparts } = await runInside<Outcome>(import.meta.resolve('./sync.ts'), {
    input: variants,
    milliseconds: 300_000,
  }));
});

for (const { name, brief } of variants)
  describe(name, () => {
    it('the daemon follows the role', () => {
      const { ours } = runs[name] ?? assert.fail();
      const words = LISTED[name];
      assert.equal(ours.steps.length, brief ? 3 : 8);
      for (const { what, listed } of ours.steps) {
        const role = ROLES[what];
        const wanted =
          role === undefined || words === undefined ? [] : [`${role} sync daemon (${words})`];
        assert.deepEqual({ what, listed }, { what, listed: wanted }, ours.log);
      }
    });
    it('as with keepalived', () => {
      const { ours, keepalived } = runs[name] ?? assert.fail();
      // keepalived leaves it running when a reload takes the words away.
      const compared = (steps: typeof ours.steps): typeof ours.steps =>
        steps.filter(({ what }) => what !== 'reload without it');
      assert.deepEqual(compared(ours.steps), compared(keepalived.steps));
    });
  });

it('without an instance the checker child plays both roles', () => {
  const { ours, keepalived } = runs['no instance'] ?? assert.fail();
  assert.equal(ours.steps[0]?.listed.length, 2, ours.log);
  assert.deepEqual(ours.steps, keepalived.steps);
});

it('an instance that is not there is said', () => {
  const line = 'Unable to find vrrp instance VI_9 for lvs_syncd - clearing lvs_syncd config';
  const { ours, keepalived } = runs['an instance that is not there'] ?? assert.fail();
  assert.ok(ours.log.includes(line), ours.log);
  assert.ok(keepalived.log.includes(line), keepalived.log);
});

const isApart = ({ wanted, other, addressed, left, log }: Apart): void => {
  assert.equal(wanted.length, 3, log);
  assert.deepEqual({ other, addressed, left }, { other: [], addressed: ['rest'], left: [] }, log);
};

it('net_namespace_ipvs with a name: services and sync daemons are there, everything else is not, as with keepalived', () => {
  const { ours, keepalived } = aparts.named;
  isApart(ours);
  for (const what of ['wanted', 'other', 'addressed', 'left'] as const)
    assert.deepEqual(ours[what], keepalived[what], `${what}\n${keepalived.log}`);
});

it('net_namespace_ipvs without: they are where the daemon was started, and the rest is in net_namespace', () =>
  isApart(aparts.bare.ours));
