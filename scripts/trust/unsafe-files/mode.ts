/** What happens to a file that can run code: the run fails, it is reported, or nothing is checked. */
export type UnsafeFilesMode = 'refuse' | 'warn' | 'allow';
