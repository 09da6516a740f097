// Installs the packages of package-lock.json when they are missing or out of date. Uses Node's own modules only,
// because it runs before anything is installed.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("..", import.meta.url));

/** Runs a command in the project's root, its output shown; returns its exit code. */
export function run(command, args, options = {}) {
  const result = spawnSync(command, args, {
    cwd: root,
    stdio: "inherit",
    shell: process.platform === "win32",
    ...options,
  });
  if (result.error) throw result.error;
  return result.status ?? 1;
}

/** Installs the locked packages, unless node_modules already holds exactly what the lock file names. */
export function installPackages() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    console.error(`RegScope needs Node 20.19 or newer; this is ${process.versions.node}.`);
    process.exit(1);
  }
  const stamp = `${root}node_modules/.regscope-lock`;
  const wanted = createHash("sha256")
    .update(readFileSync(`${root}package-lock.json`))
    .digest("hex");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return;
  console.error("Installing packages (once) ...");
  // Not `npm ci`: it refuses a lock file that lacks optional binaries of other platforms, and some registries do not
  // carry all of those. This installs the locked versions and leaves the lock file alone.
  const code = run("npm", ["install", "--no-save", "--include=dev", "--no-audit", "--no-fund"]);
  if (code !== 0) {
    console.error("npm install failed: see its message above. A network connection is needed this once.");
    process.exit(code);
  }
  writeFileSync(stamp, wanted);
}
