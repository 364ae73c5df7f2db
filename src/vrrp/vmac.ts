// What use_vmac, use_ipvlan and vrf mean together with the rest of an instance, as keepalived 2.2.7 judges it.

import { AFTERWARDS, atClosing, nodeOf, type Reporter } from '../config/build.ts';
import { type Family, family } from '../lib/ip.ts';
import { type InstanceBlock, mistake } from './decision.ts';

/** What the rest of the instance comes to. */
interface Around {
  readonly family: Family;
  readonly interface: string | undefined;
  /** Peers, or another keyword of unicast: keepalived finds out later that there are no peers. */
  readonly unicast: boolean;
}

export function checkOwnInterface(
  block: InstanceBlock,
  around: Around,
  owners: Map<string, string>,
  report: Reporter,
): void {
  const { name, node, statements } = block;
  const vmac = statements.findLast((s) => s.keyword === 'use_vmac');
  const ipvlan = statements.findLast((s) => s.keyword === 'use_ipvlan');
  checkNames(block, owners, report);
  checkVrf(block, report);
  const base = nodeOf(statements, 'vmac_xmit_base');
  if (base !== undefined && vmac === undefined)
    report(
      mistake('xmit-base-without-vmac', `(${name}) vmac_xmit_base is only valid with a vmac`),
      base,
      AFTERWARDS,
    );
  if (vmac !== undefined && around.unicast && around.interface === undefined) {
    const message = `(${name}): Cannot use VMAC/ipvlan with unicast and no interface - clearing use_vmac`;
    report(mistake('vmac-without-interface', message), vmac.node, atClosing(node));
  } else if (vmac !== undefined && around.unicast && base === undefined) {
    const message = `(${name}) unicast with use_vmac requires vmac_xmit_base - setting`;
    report(
      { ...mistake('unicast-vmac', message), severity: 'warning', assumed: 'vmac_xmit_base' },
      vmac.node,
      atClosing(node),
    );
  }
  if (ipvlan?.keyword !== 'use_ipvlan') return;
  const { address } = ipvlan.value;
  const fits = address !== undefined && family(address) === around.family;
  if (address !== undefined && !fits) {
    const message = `(${name}) ipvlan address[${address}] MUST match vrrp instance family !!! Skipping...`;
    report(mistake('ipvlan-family', message), ipvlan.node);
  }
  if (!fits && around.family === 4) {
    const message = `(${name}) IPv4 ipvlan requires a source ip address to be configured. setting instance to fault state`;
    report(mistake('ipvlan-without-address', message), ipvlan.node, AFTERWARDS);
  }
}

/** Two instances cannot have one interface. */
function checkNames(block: InstanceBlock, owners: Map<string, string>, report: Reporter): void {
  for (const statement of block.statements) {
    if (statement.keyword !== 'use_vmac' && statement.keyword !== 'use_ipvlan') continue;
    const link = statement.value.name;
    if (link === undefined) continue;
    const owner = owners.get(link);
    if (owner === undefined) owners.set(link, block.name);
    else if (owner !== block.name) {
      const message = `(${block.name}) VRRP instance ${owner} is already using ${link} - ignoring name`;
      report(mistake('vmac-name-taken', message), statement.node);
    }
  }
}

function checkVrf({ name, statements }: InstanceBlock, report: Reporter): void {
  const vrf = nodeOf(statements, 'vrf');
  const link = nodeOf(statements, 'interface');
  if (vrf === undefined || link === undefined) return;
  const order = statements.map((statement) => statement.keyword);
  const second = order.lastIndexOf('vrf') > order.lastIndexOf('interface') ? vrf : link;
  report(
    mistake(
      'vrf-with-interface',
      `(${name}) Cannot specify VRF interface and interface - ignoring`,
    ),
    second,
  );
}
