/** A proxy's options as what its upstreams come from, and its reloads as theirs. */
import { formatAddress } from '../../base/address.ts';
import type { ProxySettings } from './proxy-options.ts';
import type { CheckSettings } from './upstreams/checks/check-settings.ts';
import { UpstreamService } from './upstreams/upstream-service.ts';

/** Where upstreams come from besides `upstreams`. */
export type UpstreamOptions = Partial<Pick<ProxySettings, 'upstreams' | 'proxyOut'>> & {
  /** A file of more upstreams, read again at a reload. */
  upstreamFile?: string;
  /** Path of a Unix socket on which upstreams are listed, added, removed. */
  adminPath?: string;
  /** How upstreams are checked; left out, they are not. */
  checks?: CheckSettings;
  /** One line for whoever runs the proxy. */
  onNews?(text: string): void;
};

/** Throws what is wrong with the sources. */
export function startUpstreams(options: UpstreamOptions): Promise<UpstreamService> {
  const { upstreams = [], upstreamFile = null, adminPath = null, checks = null, proxyOut = 'none' } = options;
  return UpstreamService.start(
    {
      upstreams: upstreams.map(({ address, weight }) => ({ name: formatAddress(address), weight })),
      file: upstreamFile,
      admin: adminPath,
      checks: checks && { ...checks, proxyOut },
    },
    options.onNews ?? (() => {}),
  );
}

/** Reads the file again. Where there is none, what was added by hand stays. */
export async function reloadUpstreams(options: UpstreamOptions, service: UpstreamService): Promise<void> {
  if (options.upstreamFile === undefined) return;
  try {
    await service.reload();
  } catch (error) {
    options.onNews?.(`reload failed: ${(error as Error).message}; the upstreams stay as they are`);
  }
}
