import { Button } from "react-aria-components";
import { laneReport } from "../store/lane-report.ts";
import type { Lane } from "../worker/api.ts";
import { useLab, useLabState } from "./lab-context.tsx";
import { LANE_NAMES } from "./lane-names.ts";
import { saveFile } from "./save-file.ts";

/** Saves all numbers of a finished lane as JSON. */
export function SaveNumbers({ lane }: { readonly lane: Lane }) {
  const lab = useLab();
  const isDone = useLabState((state) => state.lanes[lane].state === "done");
  return (
    <Button
      className="save-numbers"
      isDisabled={!isDone}
      data-testid={`save-numbers-${lane}`}
      aria-label={`Save the numbers of the ${LANE_NAMES[lane].toLowerCase()} as JSON`}
      onPress={() => {
        const report = laneReport(lab.store.getState(), lane);
        if (report) saveFile(`trace-${lane}.json`, new TextEncoder().encode(report));
      }}
    >
      JSON
    </Button>
  );
}
