using System.Buffers.Binary;
using Formation.Inference.Engine.Gguf;
using Formation.Inference.Kernels.Formats;

namespace Formation.Inference.Testing.Models;

/// <summary>
/// Writes GGUF models with random weights that load in any program that reads the format. The bytes depend on the options alone.
/// </summary>
public static class TinyModel
{
    /// <summary>ChatML, as many models of this size have it.</summary>
    public const string ChatMlTemplate =
        "{% for message in messages %}" +
        "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}" +
        "{% endfor %}" +
        "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

    // Logits of a trained model spread by a few units; this gives the random one about the same.
    private const double LogitDeviation = 3;

    // Sharper attention than random directions would give, so that a wrong position or mask shows in the logits.
    private const double AttentionGain = 1.5;

    /// <summary>Writes a model to a file.</summary>
    public static void Build(string path, TinyModelOptions options) => Writer(options).Write(path);

    /// <summary>Writes a model to a stream.</summary>
    public static void Build(Stream stream, TinyModelOptions options) => Writer(options).Write(stream);

    /// <summary>
    /// A writer that holds the model, for tests that change it or write it in parts. Weights are made as they are written.
    /// </summary>
    public static GgufWriter Writer(TinyModelOptions options)
    {
        if (options.Architecture is not ("llama" or "qwen2" or "qwen3"))
            throw new ArgumentException($"'{options.Architecture}' is none of llama, qwen2, qwen3", nameof(options));
        var writer = new GgufWriter();
        AddModelMetadata(writer, options);
        AddTokenizer(writer, options);
        if (!options.VocabularyOnly)
            AddTensors(writer, options);
        return writer;
    }

    private static void AddModelMetadata(GgufWriter writer, TinyModelOptions options)
    {
        var architecture = options.Architecture;
        writer.Add("general.architecture", architecture);
        writer.Add("general.type", "model");
        writer.Add("general.name", options.Name);
        writer.Add("general.quantization_version", 2u);
        writer.Add($"{architecture}.vocab_size", (uint)options.VocabularySize);
        writer.Add($"{architecture}.context_length", (uint)options.ContextLength);
        writer.Add($"{architecture}.embedding_length", (uint)options.HiddenSize);
        writer.Add($"{architecture}.block_count", (uint)options.LayerCount);
        writer.Add($"{architecture}.feed_forward_length", (uint)options.FeedForwardSize);
        writer.Add($"{architecture}.attention.head_count", (uint)options.HeadCount);
        writer.Add($"{architecture}.attention.head_count_kv", (uint)options.KvHeadCount);
        writer.Add($"{architecture}.attention.key_length", (uint)options.EffectiveHeadSize);
        writer.Add($"{architecture}.attention.value_length", (uint)options.EffectiveHeadSize);
        writer.Add($"{architecture}.attention.layer_norm_rms_epsilon", options.RmsNormEpsilon);
        if (options.PoolingType is { } pooling)
            writer.Add($"{architecture}.pooling_type", pooling);
        if (options.SlidingWindow is { } window)
            writer.Add($"{architecture}.attention.sliding_window", (uint)window);
        writer.Add($"{architecture}.rope.dimension_count", (uint)options.EffectiveHeadSize);
        writer.Add($"{architecture}.rope.freq_base", options.RopeFrequencyBase);
        if (options.RopeScaling is not (TinyRopeScaling.Linear or TinyRopeScaling.Yarn))
            return;
        writer.Add($"{architecture}.rope.scaling.type", options.RopeScaling == TinyRopeScaling.Linear ? "linear" : "yarn");
        writer.Add($"{architecture}.rope.scaling.factor", options.RopeScalingFactor);
        writer.Add($"{architecture}.rope.scaling.original_context_length", (uint)options.OriginalContextLength);
    }

    private static void AddTokenizer(GgufWriter writer, TinyModelOptions options)
    {
        var vocabulary = new TinyVocabulary(options.VocabularySize, options.SpeaksEveryToken, options.FillsGaps);
        writer.Add("tokenizer.ggml.model", "gpt2");
        writer.Add("tokenizer.ggml.pre", options.PreTokenizer);
        writer.Add("tokenizer.ggml.tokens", vocabulary.Tokens);
        writer.Add("tokenizer.ggml.token_type", vocabulary.TokenTypes);
        writer.Add("tokenizer.ggml.merges", vocabulary.Merges);
        writer.Add("tokenizer.ggml.bos_token_id", (uint)vocabulary.BosId);
        writer.Add("tokenizer.ggml.eos_token_id", (uint)vocabulary.EosId);
        writer.Add("tokenizer.ggml.eot_token_id", (uint)vocabulary.ImEndId);
        writer.Add("tokenizer.ggml.padding_token_id", (uint)vocabulary.PadId);
        writer.Add("tokenizer.ggml.add_bos_token", options.AddBos);
        if (options.AddEos is { } addEos)
            writer.Add("tokenizer.ggml.add_eos_token", addEos);
        if (options.ChatTemplate is { } template)
            writer.Add("tokenizer.chat_template", template);
    }

