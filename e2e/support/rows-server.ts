import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { SceneFile } from "./scene-files.ts";

/** A local server that speaks the Hub's rows API for one data set, "owner/scenes", of some image files. */
export async function serveRows(files: readonly SceneFile[]): Promise<{ url: string; close(): void }> {
  const names = [...new Set(files.map(({ path }) => path.split("/")[0]!))].sort();
  const server = createServer((request, response) => {
    const url = new URL(request.url!, "http://127.0.0.1");
    const headers = { "access-control-allow-origin": "*" };
    const json = (status: number, value: unknown) =>
      response
        .writeHead(status, { ...headers, "content-type": "application/json" })
        .end(JSON.stringify(value));
    const image = /^\/images\/(\d+)$/.exec(url.pathname);
    if (image) {
      response
        .writeHead(200, { ...headers, "content-type": "image/png" })
        .end(files[Number(image[1])]!.bytes);
    } else if (url.searchParams.get("dataset") !== "owner/scenes") {
      json(404, { error: "The dataset does not exist." });
    } else if (url.pathname === "/splits") {
      json(200, { splits: [{ dataset: "owner/scenes", config: "default", split: "test" }] });
    } else {
      const offset = Number(url.searchParams.get("offset"));
      const rows = files
        .slice(offset, offset + Number(url.searchParams.get("length")))
        .map(({ path }, i) => ({
          row_idx: offset + i,
          row: {
            image: { src: `http://${request.headers.host}/images/${offset + i}`, height: 64, width: 64 },
            label: names.indexOf(path.split("/")[0]!),
          },
          truncated_cells: [],
        }));
      json(200, {
        features: [
          { feature_idx: 0, name: "image", type: { _type: "Image" } },
          { feature_idx: 1, name: "label", type: { names, _type: "ClassLabel" } },
        ],
        rows,
        num_rows_total: files.length,
        num_rows_per_page: 100,
        partial: false,
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: () => void server.close(),
  };
}
