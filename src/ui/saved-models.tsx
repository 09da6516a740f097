import { Button, GridList, GridListItem } from "react-aria-components";
import type { SavedModel } from "../cache/saved-models.ts";
import { formatBytes } from "../figures/format.ts";
import { HUGGING_FACE, refText } from "../hub/hub-ref.ts";
import { useLab, useLabState } from "./lab-context.tsx";

/** Models in the browser's storage: open, resume, delete. */
export function SavedModels() {
  const lab = useLab();
  const saved = useLabState((state) => state.picker.saved) ?? [];
  const total = saved.reduce((sum, { bytes }) => sum + bytes, 0);
  return (
    <section aria-labelledby="saved-heading" className="saved">
      <h3 id="saved-heading">Saved in this browser{saved.length > 0 && `: ${formatBytes(total)}`}</h3>
      <GridList
        aria-labelledby="saved-heading"
        items={saved}
        renderEmptyState={() => (
          <p className="hint">None. A downloaded model is kept here and opens without a network.</p>
        )}
        data-testid="saved"
      >
        {(model) => (
          <GridListItem id={model.key} textValue={refText(model)}>
            <span className="saved-name">
              {refText(model)} <code title={model.commit}>{model.commit.slice(0, 8)}</code>
              {model.hub !== HUGGING_FACE && <span className="muted"> {new URL(model.hub).host}</span>}
            </span>
            <span className="muted">
              {formatBytes(model.bytes)}
              {stateText(model)}
            </span>
            <Button
              onPress={() => void lab.openSaved(model)}
              aria-label={`${model.complete ? "Open" : "Resume"} ${refText(model)}`}
            >
              {model.complete ? "Open" : "Resume"}
            </Button>
            {model.complete && (model.text === "absent" || model.text === "wanted") && (
              <Button
                onPress={() => void lab.lookUpText(model)}
                aria-label={`Text tower of ${refText(model)}`}
              >
                Text tower…
              </Button>
            )}
            <Button onPress={() => void lab.deleteSaved(model.key)} aria-label={`Delete ${refText(model)}`}>
              Delete
            </Button>
          </GridListItem>
        )}
      </GridList>
    </section>
  );
}

/** What is here of a saved model, where it is not simply all that there is. */
function stateText({ complete, text }: SavedModel): string {
  if (!complete) return text === "wanted" ? ", with text tower, incomplete" : ", incomplete";
  if (text === "whole") return ", with text tower";
  if (text === "wanted") return ", text tower incomplete";
  return text === "absent" ? ", without text tower" : "";
}
