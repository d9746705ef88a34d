// node make-golden.mjs MODELS OUT: runs llama.cpp over every model in MODELS and writes one JSON for each into OUT. See README.md.
import { createHash } from "node:crypto";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { getLlama } from "node-llama-cpp";

const [models, out] = process.argv.slice(2);
const promptLength = 40;
const generated = 16;

// Ids of single bytes, the same for every model: a fixed linear congruence, so that no text and no tokenizer takes part.
const prompt = Array.from({ length: promptLength }, (_, i) => (i * 73 + 11) % 256);

const llama = await getLlama({ build: "never", gpu: false, logLevel: "error" });
for (const file of readdirSync(models).filter((name) => name.endsWith(".gguf")).sort()) {
  const bytes = readFileSync(path.join(models, file));
  const model = await llama.loadModel({ modelPath: path.join(models, file), gpuLayers: 0 });
  const context = await model.createContext({
    contextSize: 128,
    sequences: 1,
    threads: 1,
    flashAttention: false,
    experimentalKvCacheKeyType: "F32",
    experimentalKvCacheValueType: "F32",
  });
  const sequence = context.getSequence();

  const logitsOf = (result) => {
    const logits = new Array(result.next.logits.size);
    for (const [token, logit] of result.next.logits)
      logits[token] = Number(logit.toPrecision(7));
    return logits;
  };
  const next = async (tokens) => {
    const input = tokens.map((token, i) => (i === tokens.length - 1 ? [token, { generateNext: { logits: true } }] : token));
    return logitsOf((await sequence.controlledEvaluate(input)).at(-1));
  };

  // The first token alone, the whole prompt, and the last of the continuation; between them the most probable token is fed back.
  const first = await next(prompt.slice(0, 1));
  const afterPrompt = await next(prompt.slice(1));
  let last = afterPrompt;
  const continuation = [];
  const margins = [];
  for (let i = 0; i < generated; i++) {
    const order = last.map((_, token) => token).sort((a, b) => last[b] - last[a]);
    continuation.push(order[0]);
    margins.push(Number((last[order[0]] - last[order[1]]).toPrecision(4)));
    last = await next([order[0]]);
  }

  writeFileSync(path.join(out, file.replace(".gguf", ".json")), JSON.stringify({
    modelSha256: createHash("sha256").update(bytes).digest("hex"),
    prompt,
    continuation,
    margins,
    logits: { first, afterPrompt, last },
  }).replaceAll('],"', '],\n"') + "\n");
  console.log(file, "smallest margin", Math.min(...margins));
  await context.dispose();
  await model.dispose();
}