    private static void AddTensors(GgufWriter writer, TinyModelOptions options)
    {
        var hidden = options.HiddenSize;
        var queries = options.HeadCount * options.EffectiveHeadSize;
        var keys = options.KvHeadCount * options.EffectiveHeadSize;
        var tensors = new TensorAdder(writer, options);

        tensors.Matrix("token_embd.weight", hidden, options.VocabularySize, LogitDeviation, options.EmbeddingType);
        if (options.RopeScaling == TinyRopeScaling.Llama3)
            AddRopeDivisors(writer, options);
        for (var layer = 0; layer < options.LayerCount; layer++)
        {
            var prefix = $"blk.{layer}.";
            tensors.Norm(prefix + "attn_norm.weight", hidden);
            tensors.Matrix(prefix + "attn_q.weight", hidden, queries, AttentionGain);
            tensors.Matrix(prefix + "attn_k.weight", hidden, keys, AttentionGain);
            tensors.Matrix(prefix + "attn_v.weight", hidden, keys);
            tensors.Matrix(prefix + "attn_output.weight", queries, hidden);
            if (options.EffectiveAttentionBias)
            {
                tensors.Vector(prefix + "attn_q.bias", queries, 0.3);
                tensors.Vector(prefix + "attn_k.bias", keys, 0.3);
                tensors.Vector(prefix + "attn_v.bias", keys, 0.3);
            }
            if (options.Architecture == "qwen3")
            {
                tensors.Norm(prefix + "attn_q_norm.weight", options.EffectiveHeadSize);
                tensors.Norm(prefix + "attn_k_norm.weight", options.EffectiveHeadSize);
            }
            tensors.Norm(prefix + "ffn_norm.weight", hidden);
            tensors.Matrix(prefix + "ffn_gate.weight", hidden, options.FeedForwardSize);
            tensors.Matrix(prefix + "ffn_up.weight", hidden, options.FeedForwardSize);
            tensors.Matrix(prefix + "ffn_down.weight", options.FeedForwardSize, hidden);
            if (options.HasOtherBias)
            {
                tensors.Vector(prefix + "attn_output.bias", hidden, 0.3);
                tensors.Vector(prefix + "ffn_gate.bias", options.FeedForwardSize, 0.3);
                tensors.Vector(prefix + "ffn_up.bias", options.FeedForwardSize, 0.3);
                tensors.Vector(prefix + "ffn_down.bias", hidden, 0.3);
            }
        }
        tensors.Norm("output_norm.weight", hidden);
        if (!options.TiedEmbeddings)
            tensors.Matrix("output.weight", hidden, options.VocabularySize, LogitDeviation, options.OutputType);
    }

    /// <summary>Llama 3.1's divisors in outline: 1 for the high frequencies, the whole factor for the low ones, a ramp between.</summary>
    private static void AddRopeDivisors(GgufWriter writer, TinyModelOptions options)
    {
        var count = options.EffectiveHeadSize / 2;
        var bytes = new byte[count * sizeof(float)];
        for (var i = 0; i < count; i++)
        {
            var ramp = Math.Clamp(((float)i / count * 4) - 1, 0, 1);
            BinaryPrimitives.WriteSingleLittleEndian(bytes.AsSpan(i * sizeof(float)), 1 + (ramp * (options.RopeScalingFactor - 1)));
        }
        writer.AddTensor("rope_freqs.weight", TensorType.F32, [count], bytes);
    }

    /// <summary>Adds tensors whose content depends on the seed and their own name.</summary>
    private sealed class TensorAdder(GgufWriter writer, TinyModelOptions options)
    {
        /// <summary>A matrix that turns inputs of deviation 1 into outputs of deviation <paramref name="gain"/>.</summary>
        public void Matrix(string name, int columns, int rows, double gain = 1, TensorType? type = null)
        {
            var stored = FormatFor(columns, type ?? options.MatrixType);
            var deviation = gain / Math.Sqrt(columns);
            writer.AddTensor(name, stored, [columns, rows],
                stream => RandomWeights.Write(stream, stored, (long)columns * rows, deviation, SplitMix64.For(options.Seed, name)));
        }

        public void Norm(string name, int length) => Vector(name, length, 0.1, mean: 1);

        public void Vector(string name, int length, double deviation, double mean = 0) => writer.AddTensor(name, TensorType.F32, [length],
            RandomWeights.Bytes(TensorType.F32, length, deviation, SplitMix64.For(options.Seed, name), mean));

        private static TensorType FormatFor(int columns, TensorType wanted)
        {
            if (columns % TensorTypeInfo.Of(wanted).BlockSize == 0)
                return wanted;
            var smaller = wanted switch
            {
                TensorType.Q2_K or TensorType.Q3_K => TensorType.Q4_0,
                TensorType.Q4_K => TensorType.Q5_0,
                TensorType.Q5_K => TensorType.Q5_1,
                TensorType.Q6_K => TensorType.Q8_0,
                TensorType.IQ4_XS => TensorType.IQ4_NL,
                _ => TensorType.F16,
            };
            return columns % TensorTypeInfo.Of(smaller).BlockSize == 0 ? smaller : TensorType.F16;
        }
    }
}
