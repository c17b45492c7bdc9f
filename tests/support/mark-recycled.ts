/**
 * Loaded into every test process, and into the programs that tests start from source: recycled memory is overwritten, so
 * that a chunk which is read too late has wrong bytes, and the check of its digest fails. Threads that hash get chunks as
 * late as possible, so that this does not depend on how fast they are.
 */
import { hashThreads } from '../../scripts/hashing/threads.ts';
import { streamBuffers } from '../../scripts/memory/stream-buffers.ts';

streamBuffers.markRecycled(0xdb);
hashThreads.sendLate();
if (process.env.MODELCARS_TEST_HASH_THREADS)
  await hashThreads.restart(Number(process.env.MODELCARS_TEST_HASH_THREADS), 1);
