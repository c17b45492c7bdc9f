import type { FoundImport } from '../facts.ts';
import { boosters, type ImportList, joblib, numpy, pandas, python, scipy, sklearn, torch } from './lists.ts';

const plain = [python, numpy, scipy, pandas, sklearn, boosters];
const all = [...plain, joblib, torch];
/**
 * Lists by framework; all for any other. MLflow's servers unpickle without joblib, and would take the numbers that joblib
 * writes between opcodes for opcodes.
 */
const byFramework: Readonly<Record<string, readonly ImportList[]>> = {
  sklearn: [...plain, joblib],
  xgboost: [...plain, joblib],
  lightgbm: [...plain, joblib],
  catboost: [...plain, joblib],
  mlflow: [...plain, torch],
};

const listed = (list: ImportList, { module, name }: Pick<FoundImport, 'module' | 'name'>): boolean =>
  (Object.hasOwn(list.exact, module) && list.exact[module]?.includes(name)) ||
  (list.families ?? []).some(
    (family) => family.module.test(module) && family.name.test(name) && family.but?.test(name) !== true,
  );

/** Whether models of a framework may import a name without being asked about. */
export function isListed(framework: string, found: Pick<FoundImport, 'module' | 'name'>): boolean {
  const lists = Object.hasOwn(byFramework, framework) ? byFramework[framework] : all;
  return (lists ?? all).some((list) => listed(list, found));
}

const exactTexts = new Set(
  all.flatMap(({ exact }) => Object.entries(exact).flatMap(([module, names]) => [module, ...names])),
);
const modules = all.flatMap(({ families = [] }) => families.map(({ module }) => module));

/** Whether a text is a module, or one of the exact names, of any list. */
export function isKnownText(text: string): boolean {
  return exactTexts.has(text) || modules.some((module) => module.test(text));
}
