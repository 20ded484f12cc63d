// Goal: a threshold that can never be judged is told before the run, with what was probably meant. Method: a table.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseThresholds } from '../diagnose/thresholds/parse-thresholds.ts';
import { refuseUnknownNames } from './check-thresholds.ts';

const MIX = ['browse', 'checkout', 'GET /cart'];
const check = (text: string, names: readonly string[]) => refuseUnknownNames(parseThresholds([text]), names);

test('names that exist pass', () => {
  for (const text of [
    'p99>20ms',
    'checkout.p99>1ms',
    '"GET /cart".errors>1%',
    'self>=WARN',
    'self.lateness=VOID',
  ]) {
    check(text, MIX);
  }
  check('p99>20ms', ['request']);
});

for (const [text, names, message, hint] of [
  [
    'chekout.p99>1ms',
    MIX,
    /no kind of request "chekout"; there are browse, checkout, GET \/cart/,
    'did you mean checkout?',
  ],
  ['"GET /carts".p99>1ms', MIX, /"GET \/carts"/, 'did you mean "GET /cart"?'],
  ['payment.errors>0', MIX, /"payment"/, ''],
  ['checkout.p99>1ms', ['request'], /all requests are of one kind/, 'leave out checkout.'],
  ['self.latenes=VOID', MIX, /no self-check "latenes"/, 'did you mean lateness?'],
] as const) {
  test(`${text} of ${names.length} is refused`, () => {
    assert.throws(() => check(text, names), { code: 'USAGE', message, hint });
  });
}
