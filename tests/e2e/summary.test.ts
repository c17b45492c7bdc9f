import { describe, expect, test } from 'vitest';
import { type Report, summarize } from '../../.ci/summary.ts';

function file(name: string, ...statuses: string[]): Report['testResults'][number] {
  const status = statuses.includes('failed') ? 'failed' : 'passed';
  return { name: `/repo/${name}`, status, assertionResults: statuses.map((each) => ({ status: each })) };
}

const suites = [
  file('scripts/image/tar.test.ts', 'passed', 'passed'),
  file('tests/e2e/push.test.ts', 'passed', 'skipped'),
  file('tests/slow/interrupt.test.ts', 'passed'),
  file('tests/hostile/tags.test.ts', 'passed'),
  file('tests/judges/skopeo.test.ts', 'passed', 'todo'),
  file('tests/dagger/module.test.ts', 'passed'),
  file('tests/kserve/smoke.test.ts', 'passed'),
];
const good = { setup: 0, test: 0, coverage: 0, slow: 0, hostile: 0, judges: 0, dagger: 0, kserve: 0 };

describe('summary of a CI run', () => {
  test('adds up the reports of several runs', () => {
    const reports = [{ testResults: suites.slice(0, 2) }, { testResults: suites.slice(2) }];
    expect(summarize(reports, good, '/repo')).toEqual({
      passed: 8,
      failed: 0,
      skipped: 2,
      failures: [],
      complaints: [],
    });
  });

  test.each(['e2e', 'slow', 'hostile', 'judges', 'dagger', 'kserve'])(
    '%s: a suite of which no test passed is a failure',
    (suite) => {
      const skipped = [{ status: 'skipped' }];
      const ran = suites.map((one) => ({
        ...one,
        ...(one.name.includes(`/${suite}/`) && { assertionResults: skipped }),
      }));
      expect(summarize([{ testResults: ran }], good, '/repo')).toMatchObject({
        failed: 1,
        complaints: [`no ${suite} test passed`],
      });
    },
  );

  test('a test file that fails to load is a failure', () => {
    const broken = {
      ...file('scripts/errors.test.ts'),
      status: 'failed',
      message: 'Error: no such module\n  at x',
    };
    expect(summarize([{ testResults: [...suites, broken] }], good, '/repo')).toMatchObject({
      failed: 1,
      complaints: ['scripts/errors.test.ts failed outside its tests: Error: no such module'],
    });
  });

  test('names each failed test with its message, and not with the stack', () => {
    const broken = {
      ...file('tests/e2e/push.test.ts', 'passed', 'failed'),
      assertionResults: [
        { status: 'passed', fullName: 'push sends layers', failureMessages: [] },
        {
          status: 'failed',
          fullName: 'push sets tags',
          failureMessages: ['\u001b[31mError: sent 1\nis not 2\u001b[39m\n    at push.test.ts:3'],
        },
      ],
    };
    expect(summarize([{ testResults: [...suites, broken] }], good, '/repo').failures).toEqual([
      'tests/e2e/push.test.ts: push sets tags: Error: sent 1\n  is not 2',
    ]);
  });

  test('of a long message prints the start and the end', () => {
    const message = `Error: started${'.'.repeat(10_000)}topics failed: out of memory`;
    const broken = {
      ...file('tests/kserve/cluster.test.ts', 'failed'),
      assertionResults: [{ status: 'failed', fullName: 'serves', failureMessages: [message] }],
    };
    const [failure = ''] = summarize([{ testResults: [broken] }], good, '/repo').failures;
    expect(failure).toMatch(
      /^tests\/kserve\/cluster\.test\.ts: serves: Error: started.*topics failed: out of memory$/,
    );
    expect(failure.length).toBeLessThan(4000);
  });

  test('a failing step is counted as one failure', () => {
    const reports = [{ testResults: suites }];
    expect(summarize(reports, { ...good, test: 1 }, '/repo').failed).toBe(1);
    expect(summarize(reports, { ...good, quickstart: 1 }, '/repo').failed).toBe(1);
    expect(summarize(reports, { ...good, coverage: 1 }, '/repo')).toMatchObject({
      failed: 1,
      complaints: ['coverage ended with exit code 1'],
    });
    const failed = [{ testResults: [...suites, file('scripts/a.test.ts', 'failed')] }];
    expect(summarize(failed, { ...good, test: 1 }, '/repo').failed).toBe(1);
  });
});
