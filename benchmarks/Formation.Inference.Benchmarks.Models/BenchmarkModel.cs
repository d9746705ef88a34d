using Formation.Inference.Kernels.Formats;
using Formation.Inference.Testing.Models;

namespace Formation.Inference.Benchmarks.Models;

/// <summary>A model with random weights in the shape of a real one: speed depends on shape and format, not on what the weights say.</summary>
internal static class BenchmarkModel
{
    /// <summary>The shapes by the names that files and reports use.</summary>
    public static IReadOnlyDictionary<string, TinyModelOptions> Shapes { get; } = new Dictionary<string, TinyModelOptions>
    {
        ["135m"] = TinyModelOptions.Llama135M,
        ["1b"] = TinyModelOptions.Llama1B,
        ["8b"] = TinyModelOptions.Llama8B,
    };

    /// <summary>The formats that the engine computes, by the names that files and reports use.</summary>
    public static IReadOnlyDictionary<string, TensorType> Formats { get; } = Enum.GetValues<TensorType>()
        .Where(type => TensorTypeInfo.Find(type) is { IsComputed: true })
        .ToDictionary(type => type.ToString().ToLowerInvariant());

    /// <summary>Writes one model, with all matrices in one format, and gives its path, for instance <c>1b-q4_k.gguf</c>.</summary>
    public static string Write(string shape, string format, string folder)
    {
        var name = $"{shape}-{format}";
        var path = Path.Combine(folder, name + ".gguf");
        TinyModel.Build(path, Shapes[shape] with { Name = $"random-{name}", MatrixType = Formats[format] });
        return path;
    }
}
