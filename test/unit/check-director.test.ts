// What is ordered, logged, mailed and told to programs when servers come and go, word for word and in the order in which
// keepalived 2.2.7 was seen to do it (a namespace, an IPVS that writes down what it is asked).

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CheckAction } from '../../src/check/action.ts';
import type { Verdict } from '../../src/check/checker.ts';
import { createDirector, director } from '../../src/check/director.ts';
import type { CheckEvent } from '../../src/check/event.ts';
import type { CheckerConfig } from '../../src/check/resolve.ts';
import type { DirectorState } from '../../src/check/state.ts';
import { type Ip, parseIp } from '../../src/lib/ip.ts';
import type { IpvsOrder } from '../../src/lib/ipvs.ts';
import { type Instant, seconds } from '../../src/lib/time.ts';
import { read } from '../property/reading.ts';

const ip = (text: string): Ip => parseIp(text) as Ip;
const up: Verdict = { up: true };
const down = (reason = 'refused'): Verdict => ({ up: false, reason });

const configOf = (text: string): CheckerConfig => {
  const { config } = read(text);
  assert.ok(config !== undefined);
  return config;
};

function show(order: IpvsOrder): string {
  if (!('key' in order)) return order.type;
  const key =
    'mark' in order.key ? `mark ${order.key.mark}` : `${order.key.address}:${order.key.port}`;
  if (!('destination' in order)) return `${order.type} ${key}`;
  const weight = 'to' in order ? ` ${order.to.weight}` : '';
  return `${order.type} ${key} ${order.destination.address}:${order.destination.port}${weight}`;
}

const LINES: { readonly [T in CheckAction['type']]?: (action: never) => string[] } = {
  ipvs: ({ orders }: Extract<CheckAction, { type: 'ipvs' }>) => orders.map(show),
  log: ({ text }: Extract<CheckAction, { type: 'log' }>) => [text],
  run: ({ script }: Extract<CheckAction, { type: 'run' }>) => [`run ${script.words.join(' ')}`],
  fifo: ({ line }: Extract<CheckAction, { type: 'fifo' }>) => [`fifo ${line}`],
  mail: ({ subject, text }: Extract<CheckAction, { type: 'mail' }>) => [
    `mail ${subject} | ${text.trim()}`,
  ],
  exit: ({ status }: Extract<CheckAction, { type: 'exit' }>) => [`exit ${status}`],
};

/** A process whose checks are answered by hand. */
class Play {
  state: DirectorState;
  now = 1_000_000 as Instant;
  readonly pending = new Map<number, string>();
  noted: readonly string[] = [];

  constructor(text: string, keeps = false) {
    this.state = createDirector(configOf(text), { seed: 1, keeps });
  }

  take(event: CheckEvent): string[] {
    const { state, actions } = director.step(this.state, event, this.now);
    this.state = state;
    const lines: string[] = [];
    for (const action of actions) {
      if (action.type === 'probe') this.pending.set(action.run, JSON.stringify(action.target));
      else if (action.type === 'cancel') this.pending.delete(action.run);
      else if (action.type === 'note') this.#note(action);
      else lines.push(...(LINES[action.type]?.(action as never) ?? []));
    }
    return lines;
  }

  #note({ down, up }: Extract<CheckAction, { type: 'note' }>): void {
    const known = this.noted.filter((one) => up !== 'others' && !up.includes(one));
    this.noted = [...known, ...down];
  }

  start(files: Readonly<Record<string, string>> = {}, addresses: readonly Ip[] = []): string[] {
    return this.take({ type: 'facts', facts: { files, addresses } });
  }

  /** Everything due is asked; what asks for `where` is answered. */
  answer(where: string, verdict: Verdict): string[] {
    for (let i = 0; i < 50; i++) {
      const found = [...this.pending].find(([, target]) => target.includes(where));
      if (found !== undefined) {
        this.pending.delete(found[0]);
        return this.take({ type: 'answered', run: found[0], verdict });
      }
      const at = director.nextDeadline(this.state);
      assert.ok(at !== undefined, `nobody asks ${where}`);
      this.now = Math.max(at, this.now) as Instant;
      this.take({ type: 'deadline' });
    }
    return assert.fail(`nobody asks ${where}`);
  }

  reload(text: string, files: Readonly<Record<string, string>> = {}): string[] {
    return this.take({ type: 'reload', config: configOf(text), files });
  }
}

const globals = (more = ''): string =>
  `global_defs {\nrouter_id R\nscript_user root\nnotification_email {\na@b\n}\nlvs_notify_fifo /f\n${more}\n}\n`;
const service = (more: string, head = 'virtual_server 10.0.0.1 80'): string =>
  `${head} {\ndelay_loop 2\nlvs_sched rr\nlvs_method NAT\nprotocol TCP\n${more}\n}\n`;
const real = (port: number, more: string): string =>
  `real_server 127.0.0.1 ${port} {\n${more}\n}\n`;
const tcp = (retry = 0): string => `TCP_CHECK {\nretry ${retry}\n}`;

const PLAIN = `${globals()}${service(`quorum_up /qup\nquorum_down /qdown\nsmtp_alert\nsorry_server 127.0.0.1 9999
${real(8001, `weight 3\nnotify_up /up\nnotify_down /down\n${tcp(2)}`)}
${real(8002, `inhibit_on_failure\n${tcp(1)}`)}`)}`;

test('a service from its start to its end', () => {
  const play = new Play(PLAIN);
  assert.deepEqual(play.start(), [
    'addService 10.0.0.1:80',
    'addDestination 10.0.0.1:80 127.0.0.1:8001 3',
    'addDestination 10.0.0.1:80 127.0.0.1:8002 1',
    'Gained quorum 1+0=1 <= 4 for VS [10.0.0.1]:tcp:80',
    'run /qup',
    'fifo VS [10.0.0.1]:tcp:80 UP',
    'mail [R] Virtualserver [10.0.0.1]:tcp:80 - UP | => Starting with quorum up 1+0=1 <= 4 <=',
    'Activating healthchecker for service [127.0.0.1]:tcp:8001 for VS [10.0.0.1]:tcp:80',
    'Activating healthchecker for service [127.0.0.1]:tcp:8002 for VS [10.0.0.1]:tcp:80',
  ]);
  const one = '"port":8001';
  const two = '"port":8002';
  assert.deepEqual(play.answer(one, up), ['TCP connection to [127.0.0.1]:tcp:8001 success.']);
  assert.deepEqual(play.answer(two, up), ['TCP connection to [127.0.0.1]:tcp:8002 success.']);
  assert.deepEqual(play.answer(one, up), []);
  assert.deepEqual([...play.answer(one, down()), ...play.answer(one, down())], []);
  assert.deepEqual(play.answer(one, down()), [
    'removeDestination 10.0.0.1:80 127.0.0.1:8001',
    'TCP connection to [127.0.0.1]:tcp:8001 failed. (refused)',
    'TCP_CHECK on service [127.0.0.1]:tcp:8001 failed after 2 retries.',
    'Removing service [127.0.0.1]:tcp:8001 from VS [10.0.0.1]:tcp:80',
    'run /down',
    'fifo RS [127.0.0.1]:tcp:8001 [10.0.0.1]:tcp:80 DOWN',
    'mail [R] Realserver [127.0.0.1]:tcp:8001 of virtual server [10.0.0.1]:tcp:80 - DOWN | => TCP CHECK failed on service <=',
  ]);
  assert.deepEqual(play.answer(two, down()), []);
  assert.deepEqual(play.answer(two, down()), [
    'addDestination 10.0.0.1:80 127.0.0.1:9999 1',
    'editDestination 10.0.0.1:80 127.0.0.1:8002 0',
    'TCP connection to [127.0.0.1]:tcp:8002 failed. (refused)',
    'TCP_CHECK on service [127.0.0.1]:tcp:8002 failed after 1 retries.',
    'Disabling service [127.0.0.1]:tcp:8002 of VS [10.0.0.1]:tcp:80',
    'fifo RS [127.0.0.1]:tcp:8002 [10.0.0.1]:tcp:80 DOWN',
    'Lost quorum 1-0=1 > 0 for VS [10.0.0.1]:tcp:80',
    'Adding sorry server [127.0.0.1]:tcp:9999 to VS [10.0.0.1]:tcp:80',
    'Removing alive servers from the pool for VS [10.0.0.1]:tcp:80',
    'run /qdown',
    'fifo VS [10.0.0.1]:tcp:80 DOWN',
    'mail [R] Virtualserver [10.0.0.1]:tcp:80 - DOWN | => Lost quorum 1+0=1 <= 0 <=',
    'mail [R] Realserver [127.0.0.1]:tcp:8002 of virtual server [10.0.0.1]:tcp:80 - DOWN | => TCP CHECK failed on service <=',
  ]);
  assert.deepEqual(play.answer(one, up), [
    'addDestination 10.0.0.1:80 127.0.0.1:8001 3',
    'removeDestination 10.0.0.1:80 127.0.0.1:9999',
    'TCP connection to [127.0.0.1]:tcp:8001 success.',
    'Adding service [127.0.0.1]:tcp:8001 to VS [10.0.0.1]:tcp:80',
    'run /up',
    'fifo RS [127.0.0.1]:tcp:8001 [10.0.0.1]:tcp:80 UP',
    'Gained quorum 1+0=1 <= 3 for VS [10.0.0.1]:tcp:80',
    'Removing sorry server [127.0.0.1]:tcp:9999 from VS [10.0.0.1]:tcp:80',
    'Adding alive servers to the pool for VS [10.0.0.1]:tcp:80',
    'run /qup',
    'fifo VS [10.0.0.1]:tcp:80 UP',
    'mail [R] Virtualserver [10.0.0.1]:tcp:80 - UP | => Gained quorum 1+0=1 <= 3 <=',
    'mail [R] Realserver [127.0.0.1]:tcp:8001 of virtual server [10.0.0.1]:tcp:80 - UP | => TCP CHECK succeed on service <=',
  ]);
  assert.deepEqual(play.reload(PLAIN), [
    'Activating healthchecker for service [127.0.0.1]:tcp:8001 for VS [10.0.0.1]:tcp:80',
    'Activating healthchecker for service [127.0.0.1]:tcp:8002 for VS [10.0.0.1]:tcp:80',
  ]);
  assert.deepEqual(play.take({ type: 'stop' }), [
    'removeService 10.0.0.1:80',
    'Shutting down service [127.0.0.1]:tcp:8001 from VS [10.0.0.1]:tcp:80',
    'Shutting down (inhibited) service [127.0.0.1]:tcp:8002 from VS [10.0.0.1]:tcp:80',
    'exit 0',
  ]);
});

