using System.Text.Json.Serialization;

namespace Formation.Inference.Cli.Bench;

/// <summary>What <c>form bench</c> found.</summary>
/// <param name="Model">The model's name, or its file's.</param>
/// <param name="Parameters">Number of weights.</param>
/// <param name="Threads">Threads that computed.</param>
/// <param name="Kernels">The kernels that computed, for instance <c>avx512</c>.</param>
/// <param name="Results">One row a test.</param>
sealed record BenchReport(string Model, long Parameters, int Threads, string Kernels, IReadOnlyList<BenchResult> Results);

/// <summary>The speed of one test over its repetitions.</summary>
/// <param name="Test"><c>pp512</c>: a prompt of 512 tokens; <c>tg64</c>: 64 tokens generated; <c>tg64x8</c>: by 8 sequences together.</param>
/// <param name="TokensPerSecond">All sequences together.</param>
sealed record BenchResult(string Test, Spread TokensPerSecond);

/// <summary>The middle and the ends of some measurements.</summary>
sealed record Spread(double Median, double Min, double Max)
{
    /// <param name="values">At least one.</param>
    public static Spread Of(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        var middle = sorted.Length / 2;
        var median = sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
        return new Spread(Math.Round(median, 2), Math.Round(sorted[0], 2), Math.Round(sorted[^1], 2));
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(BenchReport))]
sealed partial class BenchJson : JsonSerializerContext;
