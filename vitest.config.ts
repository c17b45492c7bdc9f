import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { daggerSdkFolder } from './tests/parts/daggersdk.ts';

/** With MODELCARS_TEST_REPORTS, a JSON report a run goes into that folder too: .ci/summary.ts adds them up. */
const reports = process.env.MODELCARS_TEST_REPORTS;

/**
 * With MODELCARS_TEST_COVERAGE, the coverage of scripts/ goes into that folder: .ci/coverage.ts adds it up. With
 * MODELCARS_PROGRAM_COVERAGE only that of the programs that tests start, for suites that run after the first.
 */
const coverage = process.env.MODELCARS_TEST_COVERAGE;
const programs = coverage ? join(coverage, 'programs') : process.env.MODELCARS_PROGRAM_COVERAGE;

/**
 * The environment of the programs that tests start, not of the test workers, which run already. Runs share one compile
 * cache, since most tests have a new store, whose cache is empty. (Compiled code from a cache counts no blocks in the
 * top level of a module; functions do.)
 */
const env: Record<string, string> = {
  NODE_COMPILE_CACHE: join(import.meta.dirname, 'node_modules/.cache/modelcars-tests'),
  ...(programs && { NODE_V8_COVERAGE: programs }),
};

/** Dagger's SDK as npm has it. */
const daggerSdk = join(daggerSdkFolder(), 'node_modules/@dagger.io/dagger/dist/src');

/** `unit` needs nothing, `e2e` and `slow` real registries, `hostile` peers that misbehave, `judges` the container tools, `kserve` a cluster. See docs/internals/testing.md. */
export default defineConfig({
  test: {
    ...(reports && {
      reporters: ['default', ['json', { outputFile: join(reports, `${process.pid}.json`) }]],
    }),
    // One fewer than the cores is the default: on two cores, no parallelism. Tests also wait for programs and clocks.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    ...(coverage && {
      coverage: {
        enabled: true,
        provider: 'v8',
        include: ['scripts/**/*.ts'],
        exclude: ['**/*.test.ts'],
        reporter: ['json'],
        reportsDirectory: join(coverage, 'workers'),
        reportOnFailure: true,
      },
    }),
    projects: [
      {
        test: {
          name: 'unit',
          include: ['{scripts,frameworks,base,bench}/**/*.test.ts'],
          env,
          // Loading the modules anew for each of 280 files took a third of the CPU time.
          isolate: false,
          setupFiles: 'tests/support/mark-recycled.ts',
          testTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['tests/e2e/**/*.test.ts'],
          env,
          setupFiles: 'tests/support/mark-recycled.ts',
          testTimeout: 300_000,
          hookTimeout: 600_000,
        },
      },
      {
        test: {
          name: 'slow',
          include: ['tests/slow/**/*.test.ts'],
          env,
          setupFiles: 'tests/support/mark-recycled.ts',
          testTimeout: 900_000,
          hookTimeout: 600_000,
        },
      },
      {
        test: {
          name: 'judges',
          include: ['tests/judges/**/*.test.ts'],
          testTimeout: 600_000,
          hookTimeout: 900_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'hostile',
          include: ['tests/hostile/**/*.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 600_000,
          fileParallelism: false,
        },
      },
      {
        // The module names the SDK that an engine generates for it; here it is the published one.
        resolve: {
          alias: {
            '@dagger.io/dagger/telemetry': join(daggerSdk, 'telemetry/index.js'),
            '@dagger.io/dagger': join(daggerSdk, 'index.js'),
          },
        },
        test: {
          name: 'dagger',
          include: ['tests/dagger/**/*.test.ts'],
          testTimeout: 600_000,
          hookTimeout: 900_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'kserve',
          include: ['tests/kserve/**/*.test.ts'],
          globalSetup: 'tests/kserve/_setup.ts',
          testTimeout: 900_000,
          hookTimeout: 1_200_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