test('omega: what is up is said to go down at the end; -I: the table stays', () => {
  const text = `${globals()}${service(`omega\nquorum_down /qdown\n${real(8001, `notify_down /down\n${tcp()}`)}`)}`;
  const play = new Play(text, true);
  play.start();
  assert.deepEqual(play.take({ type: 'stop' }), [
    'Shutting down service [127.0.0.1]:tcp:8001 from VS [10.0.0.1]:tcp:80',
    'run /down',
    'fifo RS [127.0.0.1]:tcp:8001 [10.0.0.1]:tcp:80 DOWN',
    'run /qdown',
    'fifo VS [10.0.0.1]:tcp:80 DOWN',
    'exit 0',
  ]);
  assert.deepEqual(play.take({ type: 'deadline' }), []);
  const lost = new Play(text);
  lost.start();
  lost.answer('8001', down());
  assert.deepEqual(
    lost.take({ type: 'stop' }).filter((line) => /^(run|fifo)/.test(line)),
    ['run /qdown', 'fifo VS [10.0.0.1]:tcp:80 DOWN'],
  );
});

test('omega: who stands behind the sorry server is not said to go down at the end, unless IPVS has it', () => {
  const text = (more: string): string =>
    `${globals()}${service(`omega\nquorum 2\nsorry_server 127.0.0.1 9999\n${more}\n${real(8001, tcp())}${real(8002, tcp())}`)}`;
  const told = (more: string): string[] => {
    const play = new Play(text(more));
    play.start();
    play.answer('8002', down());
    return play.take({ type: 'stop' }).filter((line) => line.startsWith('fifo'));
  };
  const quorum = 'fifo VS [10.0.0.1]:tcp:80 DOWN';
  assert.deepEqual(told(''), [quorum]);
  assert.deepEqual(told('inhibit_on_failure'), [
    'fifo RS [127.0.0.1]:tcp:8001 [10.0.0.1]:tcp:80 DOWN',
    quorum,
  ]);
});

test('too few servers at the start: nothing is said, unless a sorry server stands in', () => {
  const few = real(8001, `weight 4\n${tcp()}`);
  const short = new Play(`${globals()}${service(`quorum 4\nhysteresis 1\n${few}`)}`);
  assert.deepEqual(short.start(), [
    'addService 10.0.0.1:80',
    'addDestination 10.0.0.1:80 127.0.0.1:8001 4',
    'Activating healthchecker for service [127.0.0.1]:tcp:8001 for VS [10.0.0.1]:tcp:80',
  ]);
  const one = real(8001, `notify_down /down\n${tcp()}`);
  const silent = new Play(`${globals()}${service(`alpha\nquorum_down /qdown\n${one}`)}`);
  assert.deepEqual(silent.start(), [
    'addService 10.0.0.1:80',
    'Activating healthchecker for service [127.0.0.1]:tcp:8001 for VS [10.0.0.1]:tcp:80',
  ]);
  assert.deepEqual(silent.answer('8001', down()), [
    'TCP connection to [127.0.0.1]:tcp:8001 failed. (refused)',
    'TCP_CHECK on service [127.0.0.1]:tcp:8001 failed.',
    'run /down',
    'fifo RS [127.0.0.1]:tcp:8001 [10.0.0.1]:tcp:80 DOWN',
  ]);
  const sorry = 'sorry_server 127.0.0.1 9\nquorum_down /qdown';
  assert.deepEqual(new Play(`${globals()}${service(`alpha\n${sorry}\n${one}`)}`).start(), [
    'addService 10.0.0.1:80',
    'addDestination 10.0.0.1:80 127.0.0.1:9 1',
    'Starting with quorum down 1-0=1 > 0 for VS [10.0.0.1]:tcp:80',
    'Adding sorry server [127.0.0.1]:tcp:9 to VS [10.0.0.1]:tcp:80',
    'Removing alive servers from the pool for VS [10.0.0.1]:tcp:80',
    'run /qdown',
    'fifo VS [10.0.0.1]:tcp:80 DOWN',
    'Activating healthchecker for service [127.0.0.1]:tcp:8001 for VS [10.0.0.1]:tcp:80',
  ]);
});

test('hysteresis: a start needs it on top of the quorum, and so does coming back', () => {
  const reals = `${real(8001, `weight 4\n${tcp()}`)}${real(8002, `weight 2\nalpha\n${tcp()}`)}`;
  const sorry = 'sorry_server 127.0.0.1 9';
  const play = new Play(`${globals()}${service(`${sorry}\nquorum 4\nhysteresis 1\n${reals}`)}`);
  assert.equal(
    play.start().find((line) => line.includes('quorum')),
    'Starting with quorum down 4-1=5 > 4 for VS [10.0.0.1]:tcp:80',
  );
  assert.ok(play.answer('8002', up).includes('Gained quorum 4+1=5 <= 6 for VS [10.0.0.1]:tcp:80'));
  assert.ok(!play.answer('8002', down()).some((line) => line.includes('quorum')));
  assert.ok(play.answer('8001', down()).includes('Lost quorum 4-1=3 > 0 for VS [10.0.0.1]:tcp:80'));
});

test('all servers have the weight 0: the sorry server serves until one counts', () => {
  const relieved = (weight: number): string =>
    service(`sorry_server 127.0.0.1 9\n${real(8001, `weight ${weight}\n${tcp()}`)}`);
  const play = new Play(relieved(0));
  assert.deepEqual(play.start().slice(0, 3), [
    'addService 10.0.0.1:80',
    'addDestination 10.0.0.1:80 127.0.0.1:9 1',
    'Starting with quorum down 0-0=1 > 0 for VS [10.0.0.1]:tcp:80',
  ]);
  assert.deepEqual(play.reload(relieved(2)).slice(0, 2), [
    'addDestination 10.0.0.1:80 127.0.0.1:8001 2',
    'removeDestination 10.0.0.1:80 127.0.0.1:9',
  ]);
  assert.deepEqual(play.reload(relieved(0)).slice(0, 4), [
    'addDestination 10.0.0.1:80 127.0.0.1:9 1',
    'removeDestination 10.0.0.1:80 127.0.0.1:8001',
    'Changing weight from 2 to 0 for active service [127.0.0.1]:tcp:8001 of VS [10.0.0.1]:tcp:80',
    'Lost quorum 0-0=1 > 0 for VS [10.0.0.1]:tcp:80',
  ]);
});

