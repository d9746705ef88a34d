// Writes which fill-in-the-middle tokens llama.cpp knows in vocabularies that name them, or only have their texts (infill.json).
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import koffi from "koffi";
import { gguf } from "./gguf.mjs";
import { vocabularies } from "./vocabularies.mjs";

const bins = new URL("node_modules/@node-llama-cpp/linux-x64/bins/linux-x64/", import.meta.url).pathname;
const library = koffi.load(join(bins, readdirSync(bins).find((file) => file.startsWith("libllama.v"))));
const modelParams = koffi.struct("llama_model_params", {
  devices: "void*", overrides: "void*", n_gpu_layers: "int32", split_mode: "int32", load_mode: "int32", lazy_mode: "int32",
  main_gpu: "int32", tensor_split: "void*", progress: "void*", progress_data: "void*", kv_overrides: "void*",
  vocab_only: "bool", check_tensors: "bool", use_extra_bufts: "bool", no_host: "bool", no_alloc: "bool", load_mtp: "bool",
});
const logCallback = koffi.proto("void log_callback(int level, const char *text, void *data)");
library.func("llama_log_set", "void", [koffi.pointer(logCallback), "void*"])(koffi.register(() => {}, koffi.pointer(logCallback)), null);
library.func("llama_backend_init", "void", [])();
const defaultParams = library.func("llama_model_default_params", modelParams, []);
const load = library.func("llama_model_load_from_file", "void*", ["str", modelParams]);
const free = library.func("llama_model_free", "void", ["void*"]);
const getVocab = library.func("llama_model_get_vocab", "void*", ["void*"]);
const [prefix, suffix, middle] = ["pre", "suf", "mid"].map((mark) => library.func(`llama_vocab_fim_${mark}`, "int32", ["void*"]));

const cases = [
  ["bpe", ["<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>", "<|fim_pad|>"], {}],
  ["bpe", ["<fim_prefix>", "<fim_middle>", "<fim_suffix>", "<fim_pad>"], {}],
  ["bpe", ["<fim-prefix>", "<fim-middle>", "<fim-suffix>", "<fim-pad>"], {}],
  ["bpe", ["<｜fim▁hole｜>", "<｜fim▁begin｜>", "<｜fim▁end｜>"], {}],
  ["bpe", ["<|code_prefix|>", "<|code_middle|>", "<|code_suffix|>"], {}],
  ["bpe", ["<|prefix|>", "<|middle|>", "<|suffix|>"], {}],
  ["bpe", ["<PRE>", "<SUF>", "<MID>"], {}],
  ["spm", ["▁<PRE>", "▁<SUF>", "▁<MID>", "▁<EOT>"], {}],
  ["bpe", ["one", "two", "three"], {}],
  ["bpe", ["one", "two", "three"], { fim_pre_token_id: 2, fim_suf_token_id: 1, fim_mid_token_id: 0 }],
  ["spm", ["one", "two", "three"], { prefix_token_id: 1, suffix_token_id: 2, middle_token_id: 0 }],
  ["bpe", ["<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>", "one", "two"], { fim_pre_token_id: 3, fim_suf_token_id: 4 }],
];

const folder = mkdtempSync(join(tmpdir(), "infill-"));
const answers = cases.map(([vocabulary, added, named]) => {
  const metadata = vocabularies[vocabulary];
  const count = metadata.find(([key]) => key === "tokenizer.ggml.tokens")[2].length;
  const grown = { "tokenizer.ggml.tokens": (text) => text, "tokenizer.ggml.token_type": () => 1, "tokenizer.ggml.scores": () => -1000 };
  const ids = Object.fromEntries(Object.entries(named).map(([key, index]) => [key, count + index]));
  const path = join(folder, "vocabulary.gguf");
  writeFileSync(path, gguf([
    ...metadata.map(([key, type, value]) => [key, type, key in grown ? [...value, ...added.map(grown[key])] : value]),
    ...Object.entries(ids).map(([key, id]) => [`tokenizer.ggml.${key}`, "u32", id]),
  ]));
  const model = load(path, { ...defaultParams(), vocab_only: true });
  if (!model) throw new Error(`llama.cpp refuses ${added}`);
  const vocab = getVocab(model);
  const answer = { vocabulary, added, named: ids, prefix: prefix(vocab), suffix: suffix(vocab), middle: middle(vocab) };
  free(model);
  return answer;
});
rmSync(folder, { recursive: true });
writeFileSync(new URL("infill.json", import.meta.url), `[\n${answers.map((answer) => `  ${JSON.stringify(answer)}`).join(",\n")}\n]\n`);
console.log(`${answers.length} vocabularies`);
