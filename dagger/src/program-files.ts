/** The files that a given repository runs by: the same as those of dagger/program/main.dang, which a test compares. */
export const programFiles = {
  include: [
    'LICENSE',
    'base',
    'ci',
    'frameworks',
    'models.schema.json',
    'package-lock.json',
    'package.json',
    'rolldown.config.ts',
    'scripts',
    'tsconfig.json',
  ],
  exclude: ['base/*.go', '**/node_modules', '**/__pycache__', '**/*.test.ts'],
};

/**
 * Packages that the program is not made of: what tests and checks need. Without them, a new engine waits a third less
 * for npm. A test compares them with the program's imports.
 */
export const developerPackages = [
  '@biomejs/biome',
  '@cyclonedx/cyclonedx-library',
  '@sigstore/mock',
  '@types/cli-progress',
  '@types/node',
  '@types/picomatch',
  '@types/proper-lockfile',
  '@types/semver',
  '@types/spdx-satisfies',
  '@types/tar-stream',
  '@types/ws',
  '@types/yargs',
  '@vitest/coverage-v8',
  'ajv',
  'ajv-formats',
  'ajv-formats-draft2019',
  'axe-core',
  'bcryptjs',
  'fast-check',
  'graphql',
  'playwright-core',
  'tar-stream',
  'typescript',
  'vitest',
  'ws',
  'zx',
];
