import { Button } from "react-aria-components";
import { formatCount } from "../figures/format.ts";
import { isCalibrated } from "../store/calibration.ts";
import { calibrationName } from "../store/quantizer.ts";
import { NumberInput } from "./fields.tsx";
import { useLab, useLabState } from "./lab-context.tsx";
import { WorkProgress } from "./progress.tsx";
import { SkippedImages } from "./skipped-images.tsx";
import { SourcePicker } from "./source-picker.tsx";

/** Which images a calibrated quantizer takes its statistics over, and how far it is with them; nothing for other quantizers. */
export function CalibrationFields() {
  const lab = useLab();
  const controls = useLabState((state) => state.controls);
  const { opened, progress, cancelled } = useLabState((state) => state.calibration);
  if (!controls || !isCalibrated(controls)) return null;
  const { images, limit } = controls.calibration;
  return (
    <div className="calibration" data-testid="calibration">
      <h3>Calibration</h3>
      <p className="hint" data-testid="calibration-images">
        {opened?.name === calibrationName(controls.calibration)
          ? `Over ${formatCount(opened.count)} images of ${opened.set}${images === "dataset" ? ", not evaluated then" : ""}.`
          : "The images are opened when they are needed."}
      </p>
      {opened?.name === calibrationName(controls.calibration) && (
        <SkippedImages skipped={opened.skipped} testId="calibration-skipped" />
      )}
      <NumberInput
        label="Images of a set at most"
        value={limit}
        min={1}
        max={10_000}
        step={1}
        testId="calibration-limit"
        onChange={(limit) => lab.setCalibration({ limit })}
      />
      <SourcePicker
        testId="calibration"
        isDisabled={false}
        action="Calibrate on"
        onChoose={(images) => lab.setCalibration({ images })}
        before={
          <Button
            isDisabled={images === "dataset"}
            data-testid="calibration-dataset"
            onPress={() => lab.setCalibration({ images: null })}
          >
            Data set
          </Button>
        }
      />
      {progress && (
        <WorkProgress
          progress={progress}
          cancelLabel="Cancel"
          testId="calibrating"
          onCancel={() => void lab.cancelCalibration()}
        />
      )}
      {cancelled && !progress && (
        <div className="row">
          <p className="hint hint-strong">Cancelled: the intervention is not up to date.</p>
          <Button data-testid="calibrate" onPress={() => void lab.calibrate()}>
            Calibrate
          </Button>
        </div>
      )}
    </div>
  );
}
