/**
 * A file system that its writers are held back on: an image behind a loop device, of whose pages only few may be dirty
 * (Documentation/ABI/testing/sysfs-class-bdi). It is mounted for one program alone, and goes with it. For tests only.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

export type SlowDisk = {
  /** argv that mounts it and becomes the program behind it, with PLANTED_FOLDER set. */
  readonly prefix: string[];
  [Symbol.dispose](): void;
};

const IMAGE_BYTES = 256 << 20;
const DIRTY_BYTES = 4 << 20;

const MOUNT = `
set -e
cd "$1"; shift
mount -o loop image mounted
device=$(stat -c %Hd:%Ld mounted)
echo "$device" > device
echo ${DIRTY_BYTES} > "/sys/class/bdi/$device/max_bytes"
echo 1 > "/sys/class/bdi/$device/strict_limit"
export PLANTED_FOLDER="$PWD/mounted"
exec "$@"
`;

/** Why it cannot be had here, or null. */
export function slowDiskObstacle(): string | null {
  if (!existsSync('/dev/loop-control')) return 'loop devices';
  if (!existsSync('/sys/class/bdi')) return 'backing devices in sysfs';
  const tried = spawnSync('unshare', ['-m', 'mkfs.ext4', '-V'], { stdio: 'ignore' });
  return tried.status === 0 ? null : 'unshare and mkfs.ext4';
}

export function makeSlowDisk(): SlowDisk {
  // Below a folder that is on a disk for sure: the loop device writes there.
  const folder = mkdtempSync('/var/tmp/loopscope-slow-disk-');
  const image = join(folder, 'image');
  writeFileSync(image, '');
  truncateSync(image, IMAGE_BYTES);
  execFileSync('mkfs.ext4', ['-q', image], { stdio: ['ignore', 'ignore', 'inherit'] });
  mkdirSync(join(folder, 'mounted'));
  return {
    prefix: ['unshare', '-m', 'sh', '-c', MOUNT, 'sh', folder],
    [Symbol.dispose]() {
      const device = join(folder, 'device');
      if (existsSync(device)) {
        const settings = `/sys/class/bdi/${readFileSync(device, 'utf8').trim()}`;
        // The loop device outlives the mount, and would keep them for the next.
        if (existsSync(settings)) {
          writeFileSync(`${settings}/strict_limit`, '0');
          writeFileSync(`${settings}/max_ratio`, '100');
        }
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
