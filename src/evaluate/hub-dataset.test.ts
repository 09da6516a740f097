import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { InputError } from "../errors/input-error.ts";
import { type HubRequest, openHubSet } from "./hub-dataset.ts";

type Handler = (
  url: URL,
  base: string,
) => { status?: number; json?: unknown; body?: string; headers?: object };

let server: Server | null = null;
afterEach(() => {
  server?.close();
  server = null;
});

/** A local server that speaks the rows API; it logs what it was asked. */
async function serve(handler: Handler): Promise<{ base: string; log: string[] }> {
  const log: string[] = [];
  let base = "";
  server = createServer((request: IncomingMessage, response: ServerResponse) => {
    const url = new URL(request.url!, base);
    log.push(url.pathname + url.search);
    const { status = 200, json, body = JSON.stringify(json), headers = {} } = handler(url, base);
    response.writeHead(status, { ...headers } as Record<string, string>).end(body);
  });
  await new Promise<void>((resolve) => server!.listen(0, "127.0.0.1", resolve));
  base = `http://127.0.0.1:${(server!.address() as AddressInfo).port}/`;
  return { base, log };
}

const features = [
  { feature_idx: 0, name: "img", type: { _type: "Image" } },
  { feature_idx: 1, name: "label", type: { _type: "ClassLabel", names: ["cat", "dog"] } },
];

/** A set of 250 rows: row i has label i % 2, and its image's body is its index. */
const good: Handler = (url, base) => {
  if (url.pathname === "/splits") {
    return {
      json: {
        splits: [
          { dataset: "a/b", config: "plain", split: "train" },
          { dataset: "a/b", config: "plain", split: "test" },
        ],
      },
    };
  }
  if (url.pathname !== "/rows") return { body: url.pathname.slice("/image/".length) };
  const offset = Number(url.searchParams.get("offset"));
  const length = Math.min(Number(url.searchParams.get("length")), 250 - offset);
  const rows = Array.from({ length }, (_, i) => ({
    row_idx: offset + i,
    row: { img: { src: `${base}image/${offset + i}`, height: 1, width: 1 }, label: (offset + i) % 2 },
    truncated_cells: [],
  }));
  return { json: { features, rows, num_rows_total: 250, num_rows_per_page: 100, partial: false } };
};

async function open(handler: Handler, request: Partial<HubRequest> = {}) {
  const { base, log } = await serve(handler);
  const waits: number[] = [];
  const decode = async ({ blob }: { blob: Blob }) => {
    const data = Uint8ClampedArray.of(Number(await blob.text()), 0, 0, 255);
    return { width: 1, height: 1, data };
  };
  const wait = async (ms: number) => void waits.push(ms);
  const opening = openHubSet({ base, dataset: "a/b", rows: 150, ...request }, { decode, wait });
  return { opening, log, waits };
}

test("rows are listed by pages of 100, images downloaded when asked for", async () => {
  const { opening, log } = await open(good);
  const set = await opening;
  expect(set).toMatchObject({ name: "a/b (plain, test)", classes: ["cat", "dog"], count: 150 });
  expect(log.filter((path) => path.startsWith("/image"))).toEqual([]);
  expect(log[0]).toBe("/splits?dataset=a%2Fb");
  expect(log[1]).toBe("/rows?dataset=a%2Fb&config=plain&split=test&offset=0&length=100");
  const image = await set.image(7);
  const index = Number(set.id(7).split("#")[1]);
  expect(image.data[0]).toBe(index);
  expect(set.label(7)).toBe(index % 2);
  expect(log.filter((path) => path.startsWith("/image"))).toEqual([`/image/${index}`]);
  expect(new Set(Array.from({ length: 150 }, (_, i) => set.id(i))).size).toBe(150);
});

test("an address that has expired is asked for again", async () => {
  let calls = 0;
  const { opening } = await open(
    (url, base) => {
      if (url.pathname.startsWith("/image/")) {
        return url.searchParams.get("at") === "1" ? { status: 403, json: {} } : { body: "9" };
      }
      const answer = good(url, base);
      if (url.pathname !== "/rows") return answer;
      calls++;
      return {
        json: JSON.parse(JSON.stringify(answer.json).replaceAll(/image\/(\d+)/g, `image/$1?at=${calls}`)),
      };
    },
    { rows: 10 },
  );
  const set = await opening;
  expect((await set.image(3)).data[0]).toBe(9);
});

test("a busy server is waited for as it says, then given up", async () => {
  let busy = 2;
  const { opening, waits } = await open((url, base) =>
    busy-- > 0 ? { status: 429, json: {}, headers: { "retry-after": "7" } } : good(url, base),
  );
  expect((await opening).count).toBe(150);
  expect(waits).toEqual([7000, 7000]);

  server?.close();
  const never = await open(() => ({ status: 429, json: {} }));
  await expect(never.opening).rejects.toThrow(/too many requests. Wait a few minutes/);
  expect(never.waits).toHaveLength(3);
});

describe("refused, with what to do", () => {
  const instead =
    (change: object): Handler =>
    (url, base) => {
      const answer = good(url, base);
      return url.pathname === "/rows" ? { json: { ...(answer.json as object), ...change } } : answer;
    };
  test.each<[string, Handler, RegExp, Partial<HubRequest>?]>([
    [
      "gated",
      () => ({ status: 401, json: { error: "private or gated" } }),
      /open to all, got HTTP status 401 \(private or gated\)/,
    ],
    ["missing", () => ({ status: 404, json: { error: "not found" } }), /that exist, got HTTP status 404/],
    [
      "no such split",
      good,
      /one of plain\/train, plain\/test, got config "any", split "dev"/,
      { split: "dev" },
    ],
    ["no images", instead({ features: [features[1]] }), /a column of images, got label \(ClassLabel\)/],
    [
      "no labels",
      instead({ features: [features[0]] }),
      /a column of class labels \(ClassLabel\), got img \(Image\)/,
    ],
    [
      "unlabelled rows",
      instead({ rows: [{ row_idx: 0, row: { img: { src: "http://x/1" }, label: -1 } }] }),
      /row 0: expected an image with a class label.*test splits often come without/,
    ],
    ["no rows", instead({ rows: [], num_rows_total: 0 }), /at least one row/],
    ["something else", () => ({ body: "<html>" }), /an answer of the rows API/],
    ["a failing server", () => ({ status: 500, json: {} }), /HTTP status 500/],
  ])("%s", async (_, handler, message, request = {}) => {
    const { opening } = await open(handler, request);
    await expect(opening).rejects.toThrow(message);
    await expect(opening).rejects.toBeInstanceOf(InputError);
  });

  test("no server at all", async () => {
    const request = { base: "http://127.0.0.1:9/", dataset: "a/b", rows: 1 };
    const decode = () => Promise.reject(new Error("nothing to decode"));
    await expect(openHubSet(request, { decode })).rejects.toThrow(/a server that answers/);
  });
});
