// Runs src/**/*.test.ts with node's own test runner, bundled first because node 20 does not read TypeScript.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";

const root = import.meta.dirname;
const entryPoints = readdirSync(join(root, "src"), { recursive: true })
  .filter((name) => name.endsWith(".test.ts"))
  .map((name) => join(root, "src", name));
const outdir = mkdtempSync(join(tmpdir(), "dashboard-tests-"));
await build({
  entryPoints,
  outdir,
  bundle: true,
  platform: "node",
  format: "esm",
  outExtension: { ".js": ".mjs" },
  sourcemap: "inline",
});
const files = readdirSync(outdir, { recursive: true })
  .filter((name) => name.endsWith(".mjs"))
  .map((name) => join(outdir, name));
const { status } = spawnSync(process.execPath, ["--enable-source-maps", "--test", ...files], { stdio: "inherit" });
rmSync(outdir, { recursive: true, force: true });
process.exit(status ?? 1);