test('a mark of both families is two services of one name: each has its scripts, and stays when the other goes', () => {
  const marked = (address: string, family: string): string =>
    service(
      `ip_family ${family}\nquorum_up /qup\nquorum_down /qdown\nreal_server ${address} 80 {\nnotify_down /down\n${tcp()}\n}`,
      'virtual_server fwmark 7',
    );
  const both = marked('127.0.0.1', 'inet') + marked('::1', 'inet6');
  const { actions, state } = director.step(
    createDirector(configOf(both), { seed: 1, keeps: false }),
    { type: 'facts', facts: { files: {}, addresses: [] } },
    1_000_000 as Instant,
  );
  const owners = actions.flatMap((action) => (action.type === 'run' ? [action.owner] : []));
  assert.equal(new Set(owners).size, 2, owners.join());
  const play = new Play(both);
  play.state = state;
  assert.deepEqual(
    play.reload(marked('::1', 'inet6')).filter((line) => /^(run|remove)/.test(line)),
    ['removeService mark 7', 'run /down', 'run /qdown'],
  );
});

test('sorry_server_inhibit, and what is alive while the quorum is lost', () => {
  const text = service(`quorum 3\nsorry_server 127.0.0.1 8003\nsorry_server_inhibit
${real(8001, tcp())}${real(8002, `inhibit_on_failure\n${tcp()}`)}${real(8003, `inhibit_on_failure\n${tcp()}`)}`);
  const play = new Play(text);
  play.start();
  assert.deepEqual(play.answer('"port":8003', down()).slice(0, 7), [
    'editDestination 10.0.0.1:80 127.0.0.1:8002 0',
    'removeDestination 10.0.0.1:80 127.0.0.1:8001',
    'TCP connection to [127.0.0.1]:tcp:8003 failed. (refused)',
    'TCP_CHECK on service [127.0.0.1]:tcp:8003 failed.',
    'Disabling service [127.0.0.1]:tcp:8003 of VS [10.0.0.1]:tcp:80',
    'Lost quorum 3-0=3 > 2 for VS [10.0.0.1]:tcp:80',
    'Enabling sorry server [127.0.0.1]:tcp:8003 to VS [10.0.0.1]:tcp:80',
  ]);
  assert.ok(
    play
      .answer('"port":8003', up)
      .includes('Disabling sorry server [127.0.0.1]:tcp:8003 from VS [10.0.0.1]:tcp:80'),
  );
});

const WEIGHTS = `${globals()}track_file tf {\nfile /tf\n}\n${service(
  `${real(8003, 'weight 10\nMISC_CHECK {\nmisc_path /m\nmisc_dynamic\n}')}
${real(8004, 'weight 5\nFILE_CHECK {\ntrack_file tf\nweight 2\n}')}`,
)}`;

test('a MISC_CHECK that cannot be run: keepalived names what is disabled, and says it where it runs', () => {
  const check = 'MISC_CHECK {\nmisc_path "missing a \'b c\'"\n}';
  const { diagnostics } = read(globals() + service(real(8001, check)));
  assert.deepEqual(
    diagnostics.map(({ message, class: kind }) => [message, kind]),
    [
      ['no', 'none'],
      ["Disabling misc script 'missing' 'a' 'b c' since not found/accessible", 'none'],
    ],
  );
});

/** What a script says first is news to people, also of who was taken for up. */
const FIRST_MISC =
  'mail [R] Realserver [127.0.0.1]:tcp:8003 of virtual server [10.0.0.1]:tcp:80 - UP | => MISC CHECK succeeded on service <=';

test('a MISC_CHECK that no kernel can run counts as successful, and a warning says so once', () => {
  const play = new Play(WEIGHTS);
  play.start({ tf: '5' });
  const misc = 'Misc check for [[127.0.0.1]:tcp:8003 VS [10.0.0.1]:tcp:80] by [/m]';
  const unfit = { ...down('execve ENOEXEC'), unfit: true } as const;
  assert.deepEqual(play.answer('/m', unfit), [
    `WARNING - ${misc} cannot be run (execve ENOEXEC): it counts as successful`,
    `${misc} succeeded.`,
    FIRST_MISC,
  ]);
  assert.deepEqual(play.answer('/m', unfit), []);
});

test('FILE_CHECK: the least number there is is a fault, any other below the weight is 0', () => {
  const text = `track_file tf {\nfile /f\n}\n${service(real(8004, 'weight 5\nFILE_CHECK {\ntrack_file tf\nweight -1\n}'))}`;
  const play = new Play(text);
  play.start({ tf: '0' });
  const at = '10.0.0.1:80 127.0.0.1:8004';
  const says = (number: string): string[] =>
    ordersIn(play.take({ type: 'fileRead', name: 'tf', text: number }));
  assert.deepEqual(says('2147483647'), [`editDestination ${at} 0`]);
  assert.deepEqual(says('-2147483648'), [`editDestination ${at} 2147483647`]);
  assert.deepEqual(says('-2147483649'), [], 'no number that it knows');
  const twice = new Play(text.replace('weight -1', 'weight 2'));
  twice.start({ tf: '0' });
  const asks = (number: string): string[] =>
    ordersIn(twice.take({ type: 'fileRead', name: 'tf', text: number }));
  assert.deepEqual(asks('-1073741823'), [`editDestination ${at} 0`]);
  assert.deepEqual(asks('-1073741824'), [`removeDestination ${at}`]);
});

test('weights from MISC_CHECK and FILE_CHECK', () => {
  const play = new Play(WEIGHTS);
  assert.deepEqual(play.start({ tf: '5' }).slice(0, 3), [
    'addService 10.0.0.1:80',
    'addDestination 10.0.0.1:80 127.0.0.1:8003 10',
    'addDestination 10.0.0.1:80 127.0.0.1:8004 15',
  ]);
  const misc = 'Misc check for [[127.0.0.1]:tcp:8003 VS [10.0.0.1]:tcp:80] by [/m]';
  assert.deepEqual(play.answer('/m', { up: true, weight: 8 }), [
    'editDestination 10.0.0.1:80 127.0.0.1:8003 8',
    `${misc} succeeded.`,
    'Changing weight from 10 to 8 for active service [127.0.0.1]:tcp:8003 of VS [10.0.0.1]:tcp:80',
    FIRST_MISC,
  ]);
  assert.deepEqual(play.answer('/m', down('exited with status 1')).slice(0, 3), [
    'removeDestination 10.0.0.1:80 127.0.0.1:8003',
    `${misc} failed with retry disabled (exited with status 1).`,
    'Removing service [127.0.0.1]:tcp:8003 from VS [10.0.0.1]:tcp:80',
  ]);
  const file = (text?: string): string[] =>
    play.take({ type: 'fileRead', name: 'tf', ...(text === undefined ? {} : { text }) });
  assert.deepEqual(file('-20'), [
    'editDestination 10.0.0.1:80 127.0.0.1:8004 0',
    'Changing weight from 15 to 0 for active service [127.0.0.1]:tcp:8004 of VS [10.0.0.1]:tcp:80',
    'Lost quorum 1-0=1 > 0 for VS [10.0.0.1]:tcp:80',
    'fifo VS [10.0.0.1]:tcp:80 DOWN',
  ]);
  assert.deepEqual(file('-2000000000'), [
    'removeDestination 10.0.0.1:80 127.0.0.1:8004',
    '([127.0.0.1]:tcp:8004): tracked file tf now FAULT state',
    'Removing service [127.0.0.1]:tcp:8004 from VS [10.0.0.1]:tcp:80',
    'fifo RS [127.0.0.1]:tcp:8004 [10.0.0.1]:tcp:80 DOWN',
  ]);
  assert.deepEqual(file().slice(0, 3), [
    'addDestination 10.0.0.1:80 127.0.0.1:8004 5',
    '([127.0.0.1]:tcp:8004): tracked file tf leaving FAULT state',
    'Adding service [127.0.0.1]:tcp:8004 to VS [10.0.0.1]:tcp:80',
  ]);
});

