import { type EncoderSpec, tokenKind } from "../encoder/spec.ts";
import type { Intervention } from "../intervention/intervention.ts";
import type { LayerTrace, RunResult } from "./layer-trace.ts";
import { residualPeak, summarise } from "./summary.ts";

/** What a trace report is made from. */
export interface TracedRun {
  readonly spec: EncoderSpec;
  /** Of model.safetensors. */
  readonly sha256: string;
  readonly image: { readonly file: string; readonly width: number; readonly height: number };
  readonly intervention: Intervention;
  readonly traces: readonly LayerTrace[];
  readonly result: RunResult;
}

/**
 * One run as the JSON that the command line prints and the page saves: numbers in full precision, blocks from 0.
 * @param full adds medianAbs, kurtosis and lists per token to each block, and the feature and logits
 */
export function traceReport({ spec, sha256, image, intervention, traces, result }: TracedRun, full: boolean) {
  return {
    model: modelReport(spec, sha256),
    image: { ...image, preprocess: spec.preprocess },
    intervention,
    deleted: result.deleted,
    blocks: traces.map((trace) => blockReport(trace, spec, full)),
    ...(full && { feature: result.feature, pooled: result.pooled, logits: result.logits }),
  };
}

/** A report as JSON text; typed arrays become plain lists. */
export function toJson(value: unknown): string {
  const plain = (_: string, entry: unknown) =>
    ArrayBuffer.isView(entry) ? Array.from(entry as Float32Array) : entry;
  return JSON.stringify(value, plain, 2);
}

/**
 * One block of `trace --json`: max, p99 and median over the tokens' L-inf of the residual stream after the
 * block and of each linear's input; `full` adds medianAbs, kurtosis and the lists per token.
 */
function blockReport(trace: LayerTrace, spec: EncoderSpec, full: boolean) {
  const { residual, inputs, positions } = trace;
  const peak = residualPeak(trace);
  const cls = spec.hasCls ? positions.indexOf(0) : -1;
  return {
    block: trace.block,
    residual: {
      ...summarise(residual.linf),
      maxToken: peak.token,
      maxChannel: peak.channel,
      maxKind: tokenKind(spec, peak.token),
      ...(cls >= 0 && { cls: residual.linf[cls]! }),
    },
    qkvInput: summarise(inputs.qkv),
    projInput: summarise(inputs.proj),
    fc1Input: summarise(inputs.fc1),
    fc2Input: summarise(inputs.fc2),
    prefixReceived: trace.prefixReceived,
    ...(trace.testTimeRegister && { testTimeRegister: trace.testTimeRegister }),
    tokens: positions.length,
    ...(full && {
      medianAbs: trace.medianAbs,
      kurtosis: trace.kurtosis,
      perToken: {
        positions,
        linf: residual.linf,
        l2: residual.l2,
        topChannel: residual.topChannel,
        qkvInput: inputs.qkv,
        projInput: inputs.proj,
        fc1Input: inputs.fc1,
        fc2Input: inputs.fc2,
        attentionReceived: trace.attentionReceived,
        attentionToPrefix: trace.attentionToPrefix,
      },
    }),
  };
}

/** The `model` of every command's JSON. */
export function modelReport(spec: EncoderSpec, sha256: string) {
  const { family, label, blocks, tokens, width, assumptions, outlierOrigin } = spec;
  return { sha256, family, label, blocks, tokens, width, assumptions, outlierOrigin };
}
