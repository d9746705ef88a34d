// The few functions of llama.cpp's C interface that a measurement needs, called in the libraries that node-llama-cpp ships prebuilt.
// The layouts are those of llama.h in the release that package.json pins.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import koffi from 'koffi';

const PACKAGE = new URL('./node_modules/@node-llama-cpp/linux-x64/', import.meta.url);
export const folder = fileURLToPath(new URL('bins/linux-x64/', PACKAGE));
export const release = readJson(new URL('bins/linux-x64/_nlcBuildMetadata.json', PACKAGE)).buildOptions.llamaCpp.release;
export const packageVersion = readJson(new URL('package.json', PACKAGE)).version;

const base = koffi.load(`${folder}libggml-base.so`);
const ggml = koffi.load(`${folder}libggml.${release}.so`);
const llama = koffi.load(`${folder}libllama.${release}.so`);

koffi.struct('llama_model_params', {
  devices: 'void *', tensor_buft_overrides: 'void *', n_gpu_layers: 'int32_t', split_mode: 'int32_t', load_mode: 'int32_t', lazy_mode: 'int32_t',
  main_gpu: 'int32_t', tensor_split: 'void *', progress_callback: 'void *', progress_callback_user_data: 'void *', kv_overrides: 'void *',
  vocab_only: 'bool', check_tensors: 'bool', use_extra_bufts: 'bool', no_host: 'bool', no_alloc: 'bool', load_mtp: 'bool',
});
koffi.struct('llama_context_params', {
  n_ctx: 'uint32_t', n_batch: 'uint32_t', n_ubatch: 'uint32_t', n_seq_max: 'uint32_t', n_rs_seq: 'uint32_t', n_outputs_max: 'uint32_t',
  n_outputs_max_per_seq: 'uint32_t', n_threads: 'int32_t', n_threads_batch: 'int32_t', ctx_type: 'int32_t', rope_scaling_type: 'int32_t',
  pooling_type: 'int32_t', attention_type: 'int32_t', flash_attn_type: 'int32_t', rope_freq_base: 'float', rope_freq_scale: 'float',
  yarn_ext_factor: 'float', yarn_attn_factor: 'float', yarn_beta_fast: 'float', yarn_beta_slow: 'float', yarn_orig_ctx: 'uint32_t',
  defrag_thold: 'float', cb_eval: 'void *', cb_eval_user_data: 'void *', type_k: 'int32_t', type_v: 'int32_t', abort_callback: 'void *',
  abort_callback_data: 'void *', embeddings: 'bool', offload_kqv: 'bool', no_perf: 'bool', op_offload: 'bool', swa_full: 'bool',
  kv_unified: 'bool', samplers: 'void *', n_samplers: 'size_t', ctx_other: 'void *',
});
koffi.struct('llama_batch', {
  n_tokens: 'int32_t', token: 'void *', embd: 'void *', pos: 'void *', n_seq_id: 'void *', seq_id: 'void *', logits: 'void *',
});

const loadBestBackends = ggml.func('void ggml_backend_load_all_from_path(const char *folder)');
const loadBackend = ggml.func('void *ggml_backend_load(const char *path)');
export const modelParams = llama.func('llama_model_params llama_model_default_params()');
export const loadModel = llama.func('void *llama_model_load_from_file(const char *path, llama_model_params params)');
export const vocabularyOf = llama.func('void *llama_model_get_vocab(void *model)');
export const vocabularySize = llama.func('int32_t llama_vocab_n_tokens(void *vocabulary)');
export const contextParams = llama.func('llama_context_params llama_context_default_params()');
export const newContext = llama.func('void *llama_init_from_model(void *model, llama_context_params params)');
export const freeContext = llama.func('void llama_free(void *context)');
export const memoryOf = llama.func('void *llama_get_memory(void *context)');
export const clearMemory = llama.func('void llama_memory_clear(void *memory, bool data)');
export const decode = llama.func('int32_t llama_decode(void *context, llama_batch batch)');
export const synchronize = llama.func('void llama_synchronize(void *context)');

const initBatch = llama.func('llama_batch llama_batch_init(int32_t tokens, int32_t embd, int32_t sequences)');
const attach = llama.func('void llama_attach_threadpool(void *context, void *pool, void *pool_for_batches)');
const deviceByType = ggml.func('void *ggml_backend_dev_by_type(int32_t type)');
const registryOf = base.func('void *ggml_backend_dev_backend_reg(void *device)');
const procedure = base.func('void *ggml_backend_reg_get_proc_address(void *registry, const char *name)');
const initPoolParams = base.func('void ggml_threadpool_params_init(void *params, int32_t threads)');

const setLog = llama.func('void llama_log_set(void *callback, void *data)');
const logType = koffi.proto('void log_callback(int level, const char *text, void *data)');

/** The peer's build that comes nearest to what FORMATION_KERNELS confines the engine to. */
const CONFINED = { avx2: 'haswell', avx512: 'icelake' };

const CPU = 0;
const ERROR = 4;

// Left alone, the library writes several lines to standard error for each graph that it builds, also while the clock runs.
setLog(koffi.register((level, text) => level === ERROR && process.stderr.write(text), koffi.pointer(logType)), null);

const newPoolType = koffi.proto('void *ggml_threadpool_new(void *params)');

/** Loads the build for this processor, or, where the engine is confined to older instructions, the one for those. */
export function loadBackends() {
  const build = CONFINED[process.env.FORMATION_KERNELS];
  if (!build) loadBestBackends(folder);
  else if (!loadBackend(`${folder}libggml-cpu-${build}.so`)) throw new Error(`llama.cpp's build '${build}' does not run here`);
}

/** Threads that stay between calls, as llama.cpp's own programs have them; by itself the library starts new ones in each call. */
export function newThreadPool(threads) {
  const params = Buffer.alloc(4096); // a struct of about 530 bytes
  initPoolParams(params, threads);
  return koffi.call(procedure(registryOf(deviceByType(CPU)), 'ggml_threadpool_new'), newPoolType, params);
}

export function attachThreadPool(context, pool) {
  attach(context, pool, pool);
}

/** A batch whose arrays can be written from here. */
export function newBatch(tokens) {
  const batch = initBatch(tokens, 0, 1);
  const sequences = koffi.decode(batch.seq_id, 'void *', tokens);
  return {
    struct: batch,
    token: new Int32Array(koffi.view(batch.token, 4 * tokens)),
    position: new Int32Array(koffi.view(batch.pos, 4 * tokens)),
    sequenceCount: new Int32Array(koffi.view(batch.n_seq_id, 4 * tokens)),
    sequence: sequences.map(pointer => new Int32Array(koffi.view(pointer, 4))),
    wantsLogits: new Int8Array(koffi.view(batch.logits, tokens)),
  };
}

function readJson(url) {
  return JSON.parse(readFileSync(url, 'utf8'));
}