test('ha_suspend: no checks while the address is elsewhere; what is known stays', () => {
  const play = new Play(service(`ha_suspend\n${real(8001, tcp())}`));
  assert.ok(
    play
      .start()
      .includes(
        'Deactivating healthchecker for service [127.0.0.1]:tcp:8001 for VS [10.0.0.1]:tcp:80',
      ),
  );
  assert.equal(director.nextDeadline(play.state), undefined);
  const here = (address = ip('10.0.0.1')): string[] => play.take({ type: 'address', address });
  assert.deepEqual(here(ip('10.0.0.2')), []);
  assert.deepEqual(here(), [
    'Activating healthchecker for service [127.0.0.1]:tcp:8001 for VS [10.0.0.1]:tcp:80',
  ]);
  play.answer('8001', down());
  play.answer('8001', down());
  play.take({ type: 'deadline' });
  assert.deepEqual(play.take({ type: 'addressGone', address: ip('10.0.0.1') }), [
    'Suspending healthchecker for service [127.0.0.1]:tcp:8001 for VS [10.0.0.1]:tcp:80',
  ]);
  assert.equal(director.nextDeadline(play.state), undefined);
  assert.equal(play.pending.size, 0);
  here();
  assert.ok(play.answer('8001', up).includes('addDestination 10.0.0.1:80 127.0.0.1:8001 1'));
});

const ordersIn = (lines: readonly string[]): string[] =>
  lines.filter((line) => /^\w+(Service|Destination) /.test(line));

test('DR and TUN: the port is that which the packets came to, be it of the sorry server; behind a mark there is none', () => {
  const group = 'virtual_server_group g {\n10.0.0.9 443\n10.0.0.8 80\nfwmark 7\n}\n';
  const play = new Play(
    group +
      service(
        `lvs_method DR\nsorry_server 127.0.0.9 9000\n${real(8001, tcp())}`,
        'virtual_server group g',
      ) +
      service(
        `sorry_server 127.0.0.9 9000\nsorry_server_lvs_method TUN\n${real(8001, tcp())}`,
        'virtual_server 10.0.0.1 81',
      ) +
      service(
        `sorry_server 127.0.0.9 9000\nsorry_server_lvs_method TUN\n${real(8001, `lvs_method DR\n${tcp()}`)}`,
        'virtual_server fwmark 8',
      ),
  );
  assert.deepEqual(ordersIn(play.start()), [
    'addService 10.0.0.9:443',
    'addDestination 10.0.0.9:443 127.0.0.1:443 1',
    'addService 10.0.0.8:80',
    'addDestination 10.0.0.8:80 127.0.0.1:80 1',
    'addService mark 7',
    'addDestination mark 7 127.0.0.1:0 1',
    'addService 10.0.0.1:81',
    'addDestination 10.0.0.1:81 127.0.0.1:8001 1',
    'addService mark 8',
    'addDestination mark 8 127.0.0.1:0 1',
  ]);
  assert.deepEqual(ordersIn(play.answer('"port":8001', down())), [
    'addDestination 10.0.0.9:443 127.0.0.9:443 1',
    'removeDestination 10.0.0.9:443 127.0.0.1:443',
    'addDestination 10.0.0.8:80 127.0.0.9:80 1',
    'removeDestination 10.0.0.8:80 127.0.0.1:80',
    'addDestination mark 7 127.0.0.9:0 1',
    'removeDestination mark 7 127.0.0.1:0',
    'addDestination 10.0.0.1:81 127.0.0.9:81 1',
    'removeDestination 10.0.0.1:81 127.0.0.1:8001',
    'addDestination mark 8 127.0.0.9:0 1',
    'removeDestination mark 8 127.0.0.1:0',
  ]);
});

test('two servers that are the same one in IPVS: it stays while either is up', () => {
  const group = 'virtual_server_group g {\n10.0.0.9 443\n}\n';
  const reals = `${real(8001, `weight 2\n${tcp()}`)}${real(8002, `weight 3\n${tcp()}`)}`;
  for (const [head, at] of [
    ['virtual_server group g', '10.0.0.9:443 127.0.0.1:443'],
    ['virtual_server 10.0.0.1 80', '10.0.0.1:80 127.0.0.1:80'],
  ] as const) {
    const play = new Play(group + service(`lvs_method DR\n${reals}`, head));
    assert.deepEqual(ordersIn(play.start()).slice(1), [`addDestination ${at} 2`]);
    const answered = (port: number, verdict: Verdict): string[] =>
      ordersIn(play.answer(`"port":${port}`, verdict));
    assert.deepEqual(answered(8001, down()), [`editDestination ${at} 3`]);
    assert.deepEqual(answered(8001, up), [`editDestination ${at} 2`]);
    assert.deepEqual(answered(8002, down()), []);
    assert.deepEqual(answered(8001, down()), [`removeDestination ${at}`]);
  }
});

test('ha_suspend: a mark among its addresses may be anybody’s, and is always checked', () => {
  const group = 'virtual_server_group g {\n10.0.0.9 443\nfwmark 7\n}\n';
  const play = new Play(
    group + service(`ha_suspend\n${real(8001, tcp())}`, 'virtual_server group g'),
  );
  play.start();
  assert.ok(ordersIn(play.answer('"port":8001', down())).length > 0);
});

test('BFD_CHECK: a server follows its session', () => {
  const session = 'bfd_instance b {\nneighbor_ip 10.0.0.9\nsource_ip 10.0.0.8\n}\n';
  const play = new Play(`${session}${service(real(8001, 'BFD_CHECK {\nname b\n}'))}`);
  play.start();
  const says = (isUp: boolean): string[] => play.take({ type: 'session', name: 'b', up: isUp });
  assert.equal(says(false)[0], 'removeDestination 10.0.0.1:80 127.0.0.1:8001');
  assert.deepEqual(says(false), []);
  assert.equal(says(true)[0], 'addDestination 10.0.0.1:80 127.0.0.1:8001 1');
});

test('mail of every check, or with no_checker_emails of servers that come and go', () => {
  const two = real(8001, `${tcp()}\nTCP_CHECK {\nconnect_port 8002\nretry 0\n}`);
  const mails = (more: string): (string | undefined)[] => {
    const play = new Play(`${globals(more)}${service(two)}`);
    play.start();
    const lines = [
      ...play.answer('"port":8001', down()),
      ...play.answer('"port":8002', down()),
      ...play.answer('"port":8001', up),
      ...play.answer('"port":8002', up),
    ];
    return lines.filter((line) => line.startsWith('mail')).map((line) => line.split(' - ')[1]);
  };
  const ends = [
    'DOWN | => TCP CHECK failed on service <=',
    'UP | => TCP CHECK succeed on service <=',
  ];
  assert.deepEqual(
    mails('no_checker_emails'),
    ends.map((end) => end),
  );
  assert.deepEqual(mails(''), [
    ends[0],
    ends[0],
    'DOWN | => TCP CHECK succeed on service <=',
    ends[1],
  ]);
  assert.deepEqual(mails('smtp_alert_checker false'), []);
});

test('mail of the first failure of a script that has to show itself, and the words of keepalived', () => {
  const play = new Play(
    `${globals()}${service(
      real(8001, 'alpha\nMISC_CHECK {\nmisc_path /bin/true\nretry 1\n}') +
        real(8002, 'alpha\nTCP_CHECK {\n}') +
        real(8003, 'SMTP_CHECK {\nretry 0\n}'),
    )}`,
  );
  play.start();
  const mails = (lines: readonly string[]): string[] =>
    lines.filter((line) => line.startsWith('mail')).map((line) => line.split(' - ')[1] as string);
  const first = play.answer('/bin/true', down('exited with status 1'));
  assert.ok(first[0]?.endsWith('failed after 1 retry (exited with status 1).'), first[0]);
  assert.deepEqual(mails(first), ['DOWN | => MISC CHECK failed on service <=']);
  assert.deepEqual(mails(play.answer('"port":8002', down())), []);
  assert.deepEqual(mails(play.answer('"port":8003', down('Could not connect'))), [
    'DOWN | => CHECK failed on service : Could not connect to server [127.0.0.1]:8003 <=',
  ]);
});

