import { memo } from "react";
import { Button } from "react-aria-components";
import { formatCount, formatProgress } from "../figures/format.ts";
import { accuracyConfigurations, accuracyKey, EVERY_IMAGE } from "../store/accuracy.ts";
import { AccuracyTable } from "./accuracy-table.tsx";
import { NumberInput, SegmentField, SwitchField } from "./fields.tsx";
import { useLab, useLabState } from "./lab-context.tsx";
import { SaveAccuracy } from "./save-accuracy.tsx";
import { SkippedImages } from "./skipped-images.tsx";

const ALL = "all";
const SIZES = [
  ...[64, 256, 1024].map((n) => ({ id: String(n), label: formatCount(n) })),
  { id: ALL, label: ALL },
];

/** Accuracy of FP32, quantized, and quantized + RegCache on the same images, as it is measured. */
export function AccuracyPanel() {
  const controls = useLabState((state) => state.controls);
  const accuracy = useLabState((state) => state.accuracy);
  if (!controls) return null;
  const { report, running, preparing } = accuracy;
  const isStale = report !== null && accuracy.measured !== accuracyKey(controls);
  return (
    <section
      className="panel accuracy"
      aria-labelledby="accuracy-heading"
      data-testid="accuracy"
      data-state={running ? "running" : report ? "done" : "idle"}
    >
      <div className="panel-head">
        <h2 id="accuracy-heading">
          Live accuracy{" "}
          <small data-testid="accuracy-progress">
            {report
              ? `${formatCount(report.n)} of ${formatCount(report.total)} images · ${report.dataset} · ${report.head} · seed ${report.seed}${report.batch > 1 ? ` · batches of ${report.batch}` : ""}${accuracy.engines > 1 ? ` · ${accuracy.engines} engines` : ""}`
              : running
                ? preparing
                  ? formatProgress(preparing)
                  : "starting"
                : "not measured yet"}
          </small>
        </h2>
      </div>
      <AccuracyControls />
      <ElsewhereHint />
      {isStale && (
        <p className="hint hint-strong" data-testid="accuracy-stale">
          The controls have changed since these numbers were measured.
        </p>
      )}
      <SkippedImages skipped={report?.skipped} testId="accuracy-skipped" of="of every count" />
      <AccuracyTable report={report} controls={controls} isStale={isStale} />
      <p className="hint">
        The same images in the same order for every row. Whiskers and brackets: 95 % intervals (Wilson for
        top-1, paired for the difference).
        {controls.bits === "fp32" && " The controls say FP32, so the quantized rows are measured at W8A8."}
        {accuracyConfigurations(controls).length < 3 &&
          " Switch the prefix or deletion on to see the third row."}
      </p>
    </section>
  );
}

/** Offers to go on with an interrupted evaluation of the same images and configurations, after a reload too. */
function ContinueButton() {
  const lab = useLab();
  useOfferInputs();
  const saved = lab.savedAccuracy();
  if (!saved) return null;
  const { n, skipped, total } = saved.progress;
  return (
    <Button onPress={() => void lab.continueAccuracy()} data-testid="accuracy-continue">
      Continue at {formatCount(n + skipped.count)} of {formatCount(total)}
    </Button>
  );
}

/** Says that there is something to go on with, once its images are open again: a page may not open a user's files by itself. */
function ElsewhereHint() {
  const lab = useLab();
  useOfferInputs();
  const running = useLabState((state) => state.accuracy.running);
  if (running || lab.savedAccuracy()) return null;
  const elsewhere = lab.accuracyElsewhere();
  if (!elsewhere) return null;
  const { n, skipped, total, dataset } = elsewhere;
  return (
    <p className="hint" data-testid="accuracy-elsewhere">
      An evaluation of {dataset} was interrupted at {formatCount(n + skipped.count)} of {formatCount(total)}{" "}
      images. Open these images again, with the settings that it had, to go on.
    </p>
  );
}

/** What an offer depends on; the interrupted evaluations themselves lie outside of the state. */
function useOfferInputs(): void {
  useLabState((state) => state.controls);
  useLabState((state) => state.model);
  useLabState((state) => state.dataset.info);
  useLabState((state) => state.accuracy.probe);
  useLabState((state) => state.accuracy.seed);
  useLabState((state) => state.classes.embedded);
}

/** Start, stop and settings; apart from the panel, so that a new count does not render them again. */
const AccuracyControls = memo(function AccuracyControls() {
  const lab = useLab();
  const running = useLabState((state) => state.accuracy.running);
  // A data set that is being opened ends what runs on the one before.
  const isOpening = useLabState((state) => state.dataset.opening);
  const limit = useLabState((state) => state.accuracy.limit);
  const seed = useLabState((state) => state.accuracy.seed);
  const follow = useLabState((state) => state.accuracy.follow);
  const isBundled = useLabState(
    ({ modelRequest, dataset }) => modelRequest?.kind === "bundled" && dataset.request === null,
  );
  return (
    <div className="accuracy-controls">
      <Button
        className="primary"
        isDisabled={isOpening}
        onPress={() => void (running ? lab.stopAccuracy() : lab.startAccuracy())}
        data-testid="accuracy-toggle"
      >
        {running ? "Stop" : "Start"}
      </Button>
      {!running && <ContinueButton />}
      <SegmentField
        label="Images"
        value={limit === EVERY_IMAGE ? ALL : String(limit)}
        options={SIZES}
        testId="accuracy-n"
        onChange={(n) => lab.setAccuracy({ limit: n === ALL ? EVERY_IMAGE : Number(n) })}
      />
      <NumberInput
        label="Seed"
        value={seed}
        min={0}
        max={2 ** 31 - 1}
        step={1}
        testId="accuracy-seed"
        onChange={(seed) => lab.setAccuracy({ seed })}
      />
      {isBundled && (
        <SwitchField
          label="Follow the controls"
          isOn={follow}
          testId="accuracy-follow"
          onChange={(follow) => lab.setAccuracy({ follow })}
        />
      )}
      <SaveAccuracy />
    </div>
  );
});
