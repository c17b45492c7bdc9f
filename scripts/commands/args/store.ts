import { flag, groups, text } from './option.ts';

const group = groups.transport;

/** What `prune` removes, as typed. */
export const pruning = {
  olderThan: text('older-than', {
    describe:
      'remove entries that were not used for this long: 30d, 12h (default 30d, unless --max-size is given)',
    group,
  }),
  maxSize: text('max-size', {
    describe: 'remove the least recently used entries until the store is no larger: 200GB',
    group,
  }),
  all: flag('all', { describe: 'remove every entry that no running modelcars uses', group }),
};
