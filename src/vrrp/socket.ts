// Which socket an instance needs, and how much room it needs there. Instances with equal specs share one; opening it,
// and what follows where the kernel refuses it, is not decided here.

import type { Ip } from '../lib/ip.ts';
import type { Link } from '../lib/link.ts';
import type { SocketSpec } from './action.ts';
import type { VrrpInstance } from './keywords.ts';

export const isUnicast = (config: VrrpInstance): boolean => config.unicast_peer.length > 0;

/** AH is of version 2, and so of IPv4. */
export const isSealed = ({ authentication }: VrrpInstance): boolean =>
  authentication?.auth_type === 'AH';

/** `others` are all instances of the configuration, `config` among them: what shares a socket shares its room. */
export function socketSpec(
  config: VrrpInstance,
  link: Link | undefined,
  source: Ip,
  others: readonly VrrpInstance[] = [config],
): SocketSpec {
  const unicast = isUnicast(config);
  // IPv4 datagrams carry their own source and TTL; an IPv6 socket must be bound to send from a given address.
  const bound = unicast || config.family === 6 ? source : undefined;
  const group = unicast ? undefined : config.mcast_dst_ip;
  const hopLimit = hopLimitOf(config);
  const where = link === undefined ? '' : `${link.index}:${link.name}`;
  const receiveBuffer = roomFor(others.filter(sharesWith(config)), link);
  const every = config.log_unknown_vrids === true;
  const sealed = isSealed(config);
  const more = [
    ...(receiveBuffer === undefined ? [] : [receiveBuffer]),
    ...(every ? ['every'] : []),
    ...(sealed ? ['sealed'] : []),
  ];
  return {
    key: ['vrrp', config.family, where, group ?? '', bound ?? '', hopLimit, ...more].join(' '),
    family: config.family,
    ...(link === undefined ? {} : { interface: { index: link.index, name: link.name } }),
    ...(group === undefined ? {} : { group }),
    ...(bound === undefined ? {} : { source: bound }),
    hopLimit,
    vrids: [config.virtual_router_id],
    ...(every ? { every } : {}),
    ...(sealed ? { sealed } : {}),
    ...(receiveBuffer === undefined ? {} : { receiveBuffer }),
  };
}

const hopLimitOf = (config: VrrpInstance): number =>
  isUnicast(config) && config.family === 6 ? config.unicast_ttl : 255;

const sharesWith =
  (config: VrrpInstance) =>
  (other: VrrpInstance): boolean =>
    other.interface === config.interface &&
    other.family === config.family &&
    isSealed(other) === isSealed(config) &&
    isUnicast(other) === isUnicast(config) &&
    (isUnicast(config)
      ? other.unicast_src_ip === config.unicast_src_ip
      : other.mcast_dst_ip === config.mcast_dst_ip) &&
    hopLimitOf(other) === hopLimitOf(config);

/** The sum of what was asked for, in bytes; absent where nobody asked: 0 asks for nothing. */
function roomFor(sharing: readonly VrrpInstance[], link: Link | undefined): number | undefined {
  const total = sharing.reduce(
    (sum, { kernel_rx_buf_size: own, rx_bufs_bytes: bytes, rx_bufs_mtus: mtus }) =>
      sum + (own || bytes || (mtus ?? 0) * (link?.mtu ?? 0)),
    0,
  );
  return total === 0 ? undefined : total;
}
