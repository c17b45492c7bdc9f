/** Increase it when a file may be judged otherwise than before: records of older walks count no more. */
export const walkerVersion = 1;
