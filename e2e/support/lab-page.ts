import { expect, type Locator, type Page } from "@playwright/test";
import type { Intervention } from "../../src/intervention/intervention.ts";
import { NO_INTERVENTION } from "../../src/intervention/intervention.ts";
import { parseHash } from "../../src/store/hash.ts";
import {
  AGREEMENT,
  fc2Disagreements,
  residualDisagreements,
  type ShownRow,
  type Tolerance,
} from "./agreement.ts";
import type { CliTrace } from "./cli.ts";

export type LaneName = "baseline" | "intervention";

interface OpenOptions {
  /** Whether the accuracy may start by itself; it costs the processor that other tests need. */
  readonly follow?: boolean;
}

/** The page, by what its user sees and does. */
export class LabPage {
  constructor(readonly page: Page) {}

  byId(testId: string): Locator {
    return this.page.getByTestId(testId);
  }

  /** Opens an address and waits until both lanes have run. */
  async open(url = "./", { follow = false }: OpenOptions = {}): Promise<void> {
    await this.page.goto(url);
    await this.waitForRuns();
    if (follow) return;
    await this.setSwitch("accuracy-follow", false);
    // On a slow machine it has started by itself meanwhile, and the next press would stop it.
    const stop = this.byId("accuracy-toggle").filter({ hasText: "Stop" });
    if ((await stop.count()) > 0) await stop.click({ timeout: 5_000 }).catch(() => {}); // it may just have ended
  }

  async waitForRuns(): Promise<void> {
    for (const lane of ["baseline", "intervention"]) {
      await expect(this.byId(`heatmap-${lane}`)).toHaveAttribute("data-state", "done");
    }
  }

  /** Sets a switch through its input, as a keyboard does. */
  async setSwitch(testId: string, on: boolean): Promise<void> {
    const input = this.byId(testId).getByRole("switch");
    if ((await input.isChecked()) === on) return;
    await input.focus();
    await this.page.keyboard.press("Space");
    await expect(input).toBeChecked({ checked: on });
  }

  /** Moves a slider's thumb by keyboard: to its lowest value, then right one by one. */
  async setSlider(thumb: string, value: number, step = 1): Promise<void> {
    const input = this.page.getByRole("slider", { name: thumb });
    await input.focus();
    await this.page.keyboard.press("Home");
    const lowest = Number(await input.inputValue());
    for (let i = 0; i < Math.round((value - lowest) / step); i++)
      await this.page.keyboard.press("ArrowRight");
    await expect(input).toHaveValue(String(value));
  }

  /** Types a number and leaves the field. */
  async setNumber(testId: string, value: number): Promise<void> {
    await this.byId(testId).fill(String(value));
    await this.page.keyboard.press("Enter");
    await expect(this.byId(testId)).toHaveValue(String(value));
  }

  /** No prefix, no deletion, FP32. */
  async clearIntervention(): Promise<void> {
    if (await this.byId("prefix-switch").getByRole("switch").isEnabled()) {
      await this.setSwitch("prefix-switch", false);
    }
    await this.setSwitch("delete-switch", false);
    await this.byId("bits-fp32").click();
  }

  /** Chooses how deletion picks its tokens; without registers there is only one way. */
  async chooseRule(rule: "linf" | "similarity" | "criterion"): Promise<void> {
    const radio = this.byId(`delete-by-${rule}`).getByRole("radio");
    if (!(await radio.isChecked())) await this.byId(`delete-by-${rule}`).click();
    await expect(radio).toBeChecked();
  }

  /** What the address asks for. */
  intervention(): Intervention {
    return parseHash(new URL(this.page.url()).hash)?.intervention ?? NO_INTERVENTION;
  }

  async chooseTensor(label: RegExp): Promise<void> {
    await this.byId("tensor").getByRole("button").click();
    await this.page.getByRole("option", { name: label }).click();
  }

  /** The numbers beside a heat map, by block. */
  async rows(lane: LaneName): Promise<ShownRow[]> {
    return this.page.evaluate((id) => {
      const read = (block: number, name: string) =>
        document.querySelector(`[data-testid="stat-${id}-${block}-${name}"]`)?.textContent ?? "";
      const count = document.querySelectorAll(
        `[data-testid="heatmap-${id}"] [data-testid^="stat-"][data-testid$="-max"]`,
      ).length;
      return Array.from({ length: count }, (_, block) => ({
        max: read(block, "max"),
        p99: read(block, "p99"),
        median: read(block, "median"),
        token: read(block, "token"),
        channel: read(block, "channel"),
      }));
    }, lane);
  }

