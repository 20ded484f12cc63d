/**
 * Addresses that are not the open Internet: a rule reaches one only if it lists the address or a range within the
 * smallest of these that holds it. 0.0.0.0/0 lists none of them, and 169.254.0.0/16 does not list the metadata service.
 * IANA's special-purpose registries (RFC 6890 and later), and the metadata services of clouds.
 */
import { type IpRange, parseCidr } from './cidr.ts';

const SPECIAL = [
  '0.0.0.0/8', // this host, this network
  '10.0.0.0/8', // private
  '100.64.0.0/10', // shared by carriers
  '100.100.100.200', // metadata: Alibaba
  '127.0.0.0/8', // loopback
  '168.63.129.16', // metadata: Azure's host
  '169.254.0.0/16', // link-local
  '169.254.169.254', // metadata: most clouds
  '169.254.170.2', // metadata: containers of Amazon
  '172.16.0.0/12', // private
  '192.0.0.0/24', // protocol assignments
  '192.0.0.192', // metadata: Oracle
  '192.0.2.0/24', // documentation
  '192.88.99.0/24', // relays of 6to4
  '192.168.0.0/16', // private
  '198.18.0.0/15', // benchmarks
  '198.51.100.0/24', // documentation
  '203.0.113.0/24', // documentation
  '224.0.0.0/4', // multicast
  '240.0.0.0/4', // reserved, broadcast
  '::/96', // unspecified, loopback, and IPv4 as it was once written
  '::ffff:0:0:0/96', // IPv4 translated (SIIT)
  '64:ff9b:1::/48', // NAT64 of one's own: where its IPv4 is, is not known
  '100::/64', // discard
  '2001::/23', // protocol assignments, Teredo among them
  '2001:db8::/32', // documentation
  '3fff::/20', // documentation
  '5f00::/16', // segment routing
  'fc00::/7', // private
  'fd00:ec2::254', // metadata: Amazon
  'fd20:ce::254', // metadata: Google
  'fe80::/10', // link-local
  'fec0::/10', // site-local, as it was once
  'ff00::/8', // multicast
];

export const SPECIAL_RANGES: readonly IpRange[] = SPECIAL.map((text) => parseCidr(text) as IpRange);
