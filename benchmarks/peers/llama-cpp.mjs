// llama.cpp under the measurements of `form bench`.
//
//   node llama-cpp.mjs MODEL.gguf THREADS
//
// The first line on standard output says what runs. Then each line on standard input names a test as `form bench` does (pp512, tg64, tg64x8)
// and is answered by one line: {"test":"pp512","tokens":512,"seconds":1.23}. A test runs once for each line, so that the caller decides how
// often, and what runs between.
//
// What is timed is llama_decode and the wait for its result, with the settings of llama.cpp's own benchmark: prompts in batches of 512, flash
// attention where the library chooses it, keys and values as f16, threads that stay between calls. No sampler, tokenizer or queue takes
// part. A context is made for each kind of test, outside the time, with as many sequences and positions as it needs.
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { performance } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
import * as lib from './libllama.mjs';

const BATCH = 512;
const FLASH_ATTENTION_AUTO = -1;

const [path, threadCount] = process.argv.slice(2);
const threads = Number(threadCount);
if (!path || !Number.isInteger(threads) || threads < 1) {
  console.error('usage: node llama-cpp.mjs MODEL.gguf THREADS');
  process.exit(2);
}

lib.loadBackends();
const model = lib.loadModel(path, lib.modelParams());
if (!model) {
  console.error(`llama.cpp can't load ${path}`);
  process.exit(1);
}
const vocabulary = lib.vocabularySize(lib.vocabularyOf(model));
const pool = lib.newThreadPool(threads);
const batch = lib.newBatch(BATCH);
let current = { name: '', context: null };

say({ engine: `llama.cpp ${lib.release}`, package: `@node-llama-cpp/linux-x64 ${lib.packageVersion}`, kernels: cpuVariant() });
for await (const line of createInterface({ input: process.stdin })) say(measure(line.trim()));
process.exit(0);

function say(message) {
  process.stdout.write(JSON.stringify(message) + '\n');
}

function measure(name) {
  const test = parse(name);
  if (!test) return { error: `'${name}' is no test` };
  const context = contextFor(name, test);
  if (!context) return { error: `llama.cpp has no context for ${test.sequences} sequences of ${test.tokens} tokens` };
  lib.clearMemory(lib.memoryOf(context), false);
  const start = performance.now();
  const status = test.isPrompt ? readPrompt(context, test.tokens) : generate(context, test);
  const seconds = (performance.now() - start) / 1000;
  return status === 0 ? { test: name, tokens: test.tokens * test.sequences, seconds } : { error: `llama_decode returned ${status}` };
}

function parse(name) {
  const match = /^(?:pp([1-9]\d{0,6})|tg([1-9]\d{0,6})(?:x([1-9]\d{0,2}))?)$/.exec(name);
  const test = match && { isPrompt: Boolean(match[1]), tokens: Number(match[1] ?? match[2]), sequences: Number(match[3] ?? 1) };
  return test?.sequences <= BATCH ? test : null;
}

function contextFor(name, { tokens, sequences }) {
  if (current.name !== name) {
    if (current.context) lib.freeContext(current.context);
    const context = lib.newContext(model, {
      ...lib.contextParams(),
      n_ctx: 256 * Math.ceil(tokens / 256) * sequences,
      n_seq_max: sequences,
      n_batch: BATCH,
      n_ubatch: BATCH,
      n_threads: threads,
      n_threads_batch: threads,
      flash_attn_type: FLASH_ATTENTION_AUTO,
    });
    if (context) lib.attachThreadPool(context, pool);
    current = { name, context };
  }
  return current.context;
}

// The logits of the last token alone, as a server wants them.
function readPrompt(context, tokens) {
  for (let first = 0; first < tokens; first += BATCH) {
    const count = Math.min(BATCH, tokens - first);
    for (let i = 0; i < count; i++) put(i, 0, first + i, first + i === tokens - 1);
    const status = decode(context, count);
    if (status !== 0) return status;
  }
  return 0;
}

function generate(context, { tokens, sequences }) {
  for (let position = 0; position < tokens; position++) {
    for (let sequence = 0; sequence < sequences; sequence++) put(sequence, sequence, position, true);
    const status = decode(context, sequences);
    if (status !== 0) return status;
  }
  return 0;
}

// The tokens are those that `form bench` gives its own engine.
function put(row, sequence, position, wantsLogits) {
  batch.token[row] = (position * 7919 + sequence * 104729 + 1) % vocabulary;
  batch.position[row] = position;
  batch.sequenceCount[row] = 1;
  batch.sequence[row][0] = sequence;
  batch.wantsLogits[row] = wantsLogits ? 1 : 0;
}

function decode(context, rows) {
  batch.struct.n_tokens = rows;
  const status = lib.decode(context, batch.struct);
  lib.synchronize(context);
  return status;
}

// The library that the loader chose for this processor shows in the process's memory map.
function cpuVariant() {
  const file = /\/(libggml-cpu[^/\s]*\.so)$/m.exec(readFileSync('/proc/self/maps', 'utf8'));
  return file ? basename(file[1], '.so').replace('libggml-cpu-', '') : 'unknown';
}
