using Formation.Inference.Engine.Gguf;
using Formation.Inference.Kernels.Formats;
using Formation.Inference.Testing.Files;
using Formation.Inference.Training.Export;
using Formation.Inference.Training.Layers;
using Formation.Inference.Training.Vocabulary;

namespace Formation.Inference.Training.Tests.Export;

public sealed class GgufExportTests : IDisposable
{
    private static readonly BytePairVocabulary Words = BytePairTrainer.Train(["the cat and the hat"], 262);

    private static readonly ModelShape Shape = new(
        Words.Count, Width: 64, Blocks: 2, Heads: 4, KeyHeads: 2, FeedForward: 96, Context: 128, RopeBase: 5000f);

    private readonly TemporaryDirectory _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_file_holds_the_shape_the_vocabulary_and_the_template()
    {
        using var device = new TrainingDevice(1);
        using var model = Model(device);
        using var file = Written(model);

        Assert.Equal("llama", file.Metadata.RequireString("general.architecture"));
        Assert.Equal("tiny", file.Metadata.RequireString("general.name"));
        Assert.Equal(64, file.Metadata.RequireInt32("llama.embedding_length"));
        Assert.Equal(2, file.Metadata.RequireInt32("llama.attention.head_count_kv"));
        Assert.Equal(5000f, file.Metadata.RequireSingle("llama.rope.freq_base"));
        Assert.Equal("gpt2", file.Metadata.RequireString("tokenizer.ggml.model"));
        Assert.Equal("smollm", file.Metadata.RequireString("tokenizer.ggml.pre"));
        Assert.Equal(2, file.Metadata.RequireInt32("tokenizer.ggml.eos_token_id"));
        Assert.Equal("{{ messages }}", file.Metadata.RequireString("tokenizer.chat_template"));
        Assert.Equal(Words.Count, file.Metadata.FindInt32s("tokenizer.ggml.token_type")!.Length);
        Assert.Equal([3, 3, 3, 1], file.Metadata.FindInt32s("tokenizer.ggml.token_type")![..4]);
        Assert.Equal(Shape.ParameterCount, model.Parameters.Sum(p => (long)p.Value.Rows * p.Value.Columns));
        Assert.Equal(1 + 2 * 9 + 1, file.Tensors.Count);
        Assert.Equal([64L, 262L], file.RequireTensor("token_embd.weight").Dimensions);
        Assert.Equal(TensorType.Q8_0, file.RequireTensor("blk.1.ffn_down.weight").Type);
        Assert.Equal(TensorType.F32, file.RequireTensor("blk.1.ffn_norm.weight").Type);
    }

    [Fact]
    public void The_files_weights_are_the_quantised_models_bit_for_bit()
    {
        using var device = new TrainingDevice(1);
        using var model = Model(device);
        var before = model.Parameters[2].Value.Values.ToArray();

        GgufExport.Quantize(model);
        using var file = Written(model);

        foreach (var parameter in model.Parameters.Where(p => p.Value.Rows > 1))
        {
            var tensor = file.RequireTensor(parameter.Name);
            var values = new float[parameter.Value.Columns];
            var rowBytes = (int)TensorTypeInfo.Of(TensorType.Q8_0).RowBytes(values.Length);
            for (var row = 0; row < parameter.Value.Rows; row++)
            {
                Dequantizer.Row(TensorType.Q8_0, tensor.Data.Span((long)row * rowBytes, rowBytes), values);
                Assert.Equal(parameter.Value.Row(row).ToArray(), values);
            }
        }
        Assert.All(before.Zip(model.Parameters[2].Value.Values.ToArray()), pair => Assert.Equal(pair.First, pair.Second, 0.005f));
        Assert.NotEqual(before, model.Parameters[2].Value.Values.ToArray());
    }

    private static LanguageModel Model(TrainingDevice device)
    {
        var model = new LanguageModel(device, Shape, 16);
        model.Initialize(new SeededRandom(1));
        return model;
    }

    private GgufFile Written(LanguageModel model)
    {
        var path = _folder.File("tiny.gguf");
        GgufExport.Write(path, model, Words, new ModelCard("tiny", "A test.", "other", "none", "{{ messages }}"));
        return GgufFile.Open(path);
    }
}
