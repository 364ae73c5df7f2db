// One virtual router described once, and its configuration in the words of each daemon. Also what the RFCs
// say about its times, in microseconds, computed here and nowhere near src/.

import type { DaemonKind, DaemonOptions } from './daemon.ts';
import type { Host, Lab } from './lab.ts';

export interface Router {
  readonly version: 2 | 3;
  readonly family: 4 | 6;
  /** Seconds between adverts. */
  readonly interval: number;
  readonly transport: 'multicast' | 'unicast';
  readonly password?: string;
  readonly vrid: number;
  readonly priority: number;
  readonly nopreempt?: boolean;
  readonly state?: 'MASTER' | 'BACKUP';
  readonly addresses: readonly string[];
  /** More lines for the instance, as keepalived writes them. */
  readonly more?: readonly string[];
  /** Lines for global_defs. */
  readonly globals?: readonly string[];
}

export const virtual4 = '10.0.0.100';
export const virtual6 = 'fd00::100';

export const virtualAddress = (router: Pick<Router, 'family'>): string =>
  router.family === 4 ? virtual4 : virtual6;

/** RFC 9568 6.1, RFC 3768 6.1. */
export function skewTime({ version, interval, priority }: Router): number {
  const base = version === 2 ? 1 : interval;
  return ((256 - priority) / 256) * base * 1e6;
}

export const masterDown = (router: Router): number => 3 * router.interval * 1e6 + skewTime(router);

export function keepalivedConfig(router: Router, host: Host, peers: readonly Host[]): string {
  const lines = ['global_defs {', `  router_id ${host.name}`, `  vrrp_version ${router.version}`];
  lines.push(...(router.globals ?? []).map((line) => `  ${line}`), '}', 'vrrp_instance VI_1 {');
  const body = [`state ${router.state ?? 'BACKUP'}`, 'interface eth0'];
  body.push(`virtual_router_id ${router.vrid}`, `priority ${router.priority}`);
  body.push(`advert_int ${router.interval}`);
  if (router.nopreempt) body.push('nopreempt');
  if (router.password !== undefined) {
    body.push('authentication {', '  auth_type PASS', `  auth_pass ${router.password}`, '}');
  }
  if (router.transport === 'unicast') {
    const own = (one: Host): string => (router.family === 4 ? one.address4 : one.address6);
    body.push(`unicast_src_ip ${own(host)}`, 'unicast_peer {');
    body.push(...peers.map((peer) => `  ${own(peer)}`), '}');
  }
  body.push(...(router.more ?? []));
  body.push('virtual_ipaddress {', ...router.addresses.map((address) => `  ${address}`), '}');
  return [...lines, ...body.map((line) => `  ${line}`), '}', ''].join('\n');
}

function frrConfig(router: Router): string {
  const vrrp = (rest: string): string => ` vrrp ${router.vrid} ${rest}`;
  const lines = ['hostname lab', 'log stdout', 'interface eth0', vrrp('version 3')];
  lines.push(vrrp(`priority ${router.priority}`));
  lines.push(vrrp(`advertisement-interval ${Math.round(router.interval * 1000)}`));
  if (router.nopreempt) lines.push(` no vrrp ${router.vrid} preempt`);
  for (const address of router.addresses) {
    lines.push(vrrp(`${router.family === 4 ? 'ip' : 'ipv6'} ${address.replace(/\/.*/, '')}`));
  }
  return [...lines, 'exit', ''].join('\n');
}

export function configOf(kind: DaemonKind, router: Router, host: Host): string {
  switch (kind) {
    case 'ours':
    case 'keepalived':
      return keepalivedConfig(
        router,
        host,
        host.lab.hosts.filter((other) => other !== host && /^[abd]$/.test(other.name)),
      );
    case 'frr':
      return frrConfig(router);
  }
}

/** What a host needs before `kind` can run there: FRR wants an interface with the virtual router's MAC. */
export async function prepareHost(kind: DaemonKind, router: Router, host: Host): Promise<void> {
  if (kind !== 'frr') return;
  const id = router.vrid.toString(16).padStart(2, '0');
  await host.addMacvlan({
    name: `vrrp${router.family}-2-1`,
    address: `00:00:5e:00:0${router.family === 4 ? 1 : 2}:${id}`,
    addresses: router.addresses,
  });
}

/** A peer that is late on a busy machine proves nothing: at 10 ms the others get real-time priority, as ours takes. */
export const optionsOf = (kind: DaemonKind, router: Router): DaemonOptions => ({
  realTime: kind !== 'ours' && router.interval < 0.1,
});

export async function startRouter(
  lab: Lab,
  name: string,
  kind: DaemonKind,
  router: Router,
  options: DaemonOptions = {},
): Promise<ReturnType<Host['start']>> {
  const host = lab.host(name);
  if (kind === 'frr' && host.daemons.length === 0) await prepareHost(kind, router, host);
  return host.start(kind, configOf(kind, router, host), {
    ...optionsOf(kind, router),
    ...options,
  });
}
