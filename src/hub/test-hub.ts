import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A repository that the test server holds. */
export interface TestRepository {
  /** Path -> content, which must not be changed. Weights are served as the Hub serves LFS files: by a redirect. */
  files: Record<string, Uint8Array | string>;
  licence?: string;
  gated?: boolean;
}

/** What the server shall do wrong; everything may be changed while it runs. */
export interface TestFaults {
  /** Answers with 429 so many times before it answers rightly. */
  busy: number;
  /** Seconds in Retry-After. */
  retryAfter: string;
  ignoresRange: boolean;
  /** Sends the CORS headers. */
  cors: boolean;
  /** Ends a transfer of weights after so many bytes; once per unit of `cuts`. */
  cutAfter: number;
  cuts: number;
  /** Bytes per 10 ms of a transfer of weights; 0 = at once. */
  pace: number;
  /** Transfers of weights wait once `sent` has come to this; Infinity = they never do. */
  holdsAt: number;
  /** Another ETag from the storage at every answer. */
  changesEtag: boolean;
  /** Names another commit in every answer of the Hub itself. */
  changesCommit: boolean;
  /** Flips a byte of the weights. */
  corrupts: boolean;
}

/** A server on 127.0.0.1 that speaks the Hub's protocol, as far as models are read. */
export interface TestHub {
  /** Base URL without a trailing slash. */
  readonly url: string;
  readonly repositories: Map<string, TestRepository>;
  readonly faults: TestFaults;
  /** `METHOD path range` of every request, in order. */
  readonly requests: string[];
  /** Bytes of files that were sent. */
  sent: number;
  /** 40 hex digits: the state of a repository's files. */
  commitOf(id: string): string;
  close(): Promise<void>;
}

const NO_FAULTS: TestFaults = {
  busy: 0,
  retryAfter: "0",
  ignoresRange: false,
  cors: true,
  cutAfter: 0,
  cuts: 0,
  pace: 0,
  holdsAt: Number.POSITIVE_INFINITY,
  changesEtag: false,
  changesCommit: false,
  corrupts: false,
};

const EXPOSED =
  "X-Repo-Commit,X-Request-Id,X-Error-Code,X-Error-Message,ETag,Link,Accept-Ranges,Content-Range,X-Linked-Size,X-Linked-ETag";

/** Starts the server. @param port 0 = any free one. */
export async function startTestHub(
  repositories: Readonly<Record<string, TestRepository>>,
  port = 0,
): Promise<TestHub> {
  const server = createServer((request, response) => {
    answer(hub, request, response).catch(() => response.destroy());
  });
  const hub = new RunningHub(server, new Map(Object.entries(repositories)));
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  hub.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return hub;
}

class RunningHub implements TestHub {
  url = "";
  sent = 0;
  readonly faults = { ...NO_FAULTS };
  readonly requests: string[] = [];

  constructor(
    private readonly server: Server,
    readonly repositories: Map<string, TestRepository>,
  ) {}

  commitOf(id: string): string {
    const hash = createHash("sha1");
    for (const [path, content] of Object.entries(this.repositories.get(id)?.files ?? {})) {
      hash.update(path).update(sha256(content));
    }
    return hash.digest("hex");
  }

  close(): Promise<void> {
    this.server.closeAllConnections();
    return new Promise((resolve) => this.server.close(() => resolve()));
  }
}

const bytesOf = (content: Uint8Array | string) =>
  typeof content === "string"
    ? Buffer.from(content)
    : Buffer.from(content.buffer, content.byteOffset, content.byteLength);

/** Kept, because a large file's digest would take longer than its transfer. */
const digests = new WeakMap<object, string>();

function sha256(content: Uint8Array | string): string {
  const known = typeof content === "object" ? digests.get(content) : undefined;
  const digest = known ?? createHash("sha256").update(content).digest("hex");
  if (typeof content === "object") digests.set(content, digest);
  return digest;
}

const isLarge = (path: string) => /\.(safetensors|onnx)$/.test(path);

async function answer(hub: RunningHub, request: IncomingMessage, response: ServerResponse): Promise<unknown> {
  const { faults } = hub;
  const url = new URL(request.url ?? "/", hub.url);
  hub.requests.push(`${request.method} ${url.pathname} ${request.headers.range ?? ""}`.trim());
  if (faults.cors) {
    response.setHeader("Access-Control-Allow-Origin", "*");
    response.setHeader("Access-Control-Expose-Headers", EXPOSED);
    response.setHeader("Cross-Origin-Resource-Policy", "cross-origin");
  }
  if (request.method === "OPTIONS") {
    response.setHeader("Access-Control-Allow-Headers", "authorization, range");
    response.writeHead(204).end();
    return;
  }
  if (faults.busy > 0) {
    faults.busy--;
    response.setHeader("Retry-After", faults.retryAfter);
    refuse(response, 429, "", "You have hit the rate limit");
    return;
  }
  const storage = /^\/cdn\/(.+?\/.+?)\/([0-9a-f]{64})$/.exec(url.pathname);
  if (storage) return sendStored(hub, storage[1]!, storage[2]!, request, response);
  const api = /^\/api\/models\/(.+?)\/(revision|tree)\/([^/]+)$/.exec(url.pathname);
  if (api) return sendInfo(hub, api[1]!, api[2]!, decodeURIComponent(api[3]!), response);
  const resolved = /^\/(.+?)\/resolve\/([^/]+)\/(.+)$/.exec(url.pathname);
  if (resolved) return resolve(hub, resolved[1]!, resolved[3]!, request, response);
  refuse(response, 404, "", "Not found");
}

