import { besideOf, folderOf } from '../formats/names.ts';
import { OnnxReader } from '../formats/onnx.ts';
import type { Choice, Examination, ModelReader, Refusal } from '../model/types.ts';
import { list, plain } from '../text/format.ts';

const firstRead = 128 * 1024;
const longestRead = 4 * 1024 ** 2;
/** Bytes read of one graph, beyond which its weights are not skipped but part of it. */
const mostBytes = 64 * 1024 ** 2;
const mostRequests = 256;

/** Of several graphs the one at the top: those in folders are other forms of it, or other models. */
export function chooseGraph(paths: readonly string[]): Choice {
  const below = paths.filter((path) => isGraph(path) && path.includes('/') && !isVersioned(path));
  const top = paths.some((path) => isGraph(path) && (!path.includes('/') || isVersioned(path)));
  const leave = top ? below : [];
  const left = new Set(leave);
  return {
    take: paths.filter((path) => !left.has(path)),
    leave: [...leave],
    why: leave.length === 0 ? '' : 'the graph at the top is taken',
  };
}

/** Refuses several graphs that would be one model. Versions (`1/model.onnx`, `2/model.onnx`) are one model. */
export function severalGraphs(paths: readonly string[]): Refusal | undefined {
  const graphs = paths.filter(isGraph);
  const folders = new Set(graphs.map(folderOf));
  if (graphs.length < 2 || (graphs.every(isVersioned) && folders.size === graphs.length)) return undefined;
  const shown = graphs.map((path) => plain(path));
  return {
    problem: `has ${graphs.length} graphs: ${list(shown, 'and')}`,
    next: `choose one, as in \`include: ["${shown[0]}"]\`; the external data that it names comes along`,
    choices: graphs,
  };
}

/**
 * What a graph says of itself: the external data that it names, which comes to lie beside it. `version` is the folder of
 * the image for a graph that has no version folder yet, with a trailing slash.
 */
export async function examineGraphs(
  files: ModelReader,
  chosen: readonly string[],
  version: string,
): Promise<Examination> {
  const also: string[] = [];
  const places: Record<string, string> = {};
  for (const graph of chosen.filter(isGraph)) {
    const isPlaced = isVersioned(graph);
    if (!isPlaced) places[graph] = `${version}model.onnx`;
    for (const name of await externalData(files, graph)) {
      // One that leads out of its folder, or is not there, is reported with the other incomplete files.
      const path = besideOf(graph, name);
      if (path === undefined || files.size(path) === undefined) continue;
      also.push(path);
      if (!isPlaced) places[path] = version + path.slice(folderOf(graph).length);
    }
  }
  return { also, places };
}

/**
 * What OpenVINO Model Server makes of `examineGraphs`: it makes the paths of external data canonical, which leads nowhere
 * through the link that KServe's `oci://` sets, `/mnt/models` → `/proc/<pid>/root/models`. Tried with 2025.3 (KServe's) and
 * 2026.4: tests/judges/onnx-folders.test.ts. ONNX Runtime does so from 1.24 on; KServe's Triton has an older one.
 */
export function withOpenvinoWarning(examined: Examination): Examination {
  const data = (examined.also ?? []).map((path) => plain(path));
  if (data.length === 0) return examined;
  const warning = `the graph's weights are files of their own (${list(data, 'and', 4)}), which OpenVINO does not find through KServe's \`oci://\`: serve it with \`oci+native://\` or \`oci+fetch://\`, take \`framework: onnx-triton\`, or save the graph with its weights inside (below 2 GB)`;
  return { ...examined, warnings: [...(examined.warnings ?? []), warning] };
}

/**
 * The names of the files that hold a graph's tensors, as it writes them. `most`: the bytes that are read of it, at the
 * end of which are the names found so far.
 */
export async function externalData(files: ModelReader, path: string, most = mostBytes): Promise<string[]> {
  const size = files.size(path);
  if (size === undefined) return [];
  const reader = new OnnxReader(size);
  let read = 0;
  let length = firstRead;
  for (let requests = 0; reader.wants < size && read < most && requests < mostRequests; requests++) {
    const at = reader.wants;
    const bytes = await files.read(path, at, length);
    if (bytes.length === 0) break;
    reader.take(bytes);
    read += bytes.length;
    length = reader.wants > at + bytes.length ? firstRead : Math.min(2 * length, longestRead);
  }
  return reader.end().needs?.map(({ name }) => name) ?? [];
}

function isGraph(path: string): boolean {
  return path.endsWith('.onnx');
}

/** Whether a file lies in a version folder of OpenVINO Model Server: `1/model.onnx`. */
function isVersioned(path: string): boolean {
  return /^[1-9]\d*\/[^/]+$/.test(path);
}
