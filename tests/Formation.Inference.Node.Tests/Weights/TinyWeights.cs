using System.Buffers;
using Formation.Inference.Cluster.Weights;
using Formation.Inference.Engine.Gguf;
using Formation.Inference.Engine.Models;
using Formation.Inference.Engine.Stages;
using Formation.Inference.Kernels.Formats;
using Formation.Inference.Node.Weights.Manifests;
using Formation.Inference.Testing.Files;
using Formation.Inference.Testing.Models;

namespace Formation.Inference.Node.Tests.Weights;

/// <summary>A small model on disk with its manifest, in chunks small enough that each layer has several.</summary>
internal sealed class TinyWeights : IDisposable
{
    public const int ChunkPower = 14;

    public static readonly TinyModelOptions Options = TinyModelOptions.Llama with { LayerCount = 4, MatrixType = TensorType.Q8_0 };

    private readonly TemporaryDirectory _folder = new();

    private TinyWeights(int tensorsPerPart)
    {
        Path = _folder.File("model.gguf");
        if (tensorsPerPart == 0)
            TinyModel.Build(Path, Options);
        else
            Path = TinyModel.Writer(Options).WriteSplit(_folder.File("other-name"), tensorsPerPart)[0];
    }

    public string Path { get; }

    public ModelManifest Manifest { get; private set; } = null!;

    public IReadOnlyList<string> Paths { get; private set; } = null!;

    /// <summary>The layers in the middle, without the ends.</summary>
    public static ModelPart Middle => new(new LayerRange(1, 2), HasEnds: false);

    /// <summary>The first layer and the ends.</summary>
    public static ModelPart Head => new(new LayerRange(0, 1), HasEnds: true);

    public static async Task<TinyWeights> BuildAsync(int tensorsPerPart = 0)
    {
        var weights = new TinyWeights(tensorsPerPart);
        (weights.Manifest, weights.Paths) = await ManifestBuilder.BuildAsync(weights.Path, ChunkPower);
        return weights;
    }

    /// <summary>The model as a gateway serves it.</summary>
    public ModelFiles Serve() => ModelFiles.Open(Manifest, Paths);

    /// <summary>A copy under another name, as an operator may have it; only for a model of one file.</summary>
    public string Copy(string name)
    {
        File.Copy(Path, _folder.File(name));
        return _folder.File(name);
    }

    /// <summary>Bytes of the chunks that a part needs, counted from the original byte by byte of the tensors, and not as the fetcher does.</summary>
    public long BytesOf(ModelPart part)
    {
        using var file = GgufFile.Open(Path);
        var config = ModelConfig.Read(file);
        var needed = new HashSet<(int File, long Chunk)>();
        for (var i = 0; i < Paths.Count; i++)
        {
            var header = file.Tensors.Where(tensor => tensor.Part == i).Select(tensor => tensor.Offset).DefaultIfEmpty(new FileInfo(Paths[i]).Length).Min();
            for (var at = 0L; at < header; at++)
                needed.Add((i, at >> ChunkPower));
        }
        foreach (var tensor in file.Tensors.Where(tensor => !part.Excludes(tensor.Name, config)))
            for (var at = 0L; at < tensor.Data.Length; at++)
                needed.Add((tensor.Part, (tensor.Offset + at) >> ChunkPower));
        return needed.Sum(chunk => Math.Min(1L << ChunkPower, new FileInfo(Paths[chunk.File]).Length - (chunk.Chunk << ChunkPower)));
    }

    /// <summary>Bytes of a chunk of the original.</summary>
    public byte[] Chunk(int chunk)
    {
        var place = Manifest.PlaceOf(chunk);
        using var file = File.OpenHandle(Paths[place.File]);
        var bytes = new byte[place.Length];
        RandomAccess.Read(file, bytes, place.Offset);
        return bytes;
    }

    public void Dispose() => _folder.Dispose();
}
