import { useState } from "react";
import { Button } from "react-aria-components";
import { sceneOf } from "../store/scenes.ts";
import { NumberInput } from "./fields.tsx";
import { useLab, useLabState } from "./lab-context.tsx";

/** Most scenes that a number can be typed for; how many there are, the set says. */
const MOST = 9999;

/** Opens a scene of the bundled test set with its exact mask: the sample images are other scenes, which have none. */
export function MaskScene() {
  const lab = useLab();
  const open = useLabState((state) => sceneOf(state.image?.sample));
  const [chosen, setChosen] = useState(0);
  return (
    <>
      <div className="row">
        <NumberInput
          label="Scene of the test set"
          value={chosen}
          min={0}
          max={MOST}
          step={1}
          testId="mask-scene-number"
          onChange={setChosen}
        />
        <Button onPress={() => void lab.openScene(chosen)} data-testid="mask-scene">
          {open === chosen ? "Exact mask" : "Open with its mask"}
        </Button>
      </div>
      <p className="hint">
        Scenes of the bundled test set have exact masks; they are not the sample images above.
      </p>
    </>
  );
}
