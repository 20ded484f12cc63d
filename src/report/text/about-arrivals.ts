import { formatShare } from '../../base/units.ts';
import type { LoadRecord } from '../../record/load.ts';
import { formatRate, formatWhole } from './phrases.ts';

export const DISPERSION_MEANING =
  'Dispersion is the variance of counts over their mean: 0 is constant, 1 Poisson, more is bursts.';

/** Arrivals as asked and as they came, as a table. In a closed loop nothing was asked, and gaps are not recorded. */
export function arrivalRows(load: LoadRecord): { titles: string[]; rows: string[][] } {
  const { arrivals, plan } = load;
  const { planned } = arrivals;
  const titles = ['', 'rate', 'dispersion, 1 ms', '10 ms', '100 ms', 'gaps < 150 µs', 'most in 1 ms'];
  const fixed = (value: number) => value.toFixed(2);
  // Of nothing there is no dispersion, and it has no gaps.
  const ofSome = (text: string) => (arrivals.maxIn1ms > 0 ? text : '–');
  const came = [
    'came',
    formatRate(arrivals.meanRatePerSec),
    ofSome(fixed(arrivals.idc1ms)),
    ofSome(fixed(arrivals.idc10ms)),
    ofSome(fixed(arrivals.idc100ms)),
    planned === null ? '–' : ofSome(formatShare(arrivals.shortGapShare)),
    formatWhole(arrivals.maxIn1ms),
  ];
  if (planned === null) return { titles, rows: [came] };
  const asked = [
    'asked',
    askedRate(load),
    fixed(planned.idc1ms),
    fixed(planned.idc10ms),
    fixed(planned.idc100ms),
    plan.arrival === 'poisson' ? formatShare(arrivals.shortGapShareIfPoisson) : '–',
    '–',
  ];
  return { titles, rows: [asked, came] };
}

/** Of a log, what was due. */
function askedRate({ plan, counts, replay, startNs, endNs, measuredFromNs }: LoadRecord): string {
  if (plan.ratePerSec !== null) return formatRate(plan.ratePerSec);
  return replay && measuredFromNs === startNs && endNs - startNs >= 1
    ? formatRate((counts.planned * 1e9) / (endNs - startNs))
    : '–';
}
