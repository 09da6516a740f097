import { useEffect, useRef } from "react";
import { Button } from "react-aria-components";
import { keptText, type SavedModel } from "../cache/model-storage.ts";
import { formatBytes } from "../figures/format.ts";
import { HUGGING_FACE, refText } from "../hub/hub-ref.ts";
import { useLab, useLabState } from "./lab-context.tsx";

/** Models in the browser's storage: open, resume, delete, or download the text tower of. */
export function SavedModels() {
  const saved = useLabState((state) => state.picker.saved) ?? [];
  const heading = useRef<HTMLHeadingElement>(null);
  // A model that is deleted takes its button, which had the focus, with it.
  useEffect(() => {
    if (document.activeElement === document.body) heading.current?.focus();
  });
  const total = saved.reduce((sum, { bytes }) => sum + bytes, 0);
  return (
    <section aria-labelledby="saved-heading" className="saved" data-testid="saved">
      <h3 id="saved-heading" ref={heading} tabIndex={-1}>
        Saved in this browser{saved.length > 0 && `: ${formatBytes(total)}`}
      </h3>
      {saved.length === 0 ? (
        <p className="hint">None. A downloaded model is kept here and opens without a network.</p>
      ) : (
        <ul>
          {saved.map((model) => (
            <SavedRow key={model.key} model={model} />
          ))}
        </ul>
      )}
    </section>
  );
}

function SavedRow({ model }: { readonly model: SavedModel }) {
  const lab = useLab();
  const name = refText(model);
  const opens = model.complete ? "Open" : "Resume";
  return (
    <li>
      <span className="saved-name">
        {name} <code title={model.commit}>{model.commit.slice(0, 8)}</code>
        {model.hub !== HUGGING_FACE && <span className="muted"> {new URL(model.hub).host}</span>}
      </span>
      <span className="muted">
        {formatBytes(model.bytes)}
        {keptText(model)}
      </span>
      <Button onPress={() => void lab.openSaved(model)} aria-label={`${opens} ${name}`}>
        {opens}
      </Button>
      {model.complete && (model.text === "absent" || model.text === "wanted") && (
        <Button onPress={() => void lab.lookUpText(model)} aria-label={`Text tower of ${name}`}>
          Text tower…
        </Button>
      )}
      <Button onPress={() => void lab.deleteSaved(model.key)} aria-label={`Delete ${name}`}>
        Delete
      </Button>
    </li>
  );
}
