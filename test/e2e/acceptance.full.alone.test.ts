// Goal: the doctor names what was planted, and does not name its look-alikes. Method: scenarios.ts on real servers,
// bin/loopscope as a user runs it; here until it is sure, many times with repeat.ts.
import { testScenarios } from './judge.ts';
import { SCENARIOS } from './scenarios.ts';

testScenarios(SCENARIOS);