test('a reload: people hear of a new server what checks of others know', () => {
  const misc = 'MISC_CHECK {\nmisc_path /bin/true\n}';
  const one = `${real(8001, tcp())}${real(8002, tcp())}${real(8003, misc)}`;
  const another = (more: string): string => service(`${more}${one}`, 'virtual_server 10.0.0.2 80');
  const mails = (globalDefs: string, more: string): string[] => {
    const first = `${globals(globalDefs)}${service(`${more}${one}`)}`;
    const play = new Play(first);
    play.start();
    play.answer('"port":8001', down());
    play.answer('"port":8002', up);
    play.answer('/bin/true', up);
    const lines = play.reload(`${first}${another(more)}`);
    return lines
      .filter((line) => line.startsWith('mail'))
      .map((line) => line.replace(/.*:tcp:(8\d+) .* - /, '$1 '));
  };
  assert.deepEqual(mails('', ''), [
    '8001 DOWN | => TCP CHECK failed on service <=',
    '8003 UP | => MISC CHECK succeeded on service <=',
  ]);
  assert.deepEqual(mails('', 'alpha\n'), [
    '8002 UP | => TCP CHECK succeed on service <=',
    '8003 UP | => MISC CHECK succeeded on service <=',
  ]);
  assert.deepEqual(mails('no_checker_emails', ''), [
    '8001 DOWN | => TCP CHECK failed on service <=',
  ]);
});

test('a reload: another sorry server is told, and that there are too few as at a start', () => {
  const reals = `${real(8001, tcp())}${real(8002, tcp())}`;
  const text = (sorry: string, quorum = 2): string =>
    `${globals()}${service(`quorum ${quorum}\nquorum_down /qdown\n${sorry}\n${reals}`)}`;
  const play = new Play(text(''));
  play.start();
  play.answer('"port":8001', down());
  const news = (lines: readonly string[]): string[] =>
    lines
      .filter((line) => !/^(Activating|addD|removeD|mail)/.test(line))
      .map((line) => line.replace(' VS [10.0.0.1]:tcp:80', ' VS'));
  const tooFew = (sorry: number): string[] => [
    'Starting with quorum down 2-0=2 > 1 for VS',
    `Adding sorry server [127.0.0.1]:tcp:${sorry} to VS`,
    'Removing alive servers from the pool for VS',
    'run /qdown',
    'fifo VS DOWN',
  ];
  assert.deepEqual(news(play.reload(text('sorry_server 127.0.0.1 1'))), tooFew(1));
  assert.deepEqual(news(play.reload(text('sorry_server 127.0.0.1 2'))), [
    'Removing sorry server [127.0.0.1]:tcp:1 from VS',
    ...tooFew(2),
  ]);
  assert.deepEqual(news(play.reload(text('sorry_server 127.0.0.1 2'))), []);
  assert.deepEqual(news(play.reload(text(''))), [
    'Removing sorry server [127.0.0.1]:tcp:2 from VS',
    'Adding alive servers to the pool for VS',
  ]);
  play.reload(text('sorry_server 127.0.0.1 3'));
  const won = news(play.reload(text('sorry_server 127.0.0.1 4\nsorry_server_inhibit', 1)));
  assert.deepEqual(won.slice(1, 3), [
    'Removing sorry server [127.0.0.1]:tcp:3 from VS',
    'Adding alive servers to the pool for VS',
  ]);
  const lost = news(play.reload(text('sorry_server 127.0.0.1 5')));
  assert.deepEqual(lost.slice(1, 4), [
    'Removing sorry server [127.0.0.1]:tcp:4 from VS',
    'Adding sorry server [127.0.0.1]:tcp:5 to VS',
    'Removing alive servers from the pool for VS',
  ]);
});

test('rs_init_notifies: servers that are up from the start, or come with a reload, are told', () => {
  const one = real(8001, 'notify_up /up');
  const play = new Play(`${globals('rs_init_notifies')}${service(one)}`);
  assert.deepEqual(play.start().slice(2, 4), [
    'run /up',
    'fifo RS [127.0.0.1]:tcp:8001 [10.0.0.1]:tcp:80 UP',
  ]);
  const more = service(`${one}${real(8002, 'notify_up /up2')}`);
  assert.deepEqual(play.reload(`${globals('rs_init_notifies')}${more}`), [
    'addDestination 10.0.0.1:80 127.0.0.1:8002 1',
    'run /up2',
    'fifo RS [127.0.0.1]:tcp:8002 [10.0.0.1]:tcp:80 UP',
  ]);
});

test('log_all_failures: failures that have tries left are logged too', () => {
  const lines = (globalDefs: string, own: string): string[] => {
    const text = `${globals(globalDefs)}${service(real(8001, `TCP_CHECK {\nretry 1\n${own}\n}`))}`;
    const play = new Play(text);
    play.start();
    play.answer('8001', up);
    return play.answer('8001', down());
  };
  const said = ['TCP connection to [127.0.0.1]:tcp:8001 failed. (refused)'];
  assert.deepEqual(lines('', ''), []);
  assert.deepEqual(lines('', 'log_all_failures'), said);
  assert.deepEqual(lines('checker_log_all_failures', ''), said);
  assert.deepEqual(lines('checker_log_all_failures', 'log_all_failures off'), []);
});

test('one check behind many services is made once, and all of them follow', () => {
  const same = (address: string): string =>
    service(
      real(8001, 'TCP_CHECK {\nconnect_ip 127.0.0.5\nconnect_port 99\nretry 0\n}'),
      `virtual_server ${address} 80`,
    );
  const play = new Play(['10.0.0.1', '10.0.0.2', '10.0.0.3'].map(same).join(''));
  play.start();
  assert.equal(play.state.plan.checks.length, 1);
  assert.deepEqual(
    play.answer('127.0.0.5', down()).filter((line) => /^remove|TCP_CHECK/.test(line)),
    [
      'removeDestination 10.0.0.1:80 127.0.0.1:8001',
      'removeDestination 10.0.0.2:80 127.0.0.1:8001',
      'removeDestination 10.0.0.3:80 127.0.0.1:8001',
      'TCP_CHECK on service [127.0.0.1]:tcp:8001 failed.',
    ],
  );
});

test('starts are spread over the warm-up', () => {
  const reals = Array.from({ length: 50 }, (_, i) => real(8000 + i, tcp())).join('');
  const play = new Play(service(reals));
  play.start();
  const at: number[] = [];
  for (
    let next = director.nextDeadline(play.state);
    at.length < 50;
    next = director.nextDeadline(play.state)
  ) {
    assert.ok(next !== undefined);
    play.now = next;
    at.push(next - 1_000_000);
    play.take({ type: 'deadline' });
  }
  assert.ok(new Set(at).size > 45 && Math.max(...at) <= 2e6 && Math.max(...at) > 1e6);
});

test('a reload: what is gone, what is new, what weighs otherwise', () => {
  const first = `${globals()}${service(`${real(8001, tcp())}${real(8002, `notify_down /down\n${tcp()}`)}`)}`;
  const play = new Play(first);
  play.start();
  const second = `${globals()}${service(real(8001, `weight 7\n${tcp()}`))}${service(real(8003, tcp()), 'virtual_server 10.0.0.2 80')}`;
  assert.deepEqual(play.reload(second), [
    'editDestination 10.0.0.1:80 127.0.0.1:8001 7',
    'removeDestination 10.0.0.1:80 127.0.0.1:8002',
    'addService 10.0.0.2:80',
    'addDestination 10.0.0.2:80 127.0.0.1:8003 1',
    'service [127.0.0.1]:tcp:8002 no longer exist',
    'Removing service [127.0.0.1]:tcp:8002 from VS [10.0.0.1]:tcp:80',
    'run /down',
    'fifo RS [127.0.0.1]:tcp:8002 [10.0.0.1]:tcp:80 DOWN',
    'mail [R] Realserver [127.0.0.1]:tcp:8002 of virtual server [10.0.0.1]:tcp:80 - DOWN | => Removing <=',
    'Changing weight from 1 to 7 for active service [127.0.0.1]:tcp:8001 of VS [10.0.0.1]:tcp:80',
    'Gained quorum 1+0=1 <= 1 for VS [10.0.0.2]:tcp:80',
    'fifo VS [10.0.0.2]:tcp:80 UP',
    'Activating healthchecker for service [127.0.0.1]:tcp:8001 for VS [10.0.0.1]:tcp:80',
    'Activating healthchecker for service [127.0.0.1]:tcp:8003 for VS [10.0.0.2]:tcp:80',
  ]);
  assert.deepEqual(
    play.reload(`${globals()}${service(real(8001, `weight 7\n${tcp()}`))}`).slice(0, 3),
    [
      'removeService 10.0.0.2:80',
      'Removing Virtual Server [10.0.0.2]:tcp:80',
      'Removing service [127.0.0.1]:tcp:8003 from VS [10.0.0.2]:tcp:80',
    ],
  );
});

