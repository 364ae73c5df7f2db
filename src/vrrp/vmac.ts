// What use_vmac, use_ipvlan and vrf mean together with the rest of an instance, as keepalived 2.2.7 judges it.

import { AFTERWARDS, atClosing, nodeOf, type Reporter } from '../config/build.ts';
import type { Node } from '../config/parser.ts';
import { byteLength } from '../config/text.ts';
import { type Family, family } from '../lib/ip.ts';
import { fatal, type InstanceBlock, mistake, type RuledSurroundings } from './decision.ts';
import { macAgain, type Vmac } from './link.ts';

/** What the rest of the instance comes to. */
interface Around {
  readonly family: Family;
  readonly interface: string | undefined;
  readonly vrf: string | undefined;
  /** Peers, or another keyword of unicast: keepalived finds out later that there are no peers. */
  readonly unicast: boolean;
}

/** Each use_vmac adds to those before it, and the first name and the first MAC stay. */
export function vmacOf(statements: InstanceBlock['statements']): { readonly use_vmac?: Vmac } {
  const all = statements.flatMap((s) => (s.keyword === 'use_vmac' ? [s.value] : []));
  if (all.length === 0) return {};
  const [{ name } = {}, { mac } = {}] = [
    all.find((vmac) => vmac.name !== undefined),
    all.find((vmac) => vmac.mac !== undefined),
  ];
  const first = { ...(name === undefined ? {} : { name }), ...(mac === undefined ? {} : { mac }) };
  return { use_vmac: Object.assign({}, ...all, first) };
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
  clearVrf(block, around, report);
  const base = nodeOf(statements, 'vmac_xmit_base');
  if (base !== undefined && vmac === undefined)
    report(
      mistake('xmit-base-without-vmac', `(${name}) vmac_xmit_base is only valid with a vmac`, {
        assumed: 'the line is ignored',
      }),
      base,
      AFTERWARDS,
    );
  const own = vmac ?? ipvlan;
  if (own !== undefined && around.unicast && around.interface === undefined) {
    const message = `(${name}): Cannot use VMAC/ipvlan with unicast and no interface - clearing use_vmac`;
    report(mistake('vmac-without-interface', message), own.node, atClosing(node));
    return;
  }
  if (own !== undefined && around.unicast && base === undefined) {
    const message = `(${name}) unicast with use_vmac requires vmac_xmit_base - setting`;
    report(
      { ...mistake('unicast-vmac', message), severity: 'warning', assumed: 'vmac_xmit_base' },
      own.node,
      atClosing(node),
    );
  }
  if (ipvlan?.keyword !== 'use_ipvlan') return;
  const { address } = ipvlan.value;
  const fits = address !== undefined && family(address) === around.family;
  if (!fits && around.family === 4) {
    const message = `(${name}) IPv4 ipvlan requires a source ip address to be configured. setting instance to fault state`;
    report(mistake('ipvlan-without-address', message), ipvlan.node, AFTERWARDS);
  }
}

/** Two instances cannot have one interface, and an instance has one. */
function checkNames(block: InstanceBlock, owners: Map<string, string>, report: Reporter): void {
  let named = false;
  let addressed = false;
  for (const statement of block.statements) {
    if (statement.keyword !== 'use_vmac' && statement.keyword !== 'use_ipvlan') continue;
    if (statement.keyword === 'use_vmac' && statement.value.mac !== undefined) {
      if (addressed) report(macAgain(), statement.node);
      addressed = true;
    }
    const link = statement.value.name;
    if (link === undefined) continue;
    if (named && statement.keyword === 'use_vmac')
      report(mistake('name-twice', 'VMAC interface name already specified'), statement.node);
    named = true;
    const owner = owners.get(link);
    if (owner === undefined) owners.set(link, block.name);
    else if (owner !== block.name) {
      const message = `(${block.name}) VRRP instance ${owner} is already using ${link} - ignoring name`;
      report(mistake('vmac-name-taken', message), statement.node);
    }
  }
}

/**
 * The VRF from here on. It never becomes that of an instance: keepalived 2.2.7 has none without an interface, and with
 * one it clears the VRF; so every use of the keyword is complained of, there as here.
 */
export function takeVrf(
  vrf: string,
  node: Node,
  name: string,
  before: { readonly interface: string | undefined; readonly vrf: string | undefined },
  { facts, globals, report }: RuledSurroundings,
): string | undefined {
  const ignored = (id: string, message: string): string | undefined => {
    report(mistake(id, `(${name}) ${message} - ignoring`, { word: 0 }), node);
    return before.vrf;
  };
  if (byteLength(vrf) > 15)
    return ignored('interface-name', `VRF interface name '${vrf}' too long`);
  if (before.interface !== undefined)
    return ignored('vrf-with-interface', 'Cannot specify VRF interface and interface');
  if (before.vrf !== undefined)
    return ignored('vrf-again', `VRF interface already specified as '${before.vrf}'`);
  const known = facts.interfaces.get(vrf);
  if (known?.loopback === true)
    return ignored('loopback', `cannot use a loopback interface (${vrf}) for VRF`);
  if (known === undefined && globals.dynamic_interfaces === undefined) {
    const message = `(${name}) WARNING - VRF interface ${vrf} doesn't exist`;
    report({ ...fatal('no-such-interface', message), word: 0 }, node);
  }
  return vrf;
}

function clearVrf(
  { name, node, statements }: InstanceBlock,
  around: Around,
  report: Reporter,
): void {
  if (around.vrf === undefined || around.interface === undefined) return;
  const message = `(${name}) vrf can only be specified without interface - clearing`;
  report(mistake('vrf-with-interface', message), nodeOf(statements, 'vrf') ?? node, AFTERWARDS);
}
