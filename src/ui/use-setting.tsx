import { Button } from "react-aria-components";
import type { RegCacheSetting } from "../evaluate/recommended.ts";
import { settingKey } from "../regcache/setting-grid.ts";

/** Puts a setting of an experiment into the controls. */
export function UseSetting(props: {
  readonly setting: RegCacheSetting;
  readonly testId: string;
  /** Absent = "Use this setting". */
  readonly label?: string;
  readonly isDisabled?: boolean;
  readonly onUse: () => void;
}) {
  const { setting, testId, label = "Use this setting", isDisabled = false, onUse } = props;
  return (
    <Button
      aria-label={`${label}: ${settingKey(setting)}`}
      isDisabled={isDisabled}
      data-testid={testId}
      onPress={onUse}
    >
      {label}
    </Button>
  );
}