test('a reload: a changed check is made at once, and until it has answered its server stays what it was', () => {
  const port = (number: number): string =>
    service(real(8001, `TCP_CHECK {\nconnect_port ${number}\nretry 0\ndelay_loop 50\n}`));
  const play = new Play(port(1));
  play.start();
  play.answer('"port":1,', down());
  // It failed at the wrong port: the right one must be good before it comes back.
  assert.deepEqual(
    play.reload(port(2)).filter((line) => line.startsWith('add')),
    [],
  );
  const at = play.now;
  assert.equal(play.answer('"port":2,', up)[0], 'addDestination 10.0.0.1:80 127.0.0.1:8001 1');
  assert.equal(play.now, at);
  assert.deepEqual(
    play.reload(port(3)).filter((line) => line.startsWith('remove')),
    [],
  );
  assert.equal(play.answer('"port":3,', down())[0], 'removeDestination 10.0.0.1:80 127.0.0.1:8001');
  assert.equal(play.now, at);
});

test('a reload: attempts that are being made are answered for the check that stays, and cancelled for one that goes', () => {
  const one = service(`${real(8001, tcp())}${real(8002, tcp())}`);
  const play = new Play(one);
  play.start();
  for (let i = 0; i < 2; i++) {
    play.now = director.nextDeadline(play.state) as Instant;
    play.take({ type: 'deadline' });
  }
  assert.equal(play.pending.size, 2);
  play.reload(service(real(8002, tcp())));
  assert.equal(play.pending.size, 1);
  assert.equal(play.answer('8002', down())[0], 'removeDestination 10.0.0.1:80 127.0.0.1:8002');
});

test('the kernel has not what was thought: the order that fits is given', () => {
  const play = new Play(service(real(8001, tcp())));
  const orders: IpvsOrder[] = [];
  const step = director.step(
    play.state,
    { type: 'facts', facts: { addresses: [], files: {} } },
    play.now,
  );
  play.state = step.state;
  for (const action of step.actions) if (action.type === 'ipvs') orders.push(...action.orders);
  const [service1, destination] = orders as [IpvsOrder, IpvsOrder];
  const refuse = (order: IpvsOrder, code: string): string[] =>
    play.take({ type: 'refused', order, code, message: 'why' });
  assert.deepEqual(refuse(service1, 'EEXIST'), ['editService 10.0.0.1:80']);
  assert.deepEqual(refuse(destination, 'EEXIST'), ['editDestination 10.0.0.1:80 127.0.0.1:8001 1']);
  assert.deepEqual(refuse(destination, 'ESRCH'), [
    'addService 10.0.0.1:80',
    'addDestination 10.0.0.1:80 127.0.0.1:8001 1',
  ]);
  assert.deepEqual(refuse(destination, 'ENOMEM'), [
    'IPVS: cannot add destination [127.0.0.1]:8001 of [10.0.0.1]:tcp:80: why',
  ]);
  const edit = { ...destination, type: 'editDestination' } as IpvsOrder;
  assert.deepEqual(refuse(edit, 'ENOENT'), ['addDestination 10.0.0.1:80 127.0.0.1:8001 1']);
  play.answer('8001', down());
  const remove = { ...destination, type: 'removeDestination' } as IpvsOrder;
  assert.deepEqual(refuse(remove, 'ENOENT'), []);
  assert.deepEqual(refuse(destination, 'EEXIST'), []);
});

test('a service that the kernel refuses is said once, left alone, and tried again at a reload', () => {
  const text = service(`${real(8001, tcp())}${real(8002, tcp())}`);
  const play = new Play(text);
  const { state, actions } = director.step(
    play.state,
    { type: 'facts', facts: { addresses: [], files: {} } },
    play.now,
  );
  play.state = state;
  const [, ...rest] = actions.flatMap((action) => (action.type === 'ipvs' ? action.orders : []));
  const [first] = actions.flatMap((action) => (action.type === 'ipvs' ? action.orders : []));
  const refuse = (order: IpvsOrder | undefined, code: string): string[] => {
    assert.ok(order !== undefined);
    return play.take({ type: 'refused', order, code, message: 'no such scheduler' });
  };
  assert.deepEqual(refuse(first, 'ENOENT'), [
    'IPVS: cannot add service [10.0.0.1]:tcp:80: no such scheduler',
  ]);
  for (const order of rest) assert.deepEqual(refuse(order, 'ESRCH'), []);
  assert.deepEqual(play.reload(text).slice(0, 2), [
    'addService 10.0.0.1:80',
    'addDestination 10.0.0.1:80 127.0.0.1:8001 1',
  ]);
});

test('lvs_sync_daemon without an instance: both roles, while this process runs', () => {
  const of = (sync: string) => `${globals(sync)}${service(real(8001, tcp()))}`;
  const [both, start] = [
    ['stopSync', 'stopSync'],
    ['startSync', 'startSync'],
  ];
  const play = new Play(of('lvs_sync_daemon eth0'));
  assert.deepEqual(play.start().slice(0, 4), [...both, ...start]);
  const isSync = (order: string) => order.endsWith('Sync');
  assert.deepEqual(play.reload(of('lvs_sync_daemon eth0')).filter(isSync), []);
  assert.deepEqual(play.reload(of('lvs_sync_daemon eth0 id 3')).filter(isSync), [
    ...both,
    ...start,
  ]);
  assert.deepEqual(play.reload(of('lvs_sync_daemon eth0 inst VI_1')).filter(isSync), both);
  assert.deepEqual(play.reload(of('lvs_sync_daemon eth0')).filter(isSync), start);
  assert.deepEqual(play.take({ type: 'stop' }).filter(isSync), both);
  assert.deepEqual(new Play(of('')).start().filter(isSync), []);
});

test('what is no longer in lvs_timeouts is as it was at the start again, at the end all of it', () => {
  const of = (lvs: string): string => `${globals(lvs)}${service(real(8001, tcp()))}`;
  const play = new Play(of('lvs_timeouts tcp 7 udp 8'));
  const timeouts = { tcp: seconds(900), tcpfin: seconds(120), udp: seconds(300) };
  const facts = { files: {}, addresses: [], timeouts };
  play.state = director.step(play.state, { type: 'facts', facts }, play.now).state;
  const take = (event: CheckEvent): readonly IpvsOrder[] => {
    const { state, actions } = director.step(play.state, event, play.now);
    play.state = state;
    return actions.flatMap((action) => (action.type === 'ipvs' ? action.orders : []));
  };
  const reload = (lvs: string): readonly IpvsOrder[] =>
    take({ type: 'reload', config: configOf(of(lvs)), files: {} });
  assert.deepEqual(reload('lvs_timeouts udp 8'), [
    { type: 'timeouts', timeouts: { ...timeouts, udp: seconds(8) } },
  ]);
  assert.deepEqual(reload('lvs_timeouts udp 8'), []);
  assert.deepEqual(reload(''), [{ type: 'timeouts', timeouts }]);
  assert.deepEqual(reload(''), []);
  assert.equal(reload('lvs_timeouts tcp 7').length, 1);
  assert.deepEqual(take({ type: 'stop' })[0], { type: 'timeouts', timeouts });
});

test('lvs_flush, lvs_timeouts, lvs_flush_on_stop', () => {
  const lvs = 'lvs_flush\nlvs_timeouts tcp 7 udp 8\nlvs_flush_on_stop';
  const play = new Play(`${globals(lvs)}${service(real(8001, tcp()))}`);
  assert.deepEqual(play.start().slice(0, 3), ['flush', 'timeouts', 'addService 10.0.0.1:80']);
  const other = `${globals(lvs.replace('tcp 7', 'tcp 9'))}${service(real(8001, tcp()))}`;
  assert.equal(play.reload(other)[0], 'timeouts');
  assert.ok(!play.reload(other).includes('timeouts'));
  assert.deepEqual(play.take({ type: 'stop' }).slice(0, 1), ['flush']);
});

