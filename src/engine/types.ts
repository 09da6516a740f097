import type { EncoderSpec } from "../encoder/spec.ts";
import type { PixelMask } from "../image/mask.ts";
import type { Intervention } from "../intervention/intervention.ts";
import type { CalibrationImages } from "../quantize/calibrate.ts";
import type { BlockInputs } from "../quantize/statistics.ts";
import type { Registers } from "../regcache/registers.ts";
import type { LayerTrace, RunResult } from "../trace/layer-trace.ts";
import type { ForwardStates, LinearGradients } from "./backward.ts";

/** The encoder's input: one image. */
export interface EngineInput {
  /** Identifies the pixels in the cache of hidden states; equal ids must mean equal pixels. */
  readonly id: string;
  /** Normalised pixels, [3, size, size]. */
  readonly pixels: Float32Array;
  /** Where the foreground is, for interventions that keep one part only. */
  readonly mask?: PixelMask;
}

/** Hidden states that a run hands out besides its trace, when asked. The row of a test-time register is the last one. */
export interface BlockStates {
  readonly block: number;
  /** Residual stream at the block's input, after any deletion, [T, D]. */
  readonly input: Float32Array;
  /** Residual stream after the block, [T, D]. */
  readonly output: Float32Array;
  /** Query, key and value projections, [T, 3D]. */
  readonly qkv: Float32Array;
}

export interface RunOptions {
  readonly signal?: AbortSignal;
  /** Lower runs first when several wait: interactive work before evaluation. Default "interactive". */
  readonly priority?: "interactive" | "background";
  /** Called for every computed block with its full states; such a run bypasses the cache. */
  readonly onStates?: (states: BlockStates) => void;
  /** Called for every block of an FP run with what its linears read and its attention multiplied; such a run bypasses the cache. */
  readonly onInputs?: (block: number, inputs: BlockInputs) => void;
}

/** A run that is wanted for its result alone. */
export interface ResultOptions extends Pick<RunOptions, "signal" | "priority"> {
  /** Waited for after every block. */
  readonly betweenBlocks?: (() => Promise<void>) | undefined;
}

/** One loaded encoder that can be run. At most one `run()` of ORT is in flight at any time. */
export interface Engine {
  readonly spec: EncoderSpec;
  /** Registers that interventions may name, by id. */
  readonly registers: ReadonlyMap<string, Registers>;
  addRegisters(registers: Registers): void;
  /** Images that quantizations may name to be calibrated on; a run that needs their statistics takes them once. */
  addCalibration(set: CalibrationImages): void;
  /**
   * Runs one image block by block. Yields a trace after each block, in order, and returns the feature.
   * Blocks whose inputs and intervention are unchanged come from the cache.
   * @throws InputError when the intervention does not fit the encoder; CancelledError on abort.
   */
  run(
    input: EngineInput,
    intervention: Intervention,
    options?: RunOptions,
  ): AsyncGenerator<LayerTrace, RunResult>;
  /**
   * The backward pass of an FP run with this prefix and deletion: gradients of u . f at the outputs of all linears, block by block,
   * with f the pooled feature (see headGradient).
   * @throws InputError with a test-time register, which has no backward pass; CancelledError on abort
   */
  backward(
    states: ForwardStates,
    intervention: Intervention,
    u: Float32Array,
    options?: RunOptions,
  ): Promise<LinearGradients[]>;
  /**
   * Runs one image for its result alone: that of {@link run}, without the cost of measuring. Shares its cache.
   * @throws as {@link run}
   */
  result(input: EngineInput, intervention: Intervention, options?: ResultOptions): Promise<RunResult>;
  /**
   * Runs images for their results alone, in their order. With ranges per batch they are one batch: what one of them becomes depends
   * on all (see engine/batch.ts), and their costs share its time equally. Otherwise each is as with {@link result}, of which a range
   * per batch is that of the image.
   * @throws as {@link run}; InputError for a batch that is too large, or whose images would differ in their number of tokens
   */
  results(
    inputs: readonly EngineInput[],
    intervention: Intervention,
    options?: ResultOptions,
  ): Promise<RunResult[]>;
  /** Runs other work with ORT in the engine's queue, never beside a run of the encoder. @throws CancelledError on abort. */
  exclusive<T>(work: () => Promise<T>, options?: RunOptions): Promise<T>;
  /** Frees the sessions. */
  dispose(): Promise<void>;
}
