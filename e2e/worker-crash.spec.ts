import { expect, test } from "./support/test.ts";

test("a crashed engine is restarted, says so, and brings the model, the image and the numbers back", async ({
  lab,
}) => {
  await lab.open();
  const before = await lab.rows("baseline");
  const name = await lab.byId("model-name").textContent();
  const worker = lab.page.workers().find((candidate) => candidate.url().includes("lab-worker"));
  expect(worker).toBeDefined();

  await worker!.evaluate(() => {
    setTimeout(() => {
      throw new Error("out of memory (simulated)");
    });
  });

  await expect(lab.byId("messages")).toContainText("out of memory (simulated)");
  await expect(lab.byId("messages")).toContainText("restarted");
  await expect(async () => {
    await lab.waitForRuns();
    expect(await lab.rows("baseline")).toEqual(before);
  }).toPass({ timeout: 60_000 });
  await expect(lab.byId("model-name")).toHaveText(name!);
});
