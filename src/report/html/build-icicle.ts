/** Time by stacks as one tree, from the outermost functions inwards, for a page's icicle; that of all stalls. */
import type { ObservationRecord } from '../../record/observation.ts';
import { PART_GROUPS, type PartGroup } from '../model/stall-account.ts';
import { stallStacks } from '../model/stall-stacks.ts';
import type { PageIcicle } from './page-data.ts';

/** Narrower than a pixel of a wide screen. */
const SHARE_MIN = 0.0005;
const NODES_MAX = 4000;
const DEPTH_MAX = 96;
const NAME_LENGTH_MAX = 160;

type Node = {
  name: string;
  kernel: boolean;
  ns: number;
  byGroup: Map<PartGroup, number>;
  children: Map<string, Node>;
};

export type IcicleStack = {
  group: PartGroup;
  /** Outermost first. */
  frames: readonly { name: string; kernel: boolean }[];
  ns: number;
};

/** Null without stalls. */
export function icicleOf(observation: ObservationRecord): PageIcicle | null {
  return buildIcicle('all stalls', stallStacks(observation));
}

/** Null when nothing took time. */
export function buildIcicle(whole: string, stacks: Iterable<IcicleStack>): PageIcicle | null {
  const root = createNode(whole, false);
  for (const { group, frames, ns } of stacks) {
    let node = root;
    add(node, group, ns);
    for (const frame of frames.slice(0, DEPTH_MAX)) {
      const key = `${frame.kernel ? 'k' : 'u'}${frame.name}`;
      let child = node.children.get(key);
      if (!child) node.children.set(key, (child = createNode(frame.name, frame.kernel)));
      node = child;
      add(node, group, ns);
    }
  }
  return root.ns > 0 ? flatten(root) : null;
}

function createNode(name: string, kernel: boolean): Node {
  return { name: name.slice(0, NAME_LENGTH_MAX), kernel, ns: 0, byGroup: new Map(), children: new Map() };
}

function add(node: Node, group: PartGroup, ns: number): void {
  node.ns += ns;
  node.byGroup.set(group, (node.byGroup.get(group) ?? 0) + ns);
}

/** Breadth first, so that what is left out for want of room lies deepest; a parent always comes before its children. */
function flatten(root: Node): PageIcicle {
  const names: string[] = [];
  const indexOfName = new Map<string, number>();
  const nodes: number[] = [];
  const queue: { node: Node; parent: number; depth: number }[] = [{ node: root, parent: -1, depth: 0 }];
  let depth = 0;
  let leftOut = 0;
  for (let at = 0; at < queue.length; at++) {
    const { node, parent, depth: level } = queue[at]!;
    depth = Math.max(depth, level);
    let name = indexOfName.get(node.name);
    if (name === undefined) indexOfName.set(node.name, (name = names.push(node.name) - 1));
    nodes.push(parent, name, Math.round(node.ns), PART_GROUPS.indexOf(mainGroup(node)), node.kernel ? 1 : 0);
    for (const child of [...node.children.values()].sort((a, b) => b.ns - a.ns)) {
      if (child.ns < SHARE_MIN * root.ns || queue.length >= NODES_MAX) leftOut++;
      else queue.push({ node: child, parent: at, depth: level + 1 });
    }
  }
  return { names, nodes, depth: depth + 1, leftOut };
}

function mainGroup(node: Node): PartGroup {
  let best: PartGroup = 'unexplained';
  let most = -1;
  for (const [group, ns] of node.byGroup) {
    if (ns <= most) continue;
    best = group;
    most = ns;
  }
  return best;
}
