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

test("what cannot be had without a network says so and can be tried again; messages lie above the figures", async ({
  lab,
  context,
}) => {
  await lab.open();
  await context.setOffline(true);
  await lab.byId("sample-scene-trouser.png").click();
  await expect(lab.messages()).toContainText(/scene-trouser\.png: expected a reachable file.*try again/);
  await lab.byId("readout-baseline").scrollIntoViewIfNeeded();
  await lab.page.mouse.wheel(0, 400);
  // The readout sticks to the same place; the message must be what is seen and pressed there.
  await lab.page.getByRole("button", { name: "Dismiss message" }).click();
  await expect(lab.messages()).toBeEmpty();

  await lab.byId("open-picker").click();
  await lab.page.getByRole("option", { name: /TinyCLIP/ }).click();
  await expect(lab.byId("offer-error")).toContainText("Models saved before open without a network");
  await lab.page.keyboard.press("Escape");
  await context.setOffline(false);
  await lab.byId("sample-scene-trouser.png").click();
  await lab.expectTrace("baseline", await cliTrace(join(SAMPLES, "scene-trouser.png")));
});
