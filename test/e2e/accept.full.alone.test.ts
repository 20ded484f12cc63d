// Goal: the doctor tells how connections reach workers: herds, uneven shares, workers that strand theirs, full queues;
// and does not see them where they are not. Method: accept-scenarios.ts on real servers.
import { ACCEPT_SCENARIOS } from './accept-scenarios.ts';
import { testScenarios } from './judge.ts';

testScenarios(ACCEPT_SCENARIOS);
