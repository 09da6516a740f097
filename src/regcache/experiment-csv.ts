import { csvFormat } from "d3-dsv";
import { mostDeleted } from "../intervention/deletion.ts";
import type { SearchReport } from "./search.ts";
import type { SensitivityReport } from "./sensitivity.ts";

/** A sensitivity sweep as a table: one row a unit, numbers in full precision, the block's FP maxima beside it. */
export function sensitivityCsv({ units, blocks, n, quantize, head }: SensitivityReport): string {
  return csvFormat(
    units.map(({ block, linear, mse, cosine, accuracy }) => ({
      block,
      linear: linear ?? "all",
      weight_bits: quantize.weightBits,
      activation_bits: quantize.activationBits,
      n,
      feature_mse: mse,
      mean_cosine: cosine,
      top1: accuracy?.top1 ?? "",
      top1_low95: accuracy?.interval[0] ?? "",
      top1_high95: accuracy?.interval[1] ?? "",
      residual_max: blocks[block]!.residual.max,
      fc2_input_max: blocks[block]!.fc2Input.max,
      head: head ?? "label-free",
    })),
  );
}

/** A search as a table: one row an evaluated setting, best first. */
export function searchCsv({ cells, images, data, objective }: SearchReport): string {
  return csvFormat(
    cells.map(({ setting: { prefix, delete: deletion }, n, mse, cosine, top1 }) => ({
      prefix_from: prefix?.from ?? "",
      prefix_to: prefix?.to ?? (prefix ? "last" : ""),
      prefix_count: prefix?.count ?? 0,
      prefix_registers: prefix ? (prefix.distinct ?? 1) : "",
      delete_block: deletion?.block ?? "",
      delete_count: deletion ? (mostDeleted(deletion) ?? "") : 0,
      delete_by: deletion?.by ?? "",
      delete_criterion: deletion?.by === "criterion" ? deletion.criterion : "",
      delete_above: deletion?.by === "criterion" ? (deletion.above ?? "") : "",
      delete_tensor: deletion ? (deletion.tensor ?? "residual") : "",
      n,
      feature_mse: mse,
      mean_cosine: cosine,
      top1: top1 ?? "",
      images,
      data,
      objective,
    })),
  );
}
