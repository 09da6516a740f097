import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { randomCheckpoint } from "../src/families/random-checkpoint.ts";
import { QUANTIZED } from "./support/agreement.ts";
import { withHeader, writeModel } from "./support/checkpoint-files.ts";
import { cliTrace } from "./support/cli.ts";
import { LabPage } from "./support/lab-page.ts";
import { SAMPLES } from "./support/paths.ts";
import { curateRegisters } from "./support/registers.ts";
import { expect, test } from "./support/test.ts";

interface BadInput {
  readonly what: string;
  readonly input: "image-input" | "model-input" | "registers-input";
  readonly files: () => Promise<{ name: string; mimeType: string; buffer: Buffer }[]>;
  /** What the message must say: what was expected, what came, what to do. */
  readonly says: readonly RegExp[];
}

const good = randomCheckpoint({ blocks: 2 });
const weights = (buffer: Buffer) => ({
  name: "model.safetensors",
  mimeType: "application/octet-stream",
  buffer,
});
const config = (value: unknown) => ({
  name: "config.json",
  mimeType: "application/json",
  buffer: Buffer.from(typeof value === "string" ? value : JSON.stringify(value)),
});
const png = (name: string, buffer: Buffer) => ({ name, mimeType: "image/png", buffer });

/** A PNG's signature and IHDR chunk that claim a size; nothing follows. */
function pngHeader(width: number, height: number): Buffer {
  const header = Buffer.from(
    "89504e470d0a1a0a0000000d49484452000000000000000008020000000000000000000000",
    "hex",
  );
  header.writeUInt32BE(width, 16);
  header.writeUInt32BE(height, 20);
  return header;
}

const CASES: readonly BadInput[] = [
  {
    what: "a text file named .png",
    input: "image-input",
    files: async () => [png("notes.png", Buffer.from("This is a shopping list, not an image.\n".repeat(20)))],
    says: [/notes\.png: expected a PNG, JPEG/, /got a file that is none/, /Choose an image file\./],
  },
  {
    what: "a 100-megapixel image",
    input: "image-input",
    files: async () => [png("huge.png", pngHeader(10_000, 10_000))],
    says: [/expected at most 50 megapixels/, /got 10000 x 10000 \(100 megapixels\)/, /Scale it down/],
  },
  {
    what: "an image that breaks off",
    input: "image-input",
    files: async () => [png("cut.png", pngHeader(40, 30))],
    says: [
      /cut\.png: expected an image that this browser can decode/,
      /got a png file/,
      /open and save it again/,
    ],
  },
  {
    what: "a truncated checkpoint",
    input: "model-input",
    files: async () => [weights(Buffer.from(good.bytes).subarray(0, -1000)), config(good.config)],
    says: [/model\.safetensors.*expected .*bytes/, /got /, /again|Choose|Download/],
  },
  {
    what: "a header whose offsets lie outside of the file",
    input: "model-input",
    files: async () => [
      weights(
        withHeader(good.bytes, (header) => {
          const entry = header["norm.weight"]!;
          const shift = 2 ** 40;
          entry.data_offsets = [entry.data_offsets[0] + shift, entry.data_offsets[1] + shift];
        }),
      ),
      config(good.config),
    ],
    says: [/norm\.(weight|bias)/, /expected /, /got /],
  },
  {
    what: "a header that is longer than the file",
    input: "model-input",
    files: async () => {
      const buffer = Buffer.from(good.bytes);
      buffer.writeBigUInt64LE(2n ** 60n, 0);
      return [weights(buffer)];
    },
    says: [/model\.safetensors.*expected .*header/, /got /],
  },
  {
    what: "weights that are not numbers",
    input: "model-input",
    files: async () => {
      const bytes = Buffer.from(good.bytes);
      bytes.writeUInt32LE(0x7fc00000, bytes.length - 400);
      return [weights(bytes), config(good.config)];
    },
    says: [/expected finite/i, /got .*(NaN|not finite)/i],
  },
  {
    what: "tensors with unknown names",
    input: "model-input",
    files: async () => [
      weights(
        withHeader(good.bytes, (header) => {
          header["encoder.layer.0.weight"] = header["norm.weight"]!;
          delete header["norm.weight"];
        }),
      ),
      config(good.config),
    ],
    says: [/expected \d+ tensors/, /without "norm\.weight"/, /Choose the model\.safetensors/],
  },
  {
    what: "a tensor whose shape disagrees",
    input: "model-input",
    files: async () => [
      weights(
        withHeader(good.bytes, (header) => {
          const entry = header["blocks.1.mlp.fc1.weight"]!;
          entry.shape = [entry.shape[1]!, entry.shape[0]!];
        }),
      ),
      config(good.config),
    ],
    says: [/blocks\.1\.mlp\.fc1\.weight: expected shape \[256, 64\], got \[64, 256\]/],
  },
  {
    what: "a config of another architecture",
    input: "model-input",
    files: async () => [
      weights(Buffer.from(good.bytes)),
      config({ architecture: "resnet50", num_classes: 1000, num_features: 2048 }),
    ],
    says: [/expected .*vi(sion|t)/i, /got .*resnet50/, /Put the config\.json/],
  },
  {
    what: "a config that is no JSON",
    input: "model-input",
    files: async () => [weights(Buffer.from(good.bytes)), config("{ architecture: vit")],
    says: [/config\.json: expected JSON/, /Choose the config\.json/],
  },
  {
    what: "registers of another model",
    input: "registers-input",
    files: async () => {
      const folder = test.info().outputPath("other");
      await writeModel(folder, { blocks: 2, patch: 8 });
      const file = join(folder, "registers.safetensors");
      await curateRegisters(file, folder, 0);
      return [{ ...weights(await readFile(file)), name: "registers.safetensors" }];
    },
    says: [/registers made for the loaded model/, /got registers of another model/, /Open that model first/],
  },
];

test.describe("each bad input gives a message and leaves everything as it was", () => {
  test.describe.configure({ mode: "serial" });

  // One page for all: what is refused must not harm what comes after it.
  let lab: LabPage;
  test.beforeAll(async ({ browser }) => {
    lab = new LabPage(await browser.newPage());
    await lab.open();
  });
  test.afterAll(() => lab.page.close());

  for (const { what, input, files, says } of CASES) {
    test(what, async () => {
      const shown = async () => ({
        model: await lab.byId("model-name").textContent(),
        image: await lab.byId("image-name").textContent(),
        link: lab.page.url(),
        baseline: await lab.rows("baseline"),
        intervention: await lab.rows("intervention"),
      });
      const before = await shown();
      await lab.byId(input).setInputFiles(await files());
      const message = lab.messages().getByRole("alert");
      await expect(message).toHaveCount(1);
      for (const part of says) await expect(message).toContainText(part);
      expect(await shown()).toEqual(before);
      await lab.dismissMessages();
      await expect(lab.messages()).toBeEmpty();
    });
  }

  test("afterwards everything still works", async () => {
    const image = join(SAMPLES, "scene-coat.png");
    await lab.byId("image-input").setInputFiles(image);
    await lab.clearIntervention();
    await lab.byId("bits-w8a8").click();
    await lab.expectTrace("baseline", await cliTrace(image));
    await lab.expectTrace("intervention", await cliTrace(image, ["--quantize", "w8a8"]), QUANTIZED);
  });
});
