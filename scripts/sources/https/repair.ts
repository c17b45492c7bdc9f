import type { RepairSteps } from '../types.ts';

/** The next steps for an incomplete file from a URL. */
export const repair: RepairSteps = {
  pointer:
    'use the URL that has the content: `https://github.com/…/raw/…` or `https://media.githubusercontent.com/media/…`',
  corrupt: 'check the URL in a browser: it should give the file itself',
  missing: 'a URL is one file: name the others in `files:`',
};
