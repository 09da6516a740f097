// A plain static host: the built site under /lab/, without the headers of cross-origin isolation.
import { createServer } from "node:http";
import sirv from "sirv";

const serve = sirv(process.env.REGSCOPE_DIST ?? "dist", { dev: true });
createServer((request, response) => {
  if (!request.url?.startsWith("/lab/")) {
    response.writeHead(404).end();
    return;
  }
  request.url = request.url.slice("/lab".length);
  serve(request, response, () => response.writeHead(404).end());
}).listen(Number(process.argv[2]), "127.0.0.1");
