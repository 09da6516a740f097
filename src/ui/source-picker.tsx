import { type ReactNode, useState } from "react";
import { Button } from "react-aria-components";
import { probeName } from "../store/dataset.ts";
import type { ImageSource } from "../worker/api.ts";
import { SwitchField } from "./fields.tsx";
import { SourceButtons } from "./source-buttons.tsx";

/**
 * Chooses images of the user's own: one set, which is used at once, or, with the switch on, several, which are listed until
 * they are used together.
 */
export function SourcePicker(props: {
  readonly testId: string;
  readonly isDisabled: boolean;
  /** What is done with several sets, e.g. "Curate from". */
  readonly action: string;
  readonly onChoose: (images: readonly ImageSource[]) => void;
  /** Further buttons, before these. */
  readonly before?: ReactNode;
}) {
  const { testId, isDisabled, action, onChoose, before } = props;
  const [isSeveral, setSeveral] = useState(false);
  const [sources, setSources] = useState<readonly ImageSource[]>([]);
  return (
    <>
      <SwitchField
        label="Several sets at once"
        isOn={isSeveral}
        testId={`${testId}-several`}
        onChange={setSeveral}
      />
      <SourceButtons
        testId={testId}
        offersFiles
        isDisabled={isDisabled}
        onChoose={(source) => (isSeveral ? setSources([...sources, source]) : onChoose([source]))}
        before={before}
      />
      {isSeveral && (
        <>
          {sources.length > 0 && (
            <ul className="source-list" aria-label="Chosen sets" data-testid={`${testId}-sources`}>
              {sources.map((source, i) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: the same files may be chosen twice
                <li key={i} className="row">
                  <span>{probeName(source)}</span>
                  <Button
                    aria-label={`Remove ${probeName(source)}`}
                    onPress={() => setSources(sources.filter((_, at) => at !== i))}
                  >
                    Remove
                  </Button>
                </li>
              ))}
            </ul>
          )}
          <Button
            className="primary"
            isDisabled={isDisabled || sources.length === 0}
            data-testid={`${testId}-use`}
            onPress={() => onChoose(sources)}
          >
            {sources.length === 0
              ? "Add sets with the buttons above"
              : `${action} ${sources.length} ${sources.length === 1 ? "set" : "sets"}`}
          </Button>
        </>
      )}
    </>
  );
}
