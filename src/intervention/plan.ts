import type { EncoderSpec } from "../encoder/spec.ts";
import { leadingTokens } from "../encoder/spec.ts";
import { InputError } from "../errors/input-error.ts";
import type { BlockStatistics, Statistics } from "../quantize/statistics.ts";
import type { Register, Registers } from "../regcache/registers.ts";
import { mostDeleted, needsRegisters } from "./deletion.ts";
import { type Deletion, type Intervention, type Quantization, quantizationSchema } from "./intervention.ts";
import { neuronsOf } from "./test-time-register.ts";

/** What an intervention does at one block. */
export interface BlockPlan {
  /** Registers whose keys and values fill one prefix slot each, and ln(tau); null = no prefix here. */
  readonly prefix: { readonly registers: readonly Register[]; readonly logCount: number } | null;
  /** Deletion at the block's input. */
  readonly delete: { readonly rule: Deletion; readonly registers: Registers | null } | null;
  readonly quantize: Quantization | null;
  /** Of the block's linear inputs, where the quantization is calibrated. */
  readonly statistics: BlockStatistics | null;
  /** Neurons whose activations are moved to the test-time register; empty = none. */
  readonly registerNeurons: readonly number[];
  /** Equal keys mean equal effects at this block. */
  readonly key: string;
}

/**
 * An intervention, checked against the encoder and spread over its blocks.
 * @param statistics of its calibration images, where the quantization is calibrated
 * @throws InputError when it names blocks, tokens or registers that are not there.
 */
export function planIntervention(
  spec: EncoderSpec,
  intervention: Intervention,
  registers: ReadonlyMap<string, Registers>,
  statistics: Statistics | null = null,
): BlockPlan[] {
  const { prefix, delete: deletion, quantize } = intervention;
  const named = (id: string | undefined, use: string): Registers => {
    const found = id === undefined ? undefined : registers.get(id);
    if (found) return found;
    throw new InputError(
      use,
      `registers of this model (${[...registers.keys()].join(", ") || "none are loaded"})`,
      id ?? "none",
      "Curate registers for this model or open a registers file.",
    );
  };
  const lastBlock = spec.blocks - 1;
  if (prefix && !(prefix.from <= prefix.to && prefix.to <= lastBlock)) {
    throw new InputError(
      "Prefix",
      `blocks from <= to <= ${lastBlock}`,
      `from ${prefix.from} to ${prefix.to}`,
      "Choose blocks of this encoder.",
    );
  }
  const stray = quantize?.blocks?.find((block) => block > lastBlock);
  if (stray !== undefined) {
    const remedy = "Choose blocks of this encoder.";
    throw new InputError("Quantization", `blocks up to ${lastBlock}`, `block ${stray}`, remedy);
  }
  const patches = spec.grid ** 2;
  const most = (deletion && mostDeleted(deletion)) ?? 0;
  if (deletion && deletion.block > lastBlock) {
    const remedy = "Choose a block of this encoder.";
    throw new InputError("Deletion", `a block up to ${lastBlock}`, `block ${deletion.block}`, remedy);
  }
  if (most >= patches) {
    const expected = `fewer than the ${patches} patch tokens of an image, so that one survives`;
    throw new InputError("Deletion", expected, `${most} tokens`, "Delete fewer.");
  }
  const prefixRegisters = prefix ? named(prefix.registers, "Prefix") : null;
  const distinct = prefix?.distinct ?? 1;
  const there = prefixRegisters?.distinct.length ?? 1;
  if (distinct > there) {
    throw new InputError(
      "Prefix",
      `up to ${there} distinct registers, which is what ${prefixRegisters!.id} has`,
      String(distinct),
      "Use fewer, or curate several.",
    );
  }
  const deletionRegisters =
    deletion && needsRegisters(deletion) ? named(deletion.registers, "Deletion by similarity") : null;

  return Array.from({ length: spec.blocks }, (_, block) => {
    const active = prefix && prefixRegisters && block >= prefix.from && block <= prefix.to;
    const deletes = deletion?.block === block;
    const quantized = quantize && (quantize.blocks?.includes(block) ?? true) ? quantize : null;
    const plan = {
      prefix: active
        ? { registers: prefixRegisters.distinct.slice(0, distinct), logCount: Math.log(prefix.count) }
        : null,
      delete: deletes ? { rule: deletion, registers: deletionRegisters } : null,
      quantize: quantized,
      statistics: quantized && statistics ? statistics.blocks[block]! : null,
      registerNeurons: neuronsOf(intervention.testTimeRegister, spec, block),
    };
    const key = JSON.stringify([
      active ? [prefixRegisters.id, prefix.count, ...(distinct > 1 ? [distinct] : [])] : null,
      deletes ? { ...deletion, registers: deletionRegisters?.id } : null,
      quantized && { ...quantized, blocks: null },
      ...(plan.statistics ? [statistics?.key] : []),
      ...(plan.registerNeurons.length > 0 ? [{ registerNeurons: plan.registerNeurons }] : []),
    ]);
    return { ...plan, key };
  });
}

/** @throws InputError for settings of a quantizer that contradict each other */
export function requireConsistent(quantize: Quantization | null): void {
  const issue = quantize && quantizationSchema.safeParse(quantize).error?.issues[0];
  if (!issue) return;
  const got = `${issue.path.join(".")}: ${issue.message}`;
  throw new InputError("Quantization", "settings that go together", got, "Leave one of them out.");
}

/** First row that may be deleted: CLS and trained registers never are (paper, step 4). */
export function firstDeletable(spec: EncoderSpec): number {
  return leadingTokens(spec);
}
