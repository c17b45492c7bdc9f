/** Bytes at the start of a file that `signatureOf` needs. */
export const signatureBytes = 256;

/**
 * The program that wrote a model whose name two of them use (`.bst`, `.json`, `.txt`), by its first bytes; undefined for
 * any other content. LightGBM writes text that starts with `tree` (src/boosting/gbdt_model_text.cpp). XGBoost writes
 * JSON or UBJSON whose first key is `learner` or `version`, and older ones a binary format that can start with `binf`
 * (src/learner.cc).
 */
export function signatureOf(head: Uint8Array): 'lightgbm' | 'xgboost' | undefined {
  const text = Buffer.from(head.subarray(0, signatureBytes)).toString('latin1');
  if (/^tree\r?\nversion=/.test(text)) return 'lightgbm';
  if (/^\s*\{\s*"(learner|version)"\s*:/.test(text) || text.startsWith('binf')) return 'xgboost';
  // UBJSON: `{`, then each key as the type of its length, the length and the text.
  return /^\{(?:L.{8}|l.{4}|I.{2}|[iU].)(?:learner|version)/s.test(text) ? 'xgboost' : undefined;
}
