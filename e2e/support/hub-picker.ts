import type { TestHub } from "../../src/hub/test-hub.ts";
import type { LabPage } from "./lab-page.ts";
import { expect } from "./test.ts";

/** Opens the dialog that chooses a model. */
export async function openPicker(lab: LabPage): Promise<void> {
  await lab.byId("open-picker").click();
  await expect(lab.byId("picker")).toBeVisible();
}

/** Asks the test Hub for a model, in the open dialog. @param id owner/name or owner/name@revision */
export async function lookUp(lab: LabPage, hub: TestHub, id: string): Promise<void> {
  await lab.byId("hub-url").fill(hub.url);
  await lab.byId("hub-model-id").fill(id);
  await lab.byId("hub-look-up").click();
}

/** The entries of the list of saved models, in the open dialog. */
export const savedModels = (lab: LabPage) => lab.byId("saved").getByRole("listitem");

/** Waits until the download that is in use is known to be what the Hub states: until then it is saved as incomplete. */
export const waitForCheck = (lab: LabPage) => expect(lab.byId("model-label")).not.toContainText("checking");
