import { join } from "node:path";
import { QUANTIZED } from "./support/agreement.ts";
import { cliTrace } from "./support/cli.ts";
import { SAMPLES } from "./support/paths.ts";
import { expect, test } from "./support/test.ts";

const IMAGE = join(SAMPLES, "scene-t-shirt.png");

test("once loaded, the page needs no network", async ({ lab, context }) => {
  await lab.open();
  await lab.clearIntervention();
  const requests: string[] = [];
  await context.setOffline(true);
  lab.page.on("request", (request) => {
    // The browser itself asks for the tab's icon again whenever the address changes.
    const isTabIcon = request.url().endsWith("/favicon.svg");
    if (/^https?:/.test(request.url()) && !isTabIcon) requests.push(request.url());
  });
  await lab.setSwitch("delete-switch", true);
  await lab.chooseRule("linf");
  await lab.setSlider("Block of the deletion", 3);
  await lab.setNumber("delete-count-number", 7);
  await lab.expectTrace("intervention", await cliTrace(IMAGE, ["--delete", "block=3,count=7"]));
  await lab.setSwitch("delete-switch", false);
  await lab.byId("bits-w8a8").click();
  await lab.expectTrace("intervention", await cliTrace(IMAGE, ["--quantize", "w8a8"]), QUANTIZED);
  const own = join(SAMPLES, "scene-shirt.png");
  await lab.byId("image-input").setInputFiles(own);
  await lab.expectTrace("baseline", await cliTrace(own));
  expect(requests).toEqual([]);
});

test("a network that is lost before the labelled set came is said, and accuracy runs when it is back", async ({
  lab,
  context,
}) => {
  await lab.open();
  await lab.byId("accuracy-n-64").click();
  await context.setOffline(true);
  await lab.byId("accuracy-toggle").click();
  await expect(lab.messages()).toContainText(/labels\.json: expected a reachable file.*Check the connection/);
  await context.setOffline(false);
  await lab.byId("accuracy-toggle").click();
  await expect(lab.byId("accuracy")).toHaveAttribute("data-state", "done");
  await expect(lab.byId("accuracy-fp32-n")).toHaveText("64");
});
