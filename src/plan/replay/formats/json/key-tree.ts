/** The keys that are wanted of JSON objects, level by level, so that any other key is known by its length or first byte. */

export type WantedKey = {
  /** As it stands between the quotes. */
  bytes: Buffer;
  /** Where its value goes; −1 when only keys below it are wanted. */
  leaf: number;
  below: KeyTree | null;
  /** All leaves at and below it: of a key that comes twice the last one counts, as for JSON.parse. */
  leaves: number[];
};

/** By length of the key; undefined where none is so long. */
export type KeyTree = { byLength: (WantedKey[] | undefined)[] };

/** `paths[i]` is where leaf i is found: "request.headers.Host", or a key that has dots of its own. */
export function createKeyTree(paths: readonly string[]): KeyTree {
  const root: KeyTree = { byLength: [] };
  paths.forEach((path, leaf) => {
    add(root, path.split('.'), leaf);
    if (path.includes('.')) add(root, [path], leaf);
  });
  return root;
}

function add(tree: KeyTree, keys: readonly string[], leaf: number): void {
  const wanted = keyOf(tree, keys[0]!);
  wanted.leaves.push(leaf);
  if (keys.length === 1) {
    wanted.leaf = leaf;
    return;
  }
  wanted.below ??= { byLength: [] };
  add(wanted.below, keys.slice(1), leaf);
}

function keyOf(tree: KeyTree, key: string): WantedKey {
  const bytes = Buffer.from(JSON.stringify(key).slice(1, -1));
  const sameLength = tree.byLength[bytes.length] ?? [];
  tree.byLength[bytes.length] = sameLength;
  let wanted = sameLength.find((each) => each.bytes.equals(bytes));
  if (wanted === undefined) {
    wanted = { bytes, leaf: -1, below: null, leaves: [] };
    sameLength.push(wanted);
  }
  return wanted;
}