  /** Waits until a finished lane shows the command line's numbers of the residual stream. */
  async expectTrace(lane: LaneName, trace: CliTrace, tolerance: Tolerance = AGREEMENT): Promise<void> {
    await this.#expectNumbers(lane, (rows) => residualDisagreements(rows, trace, tolerance));
  }

  /** The same for FC2's input; leaves that tensor chosen. */
  async expectFc2(lane: LaneName, trace: CliTrace, tolerance: Tolerance = AGREEMENT): Promise<void> {
    await this.chooseTensor(/^FC2 input/);
    await this.#expectNumbers(lane, (rows) => fc2Disagreements(rows, trace, tolerance));
  }

  async #expectNumbers(lane: LaneName, check: (rows: ShownRow[]) => string[]): Promise<void> {
    // A lane restarts a moment after a control was moved, so "done" alone may still mean the run before.
    await expect(async () => {
      await expect(this.byId(`heatmap-${lane}`)).toHaveAttribute("data-state", "done");
      expect(check(await this.rows(lane))).toEqual([]);
    }).toPass({ timeout: 45_000 });
  }

  /** Pins a block and a patch by keyboard; column 0 is the prefix, then CLS where there is one, then patches. */
  async pin(block: number, column: number): Promise<void> {
    const figure = this.byId("heatmap-baseline").getByRole("application");
    const rows = (await this.rows("baseline")).length;
    await figure.focus();
    await this.page.keyboard.press("Home");
    for (let i = 0; i < rows; i++) await this.page.keyboard.press("ArrowUp");
    for (let i = 0; i < block; i++) await this.page.keyboard.press("ArrowDown");
    for (let i = 0; i < column; i++) await this.page.keyboard.press("ArrowRight");
    await this.page.keyboard.press("Enter");
  }

  /** Indices (reading order) of the patches that the overlay of the shown block hatches. */
  async hatchedPatches(lane: LaneName, grid: number): Promise<number[]> {
    return this.byId(`overlay-${lane}`)
      .locator(".overlay-cells canvas")
      .evaluate((element, side) => {
        const canvas = element as HTMLCanvasElement;
        const cell = canvas.width / side;
        const edge = Math.ceil(cell * 0.2);
        const inner = Math.floor(cell) - 2 * edge;
        const painter = canvas.getContext("2d")!;
        return Array.from({ length: side * side }, (_, i) => i).filter((i) => {
          const x = Math.round((i % side) * cell) + edge;
          const y = Math.round(Math.floor(i / side) * cell) + edge;
          const pixels = new Uint32Array(painter.getImageData(x, y, inner, inner).data.buffer);
          // A value is one colour; hatching is at least two. (Rings and cursors are drawn elsewhere.)
          return new Set(pixels).size > 1;
        });
      }, grid);
  }

  /** The messages on the page. */
  messages(): Locator {
    return this.byId("messages");
  }

  async dismissMessages(): Promise<void> {
    const buttons = this.messages().getByRole("button", { name: "Dismiss message" });
    while ((await buttons.count()) > 0) await buttons.first().click();
  }

  /** Drops files anywhere on the page. */
  async drop(files: readonly { name: string; type: string; bytes: Uint8Array }[]): Promise<void> {
    await this.#give(
      "drop",
      files.map(({ bytes, ...file }) => ({ ...file, base64: Buffer.from(bytes).toString("base64") })),
    );
  }

  /** Pastes a file. */
  async paste(file: { name: string; type: string; bytes: Uint8Array }): Promise<void> {
    const { bytes, ...rest } = file;
    await this.#give("paste", [{ ...rest, base64: Buffer.from(bytes).toString("base64") }]);
  }

  async #give(
    kind: "drop" | "paste",
    files: readonly { name: string; type: string; base64: string }[],
  ): Promise<void> {
    await this.page.evaluate(
      ([how, given]) => {
        const transfer = new DataTransfer();
        for (const { name, type, base64 } of given) {
          const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
          transfer.items.add(new File([bytes], name, { type }));
        }
        const common = { bubbles: true, cancelable: true };
        document.body.dispatchEvent(
          how === "drop"
            ? new DragEvent("drop", { ...common, dataTransfer: transfer })
            : new ClipboardEvent("paste", { ...common, clipboardData: transfer }),
        );
      },
      [kind, files] as const,
    );
  }
}