function refuse(response: ServerResponse, status: number, code: string, error: string): void {
  if (code !== "") response.setHeader("X-Error-Code", code);
  response.setHeader("X-Error-Message", error);
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify({ error }));
}

function sendInfo(
  hub: RunningHub,
  id: string,
  kind: string,
  revision: string,
  response: ServerResponse,
): unknown {
  const repository = hub.repositories.get(id);
  // The Hub does not tell strangers whether a private repository exists.
  if (!repository) return refuse(response, 401, "RepoNotFound", "Invalid username or password.");
  const commit = hub.commitOf(id);
  if (!["HEAD", "main", commit].includes(revision)) {
    return refuse(response, 404, "RevisionNotFound", `Invalid rev id: ${revision}`);
  }
  response.setHeader("X-Repo-Commit", commit);
  const licence = repository.licence;
  const body =
    kind === "revision"
      ? {
          _id: "0",
          id,
          private: false,
          downloads: 0,
          likes: 0,
          lastModified: "2024-01-01T00:00:00.000Z",
          gated: repository.gated ? "manual" : false,
          sha: commit,
          tags: licence ? [`license:${licence}`] : [],
          ...(licence && { cardData: { license: licence } }),
        }
      : Object.entries(repository.files).map(([path, content]) => ({
          type: "file",
          oid: sha256(content).slice(0, 40),
          size: bytesOf(content).byteLength,
          path,
          ...(isLarge(path) && {
            lfs: { oid: sha256(content), size: bytesOf(content).byteLength, pointerSize: 134 },
          }),
        }));
  return response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body));
}

function resolve(
  hub: RunningHub,
  id: string,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
): unknown {
  const repository = hub.repositories.get(id);
  if (!repository) return refuse(response, 401, "RepoNotFound", "Invalid username or password.");
  if (repository.gated) {
    return refuse(response, 401, "GatedRepo", `Access to model ${id} is restricted.`);
  }
  const content = repository.files[path];
  if (content === undefined) return refuse(response, 404, "EntryNotFound", "Entry not found");
  const commit = hub.faults.changesCommit ? "f".repeat(40) : hub.commitOf(id);
  response.setHeader("X-Repo-Commit", commit);
  if (!isLarge(path)) {
    response.setHeader("ETag", `"${createHash("sha1").update(content).digest("hex")}"`);
    return send(hub, bytesOf(content), request, response, false);
  }
  response.setHeader("X-Linked-ETag", `"${sha256(content)}"`);
  response.setHeader("X-Linked-Size", bytesOf(content).byteLength);
  return response.writeHead(302, { location: `/cdn/${id}/${sha256(content)}` }).end();
}

function sendStored(
  hub: RunningHub,
  id: string,
  oid: string,
  request: IncomingMessage,
  response: ServerResponse,
): unknown {
  const files = Object.values(hub.repositories.get(id)?.files ?? {});
  const content = files.find((candidate) => sha256(candidate) === oid);
  if (content === undefined) return refuse(response, 403, "", "Access denied");
  response.setHeader("ETag", `"${hub.faults.changesEtag ? hub.requests.length : oid.slice(0, 32)}"`);
  return send(hub, bytesOf(content), request, response, true);
}

async function send(
  hub: RunningHub,
  bytes: Buffer,
  request: IncomingMessage,
  response: ServerResponse,
  isWeights: boolean,
): Promise<void> {
  const { faults } = hub;
  const range = faults.ignoresRange ? null : /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "");
  const begin = range ? Number(range[1]) : 0;
  const end = range ? Math.min(Number(range[2]) + 1, bytes.byteLength) : bytes.byteLength;
  if (begin >= end) {
    response.writeHead(416).end();
    return;
  }
  response.setHeader("Accept-Ranges", "bytes");
  response.setHeader("Content-Length", end - begin);
  if (range) response.setHeader("Content-Range", `bytes ${begin}-${end - 1}/${bytes.byteLength}`);
  response.writeHead(range ? 206 : 200, { "content-type": "application/octet-stream" });
  let body = bytes.subarray(begin, end);
  if (isWeights && faults.corrupts) {
    body = Buffer.from(body);
    body[body.length - 1]! ^= 1;
  }
  if (isWeights && faults.cuts > 0 && body.byteLength > faults.cutAfter) {
    faults.cuts--;
    hub.sent += faults.cutAfter;
    response.write(body.subarray(0, faults.cutAfter), () => setTimeout(() => response.destroy(), 20));
    return;
  }
  for (let at = 0; at < body.byteLength; ) {
    const slow = isWeights && faults.pace > 0;
    if (response.destroyed) return;
    const room = isWeights ? faults.holdsAt - hub.sent : Number.POSITIVE_INFINITY;
    if (room <= 0) {
      await tick();
      continue;
    }
    const part = body.subarray(at, at + Math.min(room, slow ? faults.pace : 1 << 20));
    const flushed = response.write(part);
    hub.sent += part.byteLength;
    at += part.byteLength;
    if (slow) await tick();
    else if (!flushed) await drained(response);
  }
  response.end();
}

const tick = () => new Promise((next) => setTimeout(next, 10));

/** Waits until a response takes more, or is closed. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const next = () => {
      response.off("drain", next).off("close", next);
      resolve();
    };
    response.on("drain", next).on("close", next);
  });
}
