// Shows two machines sharing an address and one taking it over from the other, in network namespaces, and says
// how long the client was without an answer and how much of that the protocol itself asks for. Removes all it made.
// Option: --daemon keepalived runs the same with Debian's daemon.

import { parseArgs } from 'node:util';
import type { DaemonKind } from '../test/netns/daemon.ts';
import { Lab } from '../test/netns/lab.ts';
import { longestSilence } from '../test/netns/probe.ts';
import type { Router } from '../test/netns/router.ts';
import { configOf, masterDown, skewTime, virtual4 } from '../test/netns/router.ts';
import { announced, isAdvert } from '../test/netns/wire.ts';

const { values } = parseArgs({ options: { daemon: { type: 'string', default: 'ours' } } });
const daemon = values.daemon as DaemonKind;

const shared = {
  version: 3,
  family: 4,
  interval: 0.1,
  transport: 'multicast',
  vrid: 51,
  addresses: [`${virtual4}/24`],
} as const;
const better: Router = { ...shared, priority: 150 };
const worse: Router = { ...shared, priority: 100 };

const say = (text = ''): void => {
  process.stdout.write(`${text}\n`);
};
const ms = (microseconds: number): string => `${(microseconds / 1000).toFixed(1)} ms`;

async function show(lab: Lab): Promise<void> {
  const [a, b, client] = [lab.host('a'), lab.host('b'), lab.host('c')];
  const names: Record<string, string> = { a: 'node A', b: 'node B', c: 'the client' };
  say(
    `Three network namespaces on a bridge, called ${lab.tag}-*, nothing of this machine's own network:`,
  );
  say(`  node A  ${a.address4}  priority ${better.priority}`);
  say(`  node B  ${b.address4}  priority ${worse.priority}`);
  say(`  client  ${client.address4}  pings the shared address ${virtual4} every 10 ms`);
  say();
  say(
    `Both nodes run ${daemon === 'ours' ? 'keepalived-ts' : daemon} with this configuration (B with its own priority):`,
  );
  for (const line of configOf(daemon, better, a).trimEnd().split('\n')) say(`    ${line}`);
  say();

  say(
    '1. Node A starts, hears nobody and becomes master; node B starts, hears A and stays backup.',
  );
  a.start(daemon, configOf(daemon, better, a));
  await lab.untilHolder(virtual4, 'a', 15_000);
  const backup = b.start(daemon, configOf(daemon, worse, b));
  await lab.until('node B is backup', () =>
    backup.lines.some(({ text }) => text.includes('Entering BACKUP STATE')),
  );
  const probe = lab.startProbe('c', virtual4);
  await lab.until('the client has its first answers', () => probe.answers.length >= 50);

  say(
    "2. Node A's machine dies: its cable carries nothing more, its processes are killed in the same instant.",
  );
  const death = lab.now();
  a.killMachine();
  await lab.untilHolder(virtual4, 'b', 15_000);
  await lab.until(
    'the client is answered by node B',
    () => (probe.answers.at(-1) ?? 0) > death + 1e6,
  );
  const silence = longestSilence(probe.answers);

  say('3. Node A boots again and takes its address back, because its priority is higher.');
  const rebirth = probe.answers.length;
  await a.reviveMachine();
  const boot = lab.now();
  a.start(daemon, configOf(daemon, better, a));
  await lab.untilHolder(virtual4, 'a', 15_000);
  await lab.until(
    'the client goes on being answered',
    () => (probe.answers.at(-1) ?? 0) > lab.now() - 5e4 && probe.answers.length > rebirth + 50,
  );
  const handover = longestSilence(probe.answers.slice(rebirth - 1));
  say();

  const adverts = lab.frames.filter(isAdvert);
  const last = adverts.findLast((f) => f.from === a.mac && f.at < silence.until);
  const heir = adverts.find((f) => f.from === b.mac && f.at > (last?.at ?? 0));
  const garp = lab.frames.find(
    (f) => f.from === b.mac && announced(f) === virtual4 && f.at > death,
  );
  const events = lab.spans(virtual4).flatMap(({ host, from, until }) => [
    { at: from, text: `${names[host]} holds ${virtual4}` },
    ...(until < lab.now() - 1000
      ? [
          {
            at: until,
            text: `${names[host]} ${host === 'a' && Math.abs(until - death) < 1e5 ? 'can be reached no more' : 'holds it no more'}`,
          },
        ]
      : []),
  ]);
  events.push(
    { at: death, text: "node A's machine dies" },
    { at: boot, text: 'node A boots again' },
  );
  if (last !== undefined)
    events.push({ at: last.at, text: 'the last advert of node A before its death' });
  if (heir !== undefined) events.push({ at: heir.at, text: 'the first advert of node B' });
  if (garp !== undefined)
    events.push({ at: garp.at, text: 'node B tells the network by gratuitous ARP' });
  events.push({ at: silence.from, text: 'the last answer to the client before the silence' });
  events.push({ at: silence.until, text: 'the first answer after it' });
  const origin = Math.min(...events.map(({ at }) => at));
  say(
    'What happened (seconds; the wire by kernel timestamps, addresses as the kernels reported them):',
  );
  for (const { at, text } of events.sort((x, y) => x.at - y.at)) {
    say(`  ${((at - origin) / 1e6).toFixed(4).padStart(8)}  ${text}`);
  }
  say();

  const minimum = masterDown(worse);
  say(`Longest silence at the client:            ${ms(silence.length)}`);
  say(`The protocol's own minimum for node B:    ${ms(minimum)}`);
  say(
    `  = 3 x the advert interval of ${shared.interval * 1000} ms + skew of ${ms(skewTime(worse))} (RFC 9568 6.1), counted from A's last advert`,
  );
  if (last !== undefined && heir !== undefined) {
    const taken = heir.at - last.at;
    say(
      `From A's last advert to B's first:        ${ms(taken)}: ${((taken - minimum) / 1000).toFixed(3)} ms beyond the minimum`,
    );
  }
  say(
    'The silence can be shorter than the minimum, because A died some time after its last advert,',
  );
  say('or longer by up to 10 ms, because the client asks only that often.');
  say(`When A came back the client missed at most ${ms(handover.length)}.`);
}

const lab = await Lab.open({ hosts: ['a', 'b', 'c'] });
try {
  await show(lab);
} finally {
  await lab.close();
}
say();
say('Everything the demo made is removed: namespaces, processes, files.');
