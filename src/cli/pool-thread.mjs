// Entry of a pool thread: threads do not inherit the loader that lets the main thread run TypeScript.
import { register } from "tsx/esm/api";

register();
await import("./pool-thread.ts");
