using Formation.Inference.Engine.Gguf;
using Formation.Inference.Kernels.Formats;
using Formation.Inference.Testing.Files;
using Formation.Inference.Testing.Models;

namespace Formation.Inference.Engine.Tests.Gguf;

public sealed class GgufSummaryTests : IDisposable
{
    private readonly TemporaryDirectory _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_model_is_summarised()
    {
        var summary = Summarise(TinyModel.Writer(TinyModelOptions.Qwen3 with { MatrixType = TensorType.Q4_K, Name = "a\u001b[31m name" }));

        Assert.Equal("qwen3", summary.Architecture);
        Assert.Equal("a [31m name", summary.Name);
        Assert.Null(summary.License);
        Assert.Equal(3u, summary.FormatVersion);
        Assert.Equal(1, summary.Files);
        Assert.Equal(512, summary.ContextLength);
        Assert.Equal(2, summary.Layers);
        Assert.Equal(256, summary.HiddenSize);
        Assert.Equal(4, summary.Heads);
        Assert.Equal(2, summary.KvHeads);
        Assert.Equal(512, summary.VocabularySize);
        Assert.Equal("gpt2", summary.Tokenizer);
        Assert.Equal("qwen2", summary.PreTokenizer);
        Assert.True(summary.HasChatTemplate);
        // Embedding and head; q, k, v, output; gate, up, down; the norms.
        var layer = (2 * 512 * 256) + (2 * 256 * 256) + (3 * 512 * 256) + (2 * 256) + (2 * 128);
        Assert.Equal((2 * 512 * 256) + (2 * layer) + 256, summary.Parameters);
        Assert.Equal(3 + (2 * 11), summary.Tensors);
    }

    [Fact]
    public void The_formats_are_listed_by_their_share_of_the_bytes()
    {
        var summary = Summarise(TinyModel.Writer(TinyModelOptions.Llama with
        {
            MatrixType = TensorType.Q4_0,
            EmbeddingType = TensorType.Q8_0,
            OutputType = TensorType.F16,
        }));

        Assert.Equal([TensorType.Q4_0, TensorType.F16, TensorType.Q8_0, TensorType.F32], summary.Types.Select(share => share.Type));
        Assert.Equal(14, summary.Types[0].Tensors);
        Assert.Equal(512 * 256, summary.Types[1].Parameters);
        Assert.Equal(512 * 256 * 34 / 32, summary.Types[2].Bytes);
        Assert.Equal(1, summary.Types.Sum(share => share.Share), 9);
        Assert.Equal(summary.Parameters, summary.Types.Sum(share => share.Parameters));
    }

    [Fact]
    public void Memory_counts_weights_cache_and_scratch()
    {
        var summary = Summarise(TinyModel.Writer(TinyModelOptions.Llama with { ContextLength = 1024 }));
        var memory = summary.Memory!;

        Assert.Equal(summary.Types.Sum(share => share.Bytes), memory.Weights);
        // 2 layers, 2 KV heads of 64 values, keys and values, 1024 positions.
        Assert.Equal(2 * 2 * 64 * 2 * 1024 * 2, memory.KvCacheF16);
        Assert.Equal(memory.KvCacheF16 / 2 * 34 / 32, memory.KvCacheQ8);
        Assert.InRange(memory.Scratch, 512 * 4 * 256, 512 * 4 * 256 * 20);
        Assert.Equal(memory.Weights + memory.KvCacheF16 + memory.Scratch, memory.Total);
    }

    [Fact]
    public void A_vocabulary_without_tensors_is_summarised()
    {
        var summary = Summarise(TinyModel.Writer(TinyModelOptions.Llama with { VocabularyOnly = true }));

        Assert.Equal(0, summary.Parameters);
        Assert.Empty(summary.Types);
        Assert.Equal(512, summary.VocabularySize);
        Assert.Null(summary.Memory);
    }

    [Fact]
    public void A_file_that_says_nothing_is_summarised()
    {
        var summary = Summarise(new GgufWriter());

        Assert.Null(summary.Architecture);
        Assert.Null(summary.VocabularySize);
        Assert.False(summary.HasChatTemplate);
        Assert.Null(summary.Memory);
    }

    [Fact]
    public void Odd_and_absurd_values_count_as_unknown()
    {
        var writer = new GgufWriter();
        writer.Add("general.architecture", "llama");
        writer.Add("general.name", 7);
        writer.Add("llama.context_length", "long");
        writer.Add("llama.block_count", ulong.MaxValue);
        writer.Add("llama.embedding_length", -1);
        writer.Add("llama.attention.head_count", new[] { 3, 4 });
        writer.Add("llama.attention.head_count_kv", new[] { ulong.MaxValue });
        writer.Add("tokenizer.ggml.tokens", "none");
        writer.AddTensor("t", TensorType.F32, [1], new byte[4]);
        var summary = Summarise(writer);

        Assert.Null(summary.Name);
        Assert.Null(summary.ContextLength);
        Assert.Null(summary.Layers);
        Assert.Null(summary.HiddenSize);
        Assert.Equal(3, summary.Heads);
        Assert.Equal(3, summary.KvHeads);
        Assert.Null(summary.VocabularySize);
        Assert.Null(summary.Memory);
    }

    [Fact]
    public void An_estimate_that_would_not_fit_a_number_is_not_made()
    {
        var writer = new GgufWriter();
        writer.Add("general.architecture", "llama");
        foreach (var key in (string[])["context_length", "embedding_length", "feed_forward_length", "attention.head_count", "vocab_size"])
            writer.Add($"llama.{key}", int.MaxValue);
        writer.Add("llama.block_count", 4096);
        writer.Add("llama.attention.key_length", int.MaxValue);
        writer.AddTensor("t", TensorType.F32, [1], new byte[4]);

        Assert.Null(Summarise(writer).Memory);
    }

    [Fact]
    public void Layers_that_differ_are_counted_each()
    {
        var writer = new GgufWriter();
        writer.Add("general.architecture", "other");
        writer.Add("other.context_length", 100);
        writer.Add("other.embedding_length", 64);
        writer.Add("other.feed_forward_length", 64);
        writer.Add("other.vocab_size", 10);
        writer.Add("other.block_count", 2);
        writer.Add("other.attention.head_count", 4);
        writer.Add("other.attention.head_count_kv", new[] { 4, 0 });
        writer.AddTensor("t", TensorType.F32, [1], new byte[4]);

        Assert.Equal(4 * 16 * 2 * 100 * 2, Summarise(writer).Memory!.KvCacheF16);
    }

    private GgufSummary Summarise(GgufWriter writer)
    {
        writer.Write(_folder.File("m.gguf"));
        using var file = GgufFile.Open(_folder.File("m.gguf"));
        return GgufSummary.Of(file);
    }
}
