// Writes the Unicode tables of llama.cpp (unicode.json.gz), taken from the source that node-llama-cpp carries in a Git bundle.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const bundle = new URL("node_modules/node-llama-cpp/llama/gitRelease.bundle", import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), "unicode-"));
execFileSync("git", ["clone", "--quiet", "--bare", bundle, folder]);
const source = execFileSync("git", ["-C", folder, "show", "HEAD:src/unicode-data.cpp"], { encoding: "utf8", maxBuffer: 1 << 26 });
rmSync(folder, { recursive: true });

/** Rows of a table: the numbers of each line in it. */
function table(name) {
  const start = source.indexOf("{", source.indexOf(` ${name} =`) + name.length);
  return source.slice(start, source.indexOf("};", start)).split("\n").slice(1)
    .map((line) => (line.split("//")[0].match(/0x[0-9a-fA-F]+/g) ?? []).map(Number)).filter((row) => row.length > 0);
}

const tables = {
  flags: table("unicode_ranges_flags"), whiteSpace: table("unicode_set_whitespace").flat(),
  lowercase: table("unicode_map_lowercase"), bases: table("unicode_ranges_nfd"),
};
writeFileSync(new URL("unicode.json.gz", import.meta.url), gzipSync(JSON.stringify(tables), { level: 9 }));
console.log(Object.entries(tables).map(([name, rows]) => `${name}: ${rows.length}`).join(", "));
