// Writes the vocabularies (vocabulary-only GGUF, gzip) and what llama.cpp makes of every text with each of them (ids.json).
// With "--random COUNT FILE" it writes the ids of that many random texts to FILE instead.
// The library inside node-llama-cpp is called directly: its JavaScript interface takes no bytes that are not UTF-8.
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import koffi from "koffi";
import { gguf } from "./gguf.mjs";
import { randomTexts } from "./random-texts.mjs";
import { bytesOf, texts as awkwardTexts } from "./texts.mjs";
import { vocabularies } from "./vocabularies.mjs";

const [option, count, file] = process.argv.slice(2);
const texts = option === "--random" ? randomTexts(Number(count)) : awkwardTexts;
const here = (name) => new URL(name, import.meta.url);
const packageOf = (name) => new URL(`node_modules/${name}/`, import.meta.url).pathname;

const bins = join(packageOf("@node-llama-cpp/linux-x64"), "bins", "linux-x64");
const library = koffi.load(join(bins, readdirSync(bins).find((file) => file.startsWith("libllama.v"))));
const modelParams = koffi.struct("llama_model_params", {
  devices: "void*", overrides: "void*", n_gpu_layers: "int32", split_mode: "int32", load_mode: "int32", lazy_mode: "int32",
  main_gpu: "int32", tensor_split: "void*", progress: "void*", progress_data: "void*", kv_overrides: "void*",
  vocab_only: "bool", check_tensors: "bool", use_extra_bufts: "bool", no_host: "bool", no_alloc: "bool", load_mtp: "bool",
});
const logCallback = koffi.proto("void log_callback(int level, const char *text, void *data)");
const setLog = library.func("llama_log_set", "void", [koffi.pointer(logCallback), "void*"]);
const backendInit = library.func("llama_backend_init", "void", []);
const defaultParams = library.func("llama_model_default_params", modelParams, []);
const load = library.func("llama_model_load_from_file", "void*", ["str", modelParams]);
const free = library.func("llama_model_free", "void", ["void*"]);
const getVocab = library.func("llama_model_get_vocab", "void*", ["void*"]);
const tokenCount = library.func("llama_vocab_n_tokens", "int32", ["void*"]);
const tokenize = library.func("llama_tokenize", "int32", ["void*", "void*", "int32", "void*", "int32", "bool", "bool"]);
const toPiece = library.func("llama_token_to_piece", "int32", ["void*", "int32", "void*", "int32", "int32", "bool"]);
const isEog = library.func("llama_vocab_is_eog", "bool", ["void*", "int32"]);
const isControl = library.func("llama_vocab_is_control", "bool", ["void*", "int32"]);

function idsOf(vocab, text, addSpecial, parseSpecial) {
  const bytes = bytesOf(text), buffer = Buffer.alloc(4 * (bytes.length + 16));
  const count = tokenize(vocab, bytes, bytes.length, buffer, buffer.length / 4, addSpecial, parseSpecial);
  if (count < 0) throw new Error("the buffer is too small");
  return Array.from({ length: count }, (_, i) => buffer.readInt32LE(4 * i));
}

function pieceOf(vocab, id) {
  const buffer = Buffer.alloc(4096);
  return buffer.subarray(0, toPiece(vocab, id, buffer, buffer.length, 0, true)).toString("hex");
}

const folder = mkdtempSync(join(tmpdir(), "tokenizers-"));
function withVocabulary(base, overrides, use) {
  const path = join(folder, "vocabulary.gguf");
  const keys = new Set(overrides.map(([key]) => key));
  writeFileSync(path, gguf([...vocabularies[base].filter(([key]) => !keys.has(key)), ...overrides]));
  const model = load(path, { ...defaultParams(), vocab_only: true });
  if (!model) throw new Error(`llama.cpp refuses ${base} with ${JSON.stringify(overrides)}`);
  try { return use(getVocab(model)); } finally { free(model); }
}

const silent = koffi.register((level, text) => { if (level === 4) process.stderr.write(text); }, koffi.pointer(logCallback));
setLog(silent, null);
backendInit();

if (!file) {
  for (const [name, metadata] of Object.entries(vocabularies)) writeFileSync(here(`${name}.gguf.gz`), gzipSync(gguf(metadata), { level: 9 }));
}

const setting = (key, type, value) => [`tokenizer.ggml.${key}`, type, value];
const preTokenizers = readFileSync(here("pre-tokenizers.txt"), "utf8").trim().split("\n");
const variants = [
  ...preTokenizers.map((name) => [`bpe ${name}`, "bpe", [setting("pre", "string", name)]]),
  ["bpe with eos and without bos", "bpe", [setting("add_bos_token", "bool", false), setting("add_eos_token", "bool", true)]],
  ["bpe of Phi-3", "bpe", [["general.name", "string", "Phi-3 mini"]]],
  ["spm", "spm", []],
  ["spm without space prefix, with eos", "spm", [setting("add_space_prefix", "bool", false), setting("add_eos_token", "bool", true)]],
  ["wpm", "wpm", []],
  ["wpm with case and accents", "wpm", [setting("normalizer.lowercase", "bool", false)]],
  ["wpm with accents", "wpm", [setting("normalizer.strip_accents", "bool", false)]],
];

// Variants that agree on everything share one result.
const results = [], seen = new Map(), names = {};
for (const [name, base, overrides] of variants) {
  const ids = withVocabulary(base, overrides, (vocab) => ({
    plain: texts.map((text) => idsOf(vocab, text, false, false)),
    special: texts.map((text) => idsOf(vocab, text, true, true)),
  }));
  const key = JSON.stringify(ids);
  if (!seen.has(key)) { seen.set(key, results.length); results.push(ids); }
  names[name] = { vocabulary: base, settings: Object.fromEntries(overrides.map(([k, , value]) => [k, value])), result: seen.get(key) };
}
const pieces = Object.fromEntries(Object.keys(vocabularies).map((base) => [base, withVocabulary(base, [], (vocab) => {
  const all = Array.from({ length: tokenCount(vocab) }, (_, id) => id);
  return {
    hex: all.map((id) => pieceOf(vocab, id)), endOfGeneration: all.filter((id) => isEog(vocab, id)), control: all.filter((id) => isControl(vocab, id)),
  };
})]));

const lines = (list) => `[\n${list.map((item) => `  ${JSON.stringify(item)}`).join(",\n")}\n]`;
writeFileSync(file ?? here("ids.json"), `{
"llamaCpp": ${JSON.stringify(JSON.parse(readFileSync(join(packageOf("node-llama-cpp"), "llama", "binariesGithubRelease.json"), "utf8")).release)},
"texts": ${lines(texts.map((text) => bytesOf(text).toString("hex")))},
"pieces": ${JSON.stringify(pieces)},
"variants": ${lines(Object.entries(names).map(([name, variant]) => ({ name, ...variant })))},
"results": [${results.map(({ plain, special }) => `{ "plain": ${lines(plain)}, "special": ${lines(special)} }`).join(",\n")}]
}
`);
rmSync(folder, { recursive: true });
console.log(`${variants.length} variants of ${texts.length} texts, ${results.length} different results`);
