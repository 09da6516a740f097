import { Button } from "react-aria-components";
import { type EvaluationRecord, evaluationCsv, evaluationJson } from "../evaluate/report-export.ts";
import { accuracyRecord } from "../store/accuracy.ts";
import { toJson } from "../trace/trace-report.ts";
import { useLab, useLabState } from "./lab-context.tsx";
import { saveFile } from "./save-file.ts";

const FORMATS = [
  { extension: "csv", write: evaluationCsv },
  { extension: "json", write: (record: EvaluationRecord) => toJson(evaluationJson(record)) },
] as const;

/** Saves the accuracy table with all that it was made from. */
export function SaveAccuracy() {
  const lab = useLab();
  const hasReport = useLabState((state) => state.accuracy.report !== null);
  return (
    <span className="row">
      {FORMATS.map(({ extension, write }) => (
        <Button
          key={extension}
          className="save-numbers"
          isDisabled={!hasReport}
          data-testid={`save-accuracy-${extension}`}
          aria-label={`Save the accuracy table as ${extension.toUpperCase()}`}
          onPress={() => {
            const record = accuracyRecord(lab.store.getState());
            if (record) saveFile(`accuracy.${extension}`, new TextEncoder().encode(write(record)));
          }}
        >
          {extension.toUpperCase()}
        </Button>
      ))}
    </span>
  );
}
