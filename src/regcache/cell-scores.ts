import type { Engine, EngineInput } from "../engine/types.ts";
import { throwIfCancelled } from "../errors/input-error.ts";
import type { CalibrationSet } from "../evaluate/calibration.ts";
import { cosine } from "../evaluate/cosine.ts";
import { meanSquaredError } from "../evaluate/feature-error.ts";
import type { Head } from "../evaluate/head.ts";
import { applySetting } from "../evaluate/recommended.ts";
import { runToEnd } from "../evaluate/run-image.ts";
import { NO_INTERVENTION, type Quantization } from "../intervention/intervention.ts";
import type { RunResult } from "../trace/layer-trace.ts";
import type { Cell } from "./setting-grid.ts";

/** What one setting gave on the calibration images 0..n-1, one number an image. */
export interface ImageScores {
  /** Mean squared error of the pooled feature to FP32's. */
  readonly mse: number[];
  /** Cosine of the pooled feature to FP32's. */
  readonly cosine: number[];
  /** Whether the label was right, 0 or 1; empty without labels. */
  readonly right: number[];
}

export interface ScoreOptions {
  readonly quantize: Quantization;
  /** Id of the registers in the engine: of one, which deletion by similarity is measured against too. */
  readonly registers: string;
  /** Ids of several distinct registers, by how many they are; absent = no setting has several. */
  readonly several?: ReadonlyMap<number, string>;
  /** Reads labels; null = label-free. */
  readonly head: Head | null;
  readonly signal?: AbortSignal;
  /** Evaluations after which one image with many settings shows what it has; 64 when absent. */
  readonly showEvery?: number;
}

/**
 * Scores settings on calibration images and remembers every score, so that nothing runs twice: neither two searches
 * over one model nor a search that was interrupted.
 */
export class CellScores {
  readonly #scores = new Map<string, ImageScores>();
  #runs = 0;

  /** @param known scores of an earlier search over the same model, images, registers and quantizer */
  constructor(
    private readonly engine: Engine,
    readonly images: CalibrationSet,
    readonly options: ScoreOptions,
    known: Readonly<Record<string, ImageScores>> = {},
  ) {
    for (const [key, { mse, cosine, right }] of Object.entries(known)) {
      this.#scores.set(key, { mse: [...mse], cosine: [...cosine], right: [...right] });
    }
  }

  /** Evaluations (one setting on one image) that were run, remembered ones not counted. */
  get runs(): number {
    return this.#runs;
  }

  /**
   * Everything that is known, by the cell's key; with several registers by their id too, which {@link ScoreOptions.registers}
   * does not determine.
   */
  get all(): Readonly<Record<string, ImageScores>> {
    return Object.fromEntries([...this.#scores].filter(([, { mse }]) => mse.length > 0));
  }

  of(cell: Cell): ImageScores {
    const several = this.#several(cell);
    const key = several === undefined ? cell.key : `${cell.key} [${several}]`;
    const known = this.#scores.get(key);
    if (known) return known;
    const fresh: ImageScores = { mse: [], cosine: [], right: [] };
    this.#scores.set(key, fresh);
    return fresh;
  }

  /** Id of a cell's registers where it has several. */
  #several({ setting: { prefix } }: Cell): string | undefined {
    const { distinct = 1 } = prefix ?? {};
    return distinct === 1 ? undefined : this.options.several!.get(distinct)!;
  }

  /**
   * Brings every cell to at least `n` images. All cells of one image follow each other, so that they share its first
   * blocks through the engine's cache. Yields after every image that something ran on, and within one now and then.
   * @throws CancelledError on abort, with what was scored kept
   */
  async *extend(cells: readonly Cell[], n: number): AsyncGenerator<void, void> {
    const { showEvery = 64 } = this.options;
    for (let image = 0; image < Math.min(n, this.images.count); image++) {
      const waiting = cells.filter((cell) => this.of(cell).mse.length <= image);
      if (waiting.length === 0) continue;
      throwIfCancelled(this.options.signal, "The search");
      const input = await this.images.load(image);
      const fp = await runToEnd(this.engine, input, NO_INTERVENTION, this.options.signal);
      for (const [i, cell] of waiting.entries()) {
        this.#add(cell, image, await this.#run(cell, input), fp);
        if ((i + 1) % showEvery === 0 && i + 1 < waiting.length) yield;
      }
      yield;
    }
  }

  #run(cell: Cell, input: EngineInput): Promise<RunResult> {
    const { registers, quantize, signal } = this.options;
    const parts = applySetting(cell.setting, this.#several(cell) ?? registers, this.engine.spec.blocks);
    return runToEnd(this.engine, input, { ...NO_INTERVENTION, ...parts, quantize }, signal);
  }

  #add(cell: Cell, image: number, run: RunResult, fp: RunResult): void {
    const scores = this.of(cell);
    scores.mse.push(meanSquaredError(run.feature, fp.feature));
    scores.cosine.push(cosine(run.feature, fp.feature));
    const { head } = this.options;
    if (head && this.images.label) scores.right.push(head.classify(run) === this.images.label(image) ? 1 : 0);
    this.#runs += 1;
  }
}
