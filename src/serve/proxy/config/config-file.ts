import type { ValueFile } from '../../../base/input/load-value.ts';

export const CONFIG_FILE: ValueFile = {
  option: '--config',
  exportName: 'proxy',
  example: 'write export const proxy = defineProxy({ listen: […] })',
};