test('a child that takes the place of another: what IPVS does not serve is taken for bad, and nothing is flushed', () => {
  const play = new Play(
    globals('lvs_flush') + service(real(8001, tcp(1)) + real(8002, tcp(1)) + real(8003, '')),
  );
  const key = { protocol: 'TCP', address: ip('10.0.0.1'), port: 80 } as const;
  const destinations = [8001, 8003].map((port) => ({
    destination: { address: ip('127.0.0.1'), port },
    to: { weight: 1 },
  }));
  const lines = play.take({
    type: 'facts',
    facts: { files: {}, addresses: [], held: [{ key, destinations }] },
  });
  assert.deepEqual(
    lines.filter((line) => /^(flush|\w+(Service|Destination)) ?/.test(line)),
    [
      'addService 10.0.0.1:80',
      'addDestination 10.0.0.1:80 127.0.0.1:8001 1',
      'addDestination 10.0.0.1:80 127.0.0.1:8003 1',
    ],
  );
  const orders = (said: readonly string[]) => said.filter((line) => line.includes('Destination'));
  assert.deepEqual(orders(play.answer('"port":8001', down())), [], 'it has its tries');
  assert.deepEqual(orders(play.answer('"port":8001', down())), [
    'removeDestination 10.0.0.1:80 127.0.0.1:8001',
  ]);
  assert.deepEqual(orders(play.answer('"port":8002', up)), [
    'addDestination 10.0.0.1:80 127.0.0.1:8002 1',
  ]);
});

test('a child that takes the place of another: weights that scripts and files have given stay, and the quorum by them', () => {
  const checks = (script: string, more = '') =>
    `weight 1\n${more}MISC_CHECK {\nmisc_path "/bin/true ${script}"\nmisc_dynamic\n}\n`;
  const file = 'FILE_CHECK {\ntrack_file f\n}\n';
  const play = new Play(
    `${globals()}track_file f {\nfile /f\n}\n${service(
      `quorum 4\nsorry_server 127.0.0.9 80\n${real(8001, checks('a', file))}${real(8002, checks('b', tcp()))}${real(8003, `weight 2\n${file}${tcp()}`)}`,
    )}`,
  );
  const weights = [10, 0, 0] as const;
  const destinations = weights.map((weight, i) => ({
    destination: { address: ip('127.0.0.1'), port: 8001 + i },
    to: { weight },
  }));
  const key = { protocol: 'TCP', address: ip('10.0.0.1'), port: 80 } as const;
  const held = [{ key, destinations }];
  const facts = { files: { f: '-2' }, addresses: [], held, down: [] };
  assert.deepEqual(
    play.take({ type: 'facts', facts }).filter((line) => / 127|quorum/.test(line)),
    [
      'addDestination 10.0.0.1:80 127.0.0.1:8001 10',
      'addDestination 10.0.0.1:80 127.0.0.1:8002 0',
      'addDestination 10.0.0.1:80 127.0.0.1:8003 0',
      'Gained quorum 4+0=4 <= 10 for VS [10.0.0.1]:tcp:80',
    ],
  );
  assert.deepEqual(play.answer('"a"', { up: true, weight: 12 }), [
    'Misc check for [[127.0.0.1]:tcp:8001 VS [10.0.0.1]:tcp:80] by [/bin/true] succeeded.',
    FIRST_MISC.replace('8003', '8001'),
  ]);
});

test('a child that takes the place of another: who was well while a sorry server stood in is no news', () => {
  const told = (port: number, more = '') =>
    real(port, `notify_up /up${port}\nnotify_down /down${port}\n${tcp()}\n${more}`);
  const play = new Play(
    globals() +
      service(`quorum 2\nsorry_server 127.0.0.9 80\n${told(8001)}${told(8002, `DNS_CHECK {\n}`)}`),
  );
  const held = [
    {
      key: { protocol: 'TCP', address: ip('10.0.0.1'), port: 80 } as const,
      destinations: [{ destination: { address: ip('127.0.0.9'), port: 80 }, to: { weight: 1 } }],
    },
  ];
  play.take({ type: 'facts', facts: { files: {}, addresses: [], held, down: [] } });
  const news = (lines: readonly string[]) => lines.filter((line) => /^(run|fifo)/.test(line));
  const first = play.answer('"port":8001', up);
  assert.ok(!first.some((line) => /^(run|fifo|mail)/.test(line)));
  assert.ok(first.includes('Adding service [127.0.0.1]:tcp:8001 to VS [10.0.0.1]:tcp:80'));
  assert.deepEqual(news(play.answer('"port":8001', down())), [
    'run /down8001',
    'fifo RS [127.0.0.1]:tcp:8001 [10.0.0.1]:tcp:80 DOWN',
  ]);
  assert.equal(news(play.answer('"port":8001', up))[0], 'run /up8001', 'after that it is');
  const TCP = '"kind":"TCP_CHECK","options":{"connection":{"address":"127.0.0.1","port":8002';
  // One of two checks fails: that is told, and so is that both are good.
  assert.deepEqual(news(play.answer(TCP, down())), [
    'run /down8002',
    'fifo RS [127.0.0.1]:tcp:8002 [10.0.0.1]:tcp:80 DOWN',
  ]);
  assert.deepEqual(news(play.answer(TCP, up)), []);
  assert.equal(news(play.answer('SOA', up))[0], 'run /up8002');
});

test('a child that takes the place of another: who was told to be down and is well is told to be up', () => {
  const text =
    globals() +
    service(`quorum 2\nsorry_server 127.0.0.9 80\n${real(8001, tcp())}${real(8002, tcp())}`);
  const before = new Play(text);
  before.start();
  before.answer('"port":8001', down());
  assert.deepEqual(before.noted, ['[127.0.0.1]:tcp:8001 of [10.0.0.1]:tcp:80']);
  const play = new Play(text);
  const held = [
    {
      key: { protocol: 'TCP', address: ip('10.0.0.1'), port: 80 } as const,
      destinations: [{ destination: { address: ip('127.0.0.9'), port: 80 }, to: { weight: 1 } }],
    },
  ];
  const facts = { files: {}, addresses: [], held, down: before.noted };
  const news = (lines: readonly string[]) => lines.filter((line) => /^fifo/.test(line));
  assert.deepEqual(news(play.take({ type: 'facts', facts })), ['fifo VS [10.0.0.1]:tcp:80 DOWN']);
  assert.deepEqual(news(play.answer('"port":8001', up)), [
    'fifo RS [127.0.0.1]:tcp:8001 [10.0.0.1]:tcp:80 UP',
  ]);
  assert.deepEqual(news(play.answer('"port":8002', up)), ['fifo VS [10.0.0.1]:tcp:80 UP']);
  assert.deepEqual(play.noted, []);
});

test('a reload: of what a sorry server stands in for it is told only what is in IPVS', () => {
  const two = real(8001, tcp()) + real(8002, tcp());
  const other = service(real(8003, tcp()), 'virtual_server 10.0.0.2 80');
  const gone = (inhibit: string): string[] => {
    const behind = service(`${inhibit}quorum 2\nsorry_server 127.0.0.9 80\n${two}`);
    const play = new Play(globals() + behind + other);
    play.start();
    play.answer('"port":8001', down());
    return play.reload(globals() + other).filter((line) => /^(Removing|fifo)/.test(line));
  };
  assert.deepEqual(gone(''), ['Removing Virtual Server [10.0.0.1]:tcp:80']);
  assert.deepEqual(gone('inhibit_on_failure\n'), [
    'Removing Virtual Server [10.0.0.1]:tcp:80',
    'Removing (inhibited) service [127.0.0.1]:tcp:8001 from VS [10.0.0.1]:tcp:80',
    'Removing service [127.0.0.1]:tcp:8002 from VS [10.0.0.1]:tcp:80',
    'fifo RS [127.0.0.1]:tcp:8002 [10.0.0.1]:tcp:80 DOWN',
  ]);
});

