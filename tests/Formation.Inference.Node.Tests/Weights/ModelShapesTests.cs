using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Cluster.Placement;
using Formation.Inference.Engine.Devices;
using Formation.Inference.Engine.Gguf;
using Formation.Inference.Engine.Models;
using Formation.Inference.Engine.Scheduling;
using Formation.Inference.Engine.Serving;
using Formation.Inference.Engine.Stages;
using Formation.Inference.Kernels.Attention;
using Formation.Inference.Kernels.Formats;
using Formation.Inference.Node.Weights;
using Formation.Inference.Testing.Files;
using Formation.Inference.Testing.Models;

namespace Formation.Inference.Node.Tests.Weights;

/// <summary>Shapes read from headers against what the engine's own loader takes of a device.</summary>
public sealed class ModelShapesTests : IDisposable
{
    private readonly TemporaryDirectory _folder = new();

    public static TheoryData<string> Models => [.. Options.Keys];

    // Vocabularies and widths that are no multiple of the sixteen rows of a strip among them.
    private static readonly Dictionary<string, TinyModelOptions> Options = new()
    {
        ["llama f32"] = TinyModelOptions.Llama,
        ["llama q4_k"] = TinyModelOptions.Llama with { MatrixType = TensorType.Q4_K },
        ["llama q8_0, tied, odd vocabulary"] = TinyModelOptions.Llama with { MatrixType = TensorType.Q8_0, TiedEmbeddings = true, VocabularySize = 515 },
        ["llama q6_k, odd vocabulary"] = TinyModelOptions.Llama with { MatrixType = TensorType.Q6_K, VocabularySize = 509 },
        ["llama, all biases, divisors"] = TinyModelOptions.Llama with
        {
            HasAttentionBias = true,
            HasOtherBias = true,
            RopeScaling = TinyRopeScaling.Llama3,
        },
        ["qwen2"] = TinyModelOptions.Qwen2 with { MatrixType = TensorType.Q5_0, LayerCount = 3 },
        ["qwen3"] = TinyModelOptions.Qwen3 with { EmbeddingType = TensorType.F16, OutputType = TensorType.Q8_0 },
    };

    public void Dispose() => _folder.Dispose();

    [Theory, MemberData(nameof(Models))]
    public void Weights_have_the_bytes_that_the_loader_takes(string model)
    {
        using var file = Build(model);
        using var device = new CountingDevice();
        using var loaded = TransformerModel.Load(file, device);
        var shape = ModelShapes.Of(file, model);

        var head = file.FindTensor("output.weight") is null ? 2 : 3;
        Assert.Equal(device.Loads.Take(head).Sum(), shape.EmbeddingBytes + shape.OutputBytes);
        var each = (device.Loads.Count - head) / shape.Layers.Count;
        Assert.Equal(
            device.Loads.Skip(head).Chunk(each).Select(loads => loads.Sum()), shape.Layers.Select(layer => layer.WeightBytes));
    }

    [Theory, MemberData(nameof(Models))]
    public void Stages_and_the_head_compute_in_the_bytes_that_the_shape_says(string model)
    {
        const int rows = 24;
        using var file = Build(model);
        using var device = new CountingDevice();
        using var loaded = TransformerModel.Load(file, device);
        var shape = ModelShapes.Of(file, model);

        var range = new LayerRange(1, 1);
        loaded.CreateStage(range, loaded.KvShape(range, 4), rows).Dispose();
        var stage = device.MatrixFloats * sizeof(float);
        loaded.CreateHead(rows).Dispose();
        var head = (device.MatrixFloats * sizeof(float)) - stage;

        // Beside the matrices: their rows as bytes with scales for the kernels, and on the head the activations and the engine's logits.
        Assert.InRange(shape.ScratchBytesPerRow * rows, stage, stage * 3 / 2);
        Assert.InRange((shape.HeadScratchBytesPerRow * rows) + shape.HeadScratchBytes, head, head * 6);
    }

    [Theory]
    [InlineData(KvFormat.F16)]
    [InlineData(KvFormat.Q8_0)]
    [InlineData(KvFormat.F32)]
    public void Keys_and_values_have_the_bytes_of_their_format(KvFormat format)
    {
        using var file = Build("llama q8_0, tied, odd vocabulary");
        using var device = new CountingDevice();
        using var loaded = TransformerModel.Load(file, device);

        var shape = ModelShapes.Of(file, "m", format);

        var cache = loaded.KvShape(loaded.AllLayers, 10, shape.KvBlockSize, format);
        Assert.Equal(cache.Bytes, shape.Layers.Sum(layer => layer.KvBytesPerPosition) * 10 * shape.KvBlockSize);
        Assert.Equal(format.ToString().ToLowerInvariant(), shape.KvFormat);
    }

    [Fact]
    public void A_plan_for_one_machine_takes_about_what_the_servers_own_loader_plans()
    {
        var options = TinyModelOptions.Llama with { MatrixType = TensorType.Q4_K, VocabularySize = 4096, ContextLength = 4096 };
        TinyModel.Build(_folder.File("m.gguf"), options);
        using var file = GgufFile.Open(_folder.File("m.gguf"));
        var scheduler = new SchedulerOptions { MaxRunningSequences = 8 };
        using var device = new CpuDevice(1);
        var measured = new ModelLoader(device, new ModelLoadOptions { Engine = new EngineOptions { Scheduler = scheduler } })
            .Measure(new ModelSource(_folder.File("m.gguf"))).MemoryBytes;

        // The loader makes room for 512 positions of each sequence.
        var plan = new FastestPlacement().Place(
            ModelShapes.Of(file, "m"),
            new PlacementRequest { ContextLength = 512, Concurrency = 8, Replicas = 1 },
            [new NodeOffer(Report(1L << 30))]).Plan!;

        Assert.InRange(plan.Replicas[0].Stages[0].Memory.Total, measured * 0.9, measured * 1.1);
    }

    [Fact]
    public void The_work_of_a_layer_is_its_products()
    {
        var options = TinyModelOptions.Llama with { MatrixType = TensorType.Q4_K };
        TinyModel.Build(_folder.File("m.gguf"), options);
        using var file = GgufFile.Open(_folder.File("m.gguf"));

        var shape = ModelShapes.Of(file, "m");

        // Queries 256 x 256, keys and values 256 x 128, output 256 x 256, three of 256 x 512.
        Assert.All(shape.Layers, layer => Assert.Equal((2 * 256 * 256) + (2 * 256 * 128) + (3 * 256 * 512), layer.MultiplyAdds));
        Assert.Equal(512 * 256, shape.OutputMultiplyAdds);
        Assert.Equal(2 * 256 * ModelShape.FloatMultiplyAdd, shape.Layers[0].AttentionMultiplyAdds);
    }

    [Fact]
    public void A_model_that_the_engine_does_not_compute_is_refused()
    {
        TinyModel.Build(_folder.File("v.gguf"), TinyModelOptions.Llama with { VocabularyOnly = true });
        using var file = GgufFile.Open(_folder.File("v.gguf"));

        Assert.Throws<GgufException>(() => ModelShapes.Of(file, "v"));
    }

    private static NodeReport Report(long bytes) => new()
    {
        Name = "a",
        Version = "1",
        Devices = [new DeviceReport("cpu", "avx2", 1, 1e10, 1e11)],
        MemoryBytes = bytes,
        FreeMemoryBytes = bytes,
    };

    private GgufFile Build(string model)
    {
        TinyModel.Build(_folder.File("m.gguf"), Options[model]);
        return GgufFile.Open(_folder.File("m.gguf"));
    }
}
