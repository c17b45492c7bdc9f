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
