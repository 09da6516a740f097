import { Button } from "react-aria-components";
import { evaluationCsv } from "../evaluate/report-export.ts";
import { searchCsv, sensitivityCsv } from "../regcache/experiment-csv.ts";
import type { ExperimentRecord } from "../store/experiments.ts";
import { toJson } from "../trace/trace-report.ts";
import type { ModelInfo } from "../worker/api.ts";
import { useLabState } from "./lab-context.tsx";
import { saveFile } from "./save-file.ts";

/** Saves an experiment's numbers with what was asked. */
export function SaveExperiment({ record }: { readonly record: ExperimentRecord }) {
  const model = useLabState((state) => state.model);
  const { kind } = record.result;
  const save = (extension: string, text: string) =>
    saveFile(`${kind}.${extension}`, new TextEncoder().encode(text));
  return (
    <span className="row">
      <Button
        className="save-numbers"
        isDisabled={!model}
        aria-label={`Save the ${kind} table as CSV`}
        data-testid={`save-${kind}-csv`}
        onPress={() => model && save("csv", csvOf(record, model))}
      >
        CSV
      </Button>
      <Button
        className="save-numbers"
        isDisabled={!model}
        aria-label={`Save the ${kind} results as JSON`}
        data-testid={`save-${kind}-json`}
        onPress={() => model && save("json", toJson({ sha256: model.sha256, ...record }))}
      >
        JSON
      </Button>
    </span>
  );
}

function csvOf({ result }: ExperimentRecord, { spec, sha256 }: ModelInfo): string {
  switch (result.kind) {
    case "sensitivity":
      return sensitivityCsv(result.report);
    case "search":
      return searchCsv(result.report);
    case "compare":
      return evaluationCsv({ spec, sha256, fingerprint: null, ...result });
  }
}
