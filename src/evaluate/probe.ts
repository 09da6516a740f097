import { group, maxIndex } from "d3-array";
import { EigenvalueDecomposition, Matrix } from "ml-matrix";
import { InputError } from "../errors/input-error.ts";
import type { Head } from "./head.ts";
import { NONE_SKIPPED, noneReadable, type Skipped } from "./skipped.ts";
import { OTHER_TRAINING_IMAGES } from "./split.ts";
import { fitStandardiser } from "./standardise.ts";

/** Pooled features of labelled images, all from the unmodified encoder. */
export interface LabelledFeatures {
  /** [N][D] */
  readonly features: readonly Float32Array[];
  /** Class of each row, [N]. */
  readonly labels: readonly number[];
  /** C, number of classes. */
  readonly classes: number;
  /** Names of the classes, for errors. */
  readonly names?: readonly string[];
  /** Images that could not be read and are not among the rows. */
  readonly skipped?: Skipped;
}

/** E.g. "fitted on 200 images". */
function fittedOn({ features, skipped: { count } = NONE_SKIPPED }: LabelledFeatures): string {
  return `fitted on ${features.length} images${count > 0 ? `, ${count} unreadable left out` : ""}`;
}

/** Penalties that {@link ridgeProbe} chooses from: 1e-1 ... 1e5 in half decades. */
const LAMBDAS = Array.from({ length: 13 }, (_, i) => 10 ** (i / 2 - 1));

/**
 * Nearest class mean: the class whose mean feature has the largest cosine to the image's, both on
 * features standardised over the training images.
 * @throws InputError when a class has no image
 */
export function nearestClassMean(data: LabelledFeatures): Head {
  const byClass = groupByClass(data);
  const standardiser = fitStandardiser(data.features);
  const means = Array.from({ length: data.classes }, (_, label) => {
    const rows = byClass.get(label)!.map((i) => standardiser.apply(data.features[i]!));
    const mean = rows[0]!.map((_, d) => rows.reduce((sum, row) => sum + row[d]!, 0) / rows.length);
    const norm = Math.hypot(...mean) || 1;
    return mean.map((value) => value / norm);
  });
  return {
    describe: `nearest class mean (cosine, standardised features), ${fittedOn(data)}`,
    classify: ({ feature }) => {
      const x = standardiser.apply(feature);
      return maxIndex(means, (mean) => mean.reduce((sum, value, d) => sum + value * x[d]!, 0));
    },
  };
}

/**
 * Ridge probe: least squares on one-hot targets with an unpenalised intercept and penalty lambda on
 * standardised features (Hoerl & Kennard 1970). Without a `lambda` it takes the one with the least
 * leave-one-out squared error, in closed form from the hat matrix (as scikit-learn's RidgeCV).
 * @throws InputError when a class has no image
 */
export function ridgeProbe(data: LabelledFeatures, lambda?: number): Head {
  groupByClass(data);
  const standardiser = fitStandardiser(data.features);
  const n = data.features.length;
  const x = new Matrix(data.features.map((feature) => standardiser.apply(feature))); // [N, D]
  const prior = new Float64Array(data.classes);
  for (const label of data.labels) prior[label]! += 1 / n;
  const y = new Matrix(
    data.labels.map((label) => Array.from(prior, (share, c) => (c === label ? 1 : 0) - share)),
  ); // [N, C], centred: the intercept

  // X'X = V S V': every lambda shares this one decomposition.
  const gram = x.transpose().mmul(x);
  const evd = new EigenvalueDecomposition(gram, { assumeSymmetric: true });
  const v = evd.eigenvectorMatrix; // [D, D]
  const s = evd.realEigenvalues.map((value) => Math.max(value, 0));
  const xv = x.mmul(v); // [N, D]
  const target = xv.transpose().mmul(y); // V'X'Y, [D, C]

  const chosen = lambda ?? leastError(LAMBDAS, (value) => leaveOneOutError(value, s, xv, y, target));
  const weights = v.mmul(shrink(target, s, chosen)); // [D, C]
  const how = lambda === undefined ? "by leave-one-out" : "given";
  return {
    describe: `ridge probe (standardised features, lambda ${chosen.toPrecision(3)} ${how}), ${fittedOn(data)}`,
    classify: ({ feature }) => {
      const scores = new Matrix([standardiser.apply(feature)]).mmul(weights).getRow(0);
      return maxIndex(scores, (score, c) => score + prior[c]!);
    },
  };
}

/** (S + lambda)^-1 applied to the rows of `target` [D, C]. */
function shrink(target: Matrix, s: readonly number[], lambda: number): Matrix {
  return target.clone().apply(function (this: Matrix, d, c) {
    this.set(d, c, this.get(d, c) / (s[d]! + lambda));
  });
}

/** Sum of squared leave-one-out residuals: residual / (1 - h_ii), where the intercept adds 1/N to h_ii. */
function leaveOneOutError(
  lambda: number,
  s: readonly number[],
  xv: Matrix,
  y: Matrix,
  target: Matrix,
): number {
  const fitted = xv.mmul(shrink(target, s, lambda));
  let error = 0;
  for (let i = 0; i < xv.rows; i++) {
    let leverage = 1 / xv.rows;
    for (let d = 0; d < xv.columns; d++) leverage += xv.get(i, d) ** 2 / (s[d]! + lambda);
    for (let c = 0; c < y.columns; c++) error += ((y.get(i, c) - fitted.get(i, c)) / (1 - leverage)) ** 2;
  }
  return error;
}

function leastError(candidates: readonly number[], error: (value: number) => number): number {
  return candidates
    .map((value) => ({ value, error: error(value) }))
    .reduce((a, b) => (b.error < a.error ? b : a)).value;
}

const SUBJECT = "Training images of the probe";

/** @throws InputError with the first reason when none of the images could be read */
export function requireReadable({ features, skipped = NONE_SKIPPED }: LabelledFeatures): void {
  if (features.length === 0 && skipped.count > 0) throw noneReadable(SUBJECT, skipped);
}

/** Rows of each class; every class must have one. */
function groupByClass(data: LabelledFeatures): Map<number, number[]> {
  requireReadable(data);
  const byClass = group(data.labels.keys(), (i) => data.labels[i]!);
  const { names, skipped = NONE_SKIPPED } = data;
  for (let label = 0; label < data.classes; label++) {
    if (byClass.has(label)) continue;
    const named = names?.[label] === undefined ? String(label) : `"${names[label]}"`;
    const reason = skipped.examples[0]?.replace(/\.$/, "");
    const why = skipped.count > 0 ? `; ${skipped.count} could not be read, e.g. ${reason}` : "";
    throw new InputError(
      SUBJECT,
      `at least one image in each of the ${data.classes} classes`,
      `none of class ${named}${why}`,
      `Add images of that class, or ${OTHER_TRAINING_IMAGES}`,
    );
  }
  return byClass;
}
