// Builds dist/ from src/: one script, one style sheet and an icon with the hash of their content in their names, and the page
// that names them. The same sources give the same bytes, so that CI can compare. Fails when the whole is too big.

import { build } from "esbuild";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { landPath } from "./tools/land.mjs";

/** Largest sum of all files, gzipped: what a phone on a bad line loads in a second or two. */
const GZIP_BYTES_MAX = 80 * 1024;
const OUT = new URL("dist/", import.meta.url);

const land = {
  name: "land",
  setup(plugin) {
    plugin.onResolve({ filter: /^virtual:land$/ }, () => ({ path: "land", namespace: "land" }));
    plugin.onLoad({ filter: /.*/, namespace: "land" }, () => ({
      contents: `export const LAND = ${JSON.stringify(landPath())};`,
    }));
  },
};

const hashed = (name, extension, bytes) =>
  `${name}-${createHash("sha256").update(bytes).digest("hex").slice(0, 10)}.${extension}`;

const result = await build({
  absWorkingDir: import.meta.dirname,
  entryPoints: ["src/main.tsx"],
  bundle: true,
  format: "esm",
  target: ["es2022"],
  minify: true,
  legalComments: "none",
  charset: "utf8",
  write: false,
  outdir: "dist",
  jsx: "automatic",
  jsxImportSource: "preact",
  plugins: [land],
});

const bytesOf = (extension) => {
  const file = result.outputFiles.find(({ path }) => path.endsWith(extension));
  if (!file) throw new Error(`esbuild gave no ${extension}`);
  return Buffer.from(file.contents);
};

const icon = readFileSync(new URL("src/icon.svg", import.meta.url));
const script = bytesOf(".js");
const style = bytesOf(".css");
const names = {
  icon: hashed("icon", "svg", icon),
  script: hashed("app", "js", script),
  style: hashed("app", "css", style),
};
const page = Buffer.from(
  readFileSync(new URL("src/index.html", import.meta.url), "utf8").replaceAll(
    /\{\{(\w+)\}\}/g,
    (_, name) => names[name],
  ),
);

rmSync(OUT, { recursive: true, force: true });
mkdirSync(new URL("assets/", OUT), { recursive: true });
const files = [
  ["index.html", page],
  [`assets/${names.script}`, script],
  [`assets/${names.style}`, style],
  [`assets/${names.icon}`, icon],
];
let total = 0;
for (const [name, bytes] of files) {
  writeFileSync(new URL(name, OUT), bytes);
  const gzipped = gzipSync(bytes, { level: 9 }).length;
  total += gzipped;
  console.log(`${name.padEnd(30)} ${String(bytes.length).padStart(7)} bytes, ${String(gzipped).padStart(6)} gzipped`);
}
console.log(`all ${total} bytes gzipped of at most ${GZIP_BYTES_MAX}`);
if (total > GZIP_BYTES_MAX) {
  console.error("the dashboard is too big");
  process.exit(1);
}
