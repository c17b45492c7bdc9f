/** Checks inside a container of a model image, as any user, with a mounted busybox. */
import { expect } from 'vitest';
import type { TestModel } from '../parts/cli.ts';
import type { Result } from '../parts/run.ts';
import { expectedFiles } from './_images.ts';

/** UID 1001 is the image's own user; OpenShift runs containers as a random UID in group 0. */
export const users = ['1001:0', '1000680000:0'];

/** Mount point of the judge's busybox; the image's own tools are not trusted to check themselves. */
export const judgeMount = '/judge';

/** Lists, reads and tries to write below a folder; prints one line per finding. */
export const survey = `
  busybox=${judgeMount}/busybox
  cd "$1" || exit 1
  $busybox find . -exec $busybox stat -c 'entry %a %u:%g %F|%n' {} +
  $busybox find . -type f -exec $busybox sha256sum {} + | $busybox sed 's/^/sum /'
  $busybox find . -type d | while IFS= read -r folder; do
    (: > "$folder/probe") 2>/dev/null && echo "written $folder/probe"
  done
  $busybox find . -type f | while IFS= read -r file; do
    (echo >> "$file") 2>/dev/null && echo "written $file"
    $busybox rm -f "$file" 2>/dev/null && echo "removed $file"
  done
  exit 0
`;

/** The command that runs the survey of `folder` in a container with busybox mounted. */
export function surveyCommand(folder: string): string[] {
  return [`${judgeMount}/busybox`, 'sh', '-c', survey, 'survey', folder];
}

/** Compares a survey of /models with the files made by the test and the image contract of docs/internals/design.md. */
export function expectContract({ code, stdout, stderr }: Result, model: TestModel): void {
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const lines = stdout.trimEnd().split('\n');
  expect(lines.filter((line) => /^(written|removed) /.test(line))).toEqual([]);
  const sums = lines
    .filter((line) => line.startsWith('sum '))
    .map((line) => [line.slice('sum '.length + 64 + '  ./'.length), line.slice(4, 68)]);
  expect(Object.fromEntries(sums)).toEqual(expectedFiles(model));
  const entries = lines.filter((line) => line.startsWith('entry '));
  expect(entries.length).toBeGreaterThan(Object.keys(model.files).length);
  for (const entry of entries) {
    expect(entry).toMatch(/^entry (555 1001:0 directory|444 1001:0 regular (empty )?file)\|/);
  }
}