test('a reload: a check more of a server that was up has its tries, and the log says so', () => {
  const first = 'TCP_CHECK {\n}';
  const play = new Play(service(real(8001, first)));
  play.start();
  play.answer('"port":8001', up);
  play.reload(service(real(8001, `${first}\nTCP_CHECK {\nconnect_port 9\nretry 1\n}`)));
  assert.deepEqual(play.answer('"port":9,', down()), []);
  assert.ok(
    play
      .answer('"port":9,', down())
      .includes('TCP_CHECK on service [127.0.0.1]:tcp:8001 failed after 1 retries.'),
  );
});

test('a reload: another check of a server that stays down is no news', () => {
  const asking = (port: number): string =>
    globals() + service(real(8001, `TCP_CHECK {\nconnect_port ${port}\nretry 0\n}`));
  const play = new Play(asking(1));
  play.start();
  play.answer('"port":1,', down());
  play.reload(asking(2));
  const news = (lines: readonly string[]) => lines.filter((line) => /^fifo RS/.test(line));
  assert.deepEqual(news(play.answer('"port":2,', down())), []);
  assert.deepEqual(news(play.answer('"port":2,', up)), [
    'fifo RS [127.0.0.1]:tcp:8001 [10.0.0.1]:tcp:80 UP',
  ]);
});

test('a reload: a new server that has to show itself and fails is told only where it has no tries, or is asked for mail', () => {
  const news = (check: string): string[] => {
    const one = service(real(8001, tcp()));
    const play = new Play(globals() + one);
    play.start();
    play.reload(globals() + service(real(8001, tcp()) + real(8002, `alpha\n${check}`)));
    const said = play.answer('"port":8002', down());
    return [...said, ...play.answer('"port":8002', up)].filter((line) => /^fifo RS/.test(line));
  };
  const of = (end: string): string => `fifo RS [127.0.0.1]:tcp:8002 [10.0.0.1]:tcp:80 ${end}`;
  assert.deepEqual(news(tcp()), [of('DOWN'), of('UP')]);
  assert.deepEqual(news('SMTP_CHECK {\nretry 1\n}'), [of('DOWN'), of('UP')]);
  assert.deepEqual(news(tcp(1)), [of('UP')]);
});

test('a MISC_CHECK is made for servers by names that a reload keeps, however it changes', () => {
  const misc = (timeout: number): string =>
    service(real(8001, `MISC_CHECK {\nmisc_path /m\nmisc_timeout ${timeout}\n}`));
  const play = new Play(misc(3));
  const asked = (): readonly (readonly string[] | undefined)[] => {
    play.now = director.nextDeadline(play.state) as Instant;
    const { actions } = director.step(play.state, { type: 'deadline' }, play.now);
    return actions.flatMap((action) => (action.type === 'probe' ? [action.of] : []));
  };
  play.start();
  const servers = [['[127.0.0.1]:tcp:8001 of [10.0.0.1]:tcp:80']];
  assert.deepEqual(asked(), servers);
  play.reload(`${service(real(8002, ''), 'virtual_server 10.0.0.2 80')}${misc(4)}`);
  assert.deepEqual(asked(), servers);
});

test('a service that is given twice: a reload that takes one of them away says nothing of the other', () => {
  const of = (port: number, name: string, weight = 1) =>
    service(
      `quorum_down /q${name}\n${real(port, `weight ${weight}\nnotify_down /d${name}\n${tcp()}`)}`,
    );
  const [one, two] = [of(8001, '1'), of(8002, '2')];
  const isGone = (name: string, port: number): string[] => [
    `removeDestination 10.0.0.1:80 127.0.0.1:${port}`,
    `run /d${name}`,
    `run /q${name}`,
  ];
  const gone = (after: string): string[] => {
    const play = new Play(one + two);
    play.start();
    assert.deepEqual(
      play.reload(two + one).filter((line) => /^(run|\w+Dest)/.test(line)),
      [],
    );
    assert.deepEqual(
      play.reload(one + two).filter((line) => /^(run|\w+Dest)/.test(line)),
      [],
    );
    return play.reload(after).filter((line) => /^(run|remove)/.test(line));
  };
  assert.deepEqual(gone(two), isGone('1', 8001));
  assert.deepEqual(gone(one), isGone('2', 8002));
  assert.deepEqual(gone(of(8002, '2', 7)), isGone('1', 8001), 'it is known by its servers');
});

test('a reload: a new service hears of a server that others know to be down', () => {
  const of = (address: string, more = '') =>
    service(
      `${real(8001, tcp())}${real(8002, `notify_up /up${address}\nnotify_down /down${address}\n${tcp()}${more}`)}`,
      `virtual_server ${address} 80`,
    );
  const play = new Play(globals() + of('10.0.0.1'));
  play.start();
  play.answer('"port":8002', down());
  const news = (lines: readonly string[]) => lines.filter((line) => /^(run|fifo|Rem)/.test(line));
  assert.deepEqual(news(play.reload(globals() + of('10.0.0.1') + of('10.0.0.2'))), [
    'fifo VS [10.0.0.2]:tcp:80 UP',
    'Removing service [127.0.0.1]:tcp:8002 from VS [10.0.0.2]:tcp:80',
    'run /down10.0.0.2',
    'fifo RS [127.0.0.1]:tcp:8002 [10.0.0.2]:tcp:80 DOWN',
  ]);
  assert.deepEqual(news(play.reload(globals() + of('10.0.0.1') + of('10.0.0.2'))), []);
});

test('a reload: a new service whose servers have to show themselves hears of one that others know to be up', () => {
  const one = real(8001, `notify_up /up\n${tcp()}`);
  const head = '10.0.0.2';
  const added = service(`alpha\n${one}`, `virtual_server ${head} 80`);
  for (const more of ['', 'rs_init_notifies']) {
    const play = new Play(`${globals(more)}${service(one)}`);
    play.start();
    play.answer('8001', up);
    const lines = play.reload(`${globals(more)}${service(one)}${added}`);
    const news = lines.filter((line) => /^(run|fifo|Adding)/.test(line));
    const told = ['run /up', `fifo RS [127.0.0.1]:tcp:8001 [${head}]:tcp:80 UP`];
    assert.deepEqual(news.slice(0, 3), [
      `Adding service [127.0.0.1]:tcp:8001 to VS [${head}]:tcp:80`,
      ...told,
    ]);
    assert.equal(news.filter((line) => line === 'run /up').length, 1);
  }
});

test('SMTP_CHECK: where nothing is said of the connection to the server itself, its hosts alone are checked', () => {
  const asked = (...lines: readonly string[]): readonly unknown[] => {
    const check = `SMTP_CHECK {\n${lines.join('\n')}\nhost {\nconnect_ip 127.0.0.2\n}\n}`;
    const play = new Play(globals() + service(real(2500, check)));
    play.start();
    return play.state.plan.checks.map(
      ({ targets }) =>
        (targets[0]?.options as { connection?: { address: string } } | undefined)?.connection
          ?.address,
    );
  };
  assert.deepEqual(asked('helo_name a.b', 'retry 2', 'fwmark 0'), ['127.0.0.2']);
  assert.deepEqual(asked('connect_port 2500'), ['127.0.0.1', '127.0.0.2']);
});

test('SMTP_CHECK: each host is a check of its own beside that of the server, and all must be good', () => {
  const check = `SMTP_CHECK {
helo_name a.b
retry 0
connect_timeout 4
bindto 127.0.0.88
host {
connect_ip 127.0.0.2
connect_port 2501
}
host {
fwmark 4
connect_timeout 2
retry 1
}
}`;
  const play = new Play(globals() + service(real(2500, check)));
  play.start();
  assert.deepEqual(
    play.state.plan.checks.map(({ targets, timing }) => [targets[0]?.options, timing.retry]),
    [
      { address: '127.0.0.1', port: 2500, bindAddress: '127.0.0.88', mark: 0, timeout: 4_000_000 },
      { address: '127.0.0.2', port: 2501, mark: 0, timeout: 4_000_000 },
      { address: '127.0.0.1', port: 2500, mark: 4, timeout: 2_000_000 },
    ].map((connection) => [{ connection, helo_name: 'a.b' }, 1]),
  );
  play.answer('"mark":4', up);
  play.answer('"port":2501', down());
  const lines = play.answer('"port":2501', down());
  assert.ok(lines.includes('removeDestination 10.0.0.1:80 127.0.0.1:2500'), lines.join('\n'));
});
