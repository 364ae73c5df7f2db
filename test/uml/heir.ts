// Runs inside: the child that checks servers is killed again and again, while some of its servers are down and a sorry server
// serves. What IPVS was told from each death until its heir had asked everybody, and what it holds then. Judges nothing.

import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { Ipvs } from '../../src/net/ipvs.ts';
import { inNamespace } from '../../src/net/namespace.ts';
import { type Heard, Tap } from './tap.ts';
import { addAddress, addNamespace, Daemon, Port, savedTable, sh, until } from './world.ts';

export interface Heir {
  readonly what: string;
  readonly before: readonly string[];
  readonly after: readonly string[];
  readonly heard: readonly Heard[];
}

const NAME = 'heir';
const FIFO = '/tmp/heir.fifo';
const TOLD = '/tmp/heir.told';
const GLOBALS = `global_defs {\nrouter_id x\nlvs_flush\nlvs_notify_fifo ${FIFO}\n}\n`;
const real = (port: number, weight: number, more = ''): string =>
  `real_server 10.9.0.1 ${port} {\nweight ${weight}\n${more}\nTCP_CHECK {\nconnect_timeout 5\n}\n}\n`;
const service = (port: number, ...lines: readonly string[]): string =>
  `virtual_server 10.9.0.100 ${port} {\ndelay_loop 1\nwarmup 0\nretry 1\nlvs_sched wrr\nlvs_method NAT\nprotocol TCP\n${lines.join('\n')}\n}\n`;
const SORRY = 'sorry_server 10.9.0.1 9000';

/** All is well; one is down; one is down and inhibited; a sorry server serves, while one is well; none is. Of `fewer` the second is gone, and a server. */
const config = (weight: number, fewer = false): string =>
  GLOBALS +
  service(1, real(8001, weight), real(8002, 2)) +
  (fewer ? '' : service(2, real(8001, weight), real(8003, 2))) +
  service(3, real(8001, 3), fewer ? '' : real(8003, 1, 'inhibit_on_failure')) +
  service(4, SORRY, 'quorum 4', real(8001, 3), real(8003, 1)) +
  service(5, SORRY, 'sorry_server_inhibit', real(8003, 1), real(8004, 2, 'alpha'));

const isSecond = (line: string): boolean => line.includes(' 10.9.0.100:2 ');

/** Each death, and what else happens in the same moment. */
const deaths = [
  { what: 'as things are' },
  { what: 'in a reload', reload: config(3) },
  { what: 'once more within a minute, and one comes back meanwhile', opens: 8003 },
  // By now the next one waits for some seconds.
  { what: 'and a reload before the next one is there', meanwhile: config(3, true) },
] as const;

export interface Heirs {
  readonly heirs: readonly Heir[];
  /** What is there after a reload that leaves no service while the child is dead, and what programs have heard of it. */
  readonly dismissed: { readonly table: readonly string[]; readonly told: string };
  /** What is there after a stop while the child is dead and the next one not there yet. */
  readonly left: readonly string[];
}

export async function inherit(): Promise<Heirs> {
  addNamespace(NAME);
  for (const address of ['10.9.0.1/32', '10.9.0.100/32']) addAddress(NAME, 'lo', address);
  const ports = new Map([8001, 8002, 8003].map((port) => [port, new Port(NAME, port)]));
  const open = new Set([8001, 8002]);
  for (const port of open) ports.get(port)?.open();
  inNamespace(NAME, () => Ipvs.open()).close();
  const tap = new Tap(NAME);
  await tap.listening();
  sh('mkfifo', FIFO);
  spawn('sh', ['-c', `exec cat <> ${FIFO} >> ${TOLD}`], { stdio: 'ignore' });
  const daemon = new Daemon('ours', NAME, config(1), ['-C']);
  /** Everybody has been asked `times` times from now on, and who is down has failed by then. */
  const asked = (times: number): Promise<true> => {
    const goals = [...open].map((port) => {
      const one = ports.get(port) as Port;
      return [one, one.asked + times] as const;
    });
    return until(
      () => `everybody is asked:\n${daemon.text}`,
      () => goals.every(([one, goal]) => one.asked >= goal),
    );
  };
  await asked(2);
  const told: Omit<Heir, 'heard'>[] = [];
  for (const death of deaths) {
    const before = savedTable(NAME);
    const from = daemon.text.length;
    const said = (words: string): Promise<true> =>
      until(
        () => `${words}:\n${daemon.text.slice(from)}`,
        () => daemon.text.slice(from).includes(words),
      );
    const pid = Number(readFileSync(daemon.checkersPid, 'utf8'));
    tap.mark();
    if ('reload' in death) {
      daemon.write(death.reload);
      daemon.signal('SIGHUP');
      await said('Reloading');
    }
    process.kill(pid, 'SIGKILL');
    if ('meanwhile' in death) {
      daemon.write(death.meanwhile);
      daemon.signal('SIGHUP');
    }
    if ('opens' in death) {
      open.add(death.opens);
      ports.get(death.opens)?.open();
    }
    await said('Activating healthchecker');
    if ('meanwhile' in death)
      await until('it is gone', () => !savedTable(NAME).some(isSecond), 10_000).catch(() => {});
    await asked(2);
    told.push({ what: death.what, before, after: savedTable(NAME) });
  }
  tap.mark();
  const kill = async (wait: string): Promise<void> => {
    const from = daemon.text.length;
    process.kill(Number(readFileSync(daemon.checkersPid, 'utf8')), 'SIGKILL');
    await until(
      () => `after its death ${wait}:\n${daemon.text.slice(from)}`,
      () => daemon.text.slice(from).includes(wait),
    );
  };
  // The next one would come in some seconds more.
  await kill('delayed');
  const heard = readFileSync(TOLD, 'utf8').length;
  await daemon.reload(GLOBALS);
  await until('its services are gone', () => savedTable(NAME).length === 0, 10_000).catch(() => {});
  const last = (): string => readFileSync(TOLD, 'utf8').slice(heard);
  await until('all is told', () => last().includes('tcp:1 DOWN'), 10_000).catch(() => {});
  const dismissed = { table: savedTable(NAME), told: last() };
  await daemon.reload(config(1));
  await asked(2);
  await kill('Activating healthchecker');
  await kill('delayed 1 ');
  await daemon.stop();
  const left = savedTable(NAME);
  const [, ...chapters] = await tap.end();
  return {
    heirs: told.map((one, i) => ({ ...one, heard: chapters[i] ?? [] })),
    dismissed,
    left,
  };
}
