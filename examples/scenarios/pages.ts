// A scenario that is computed: the first pages are read most, as in any list.
//
//     loopscope load http://127.0.0.1:8080/ --rate 2000 --scenario examples/scenarios/pages.ts
import { defineScenario, type ScenarioKind } from 'loopscope';

const pages: ScenarioKind[] = Array.from({ length: 10 }, (_, i) => ({
  name: `page ${i + 1}`,
  weight: Math.round(100 / (i + 1)),
  path: `/list?page=${i + 1}`,
}));

export const scenario = defineScenario({
  headers: { 'Accept-Encoding': 'identity' },
  kinds: [
    ...pages,
    {
      name: 'item',
      weight: 50,
      path: '/items/{{id}}',
      data: Array.from({ length: 500 }, (_, i) => ({ id: i + 1 })),
      checks: { status: [200, 404] },
    },
  ],
});
