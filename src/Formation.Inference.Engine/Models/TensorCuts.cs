using Formation.Inference.Engine.Gguf;
using Formation.Inference.Kernels.Formats;

namespace Formation.Inference.Engine.Models;

/// <summary>Where a model's layers are cut for a <see cref="TensorShare"/>.</summary>
/// <remarks>
/// Rows of a weight can be cut anywhere, columns between two blocks of its format only: those of the attention's output follow the heads,
/// and the feed-forward layer is cut into blocks of its last weight, so that the shares differ by a block at most.
/// </remarks>
internal sealed record TensorCuts(Extent Queries, Extent KeysAndValues, Extent FeedForward)
{
    // Smaller pieces would leave lanes of the kernels empty.
    private const int LeastFeedForwardUnit = 32;

    /// <summary>The cuts for a share of a model.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such share.</exception>
    /// <exception cref="GgufException">The model can't be divided so; the message says which number or tensor does not allow it.</exception>
    public static TensorCuts Of(GgufFile file, ModelConfig config, TensorShare share)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(share.Rank, nameof(share));
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(share.Rank, share.Count, nameof(share));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(share.Count, TensorShare.MaxCount, nameof(share));
        if (!share.IsPart)
            return new TensorCuts(Extent.All(config.QueryWidth), Extent.All(config.KvWidth), Extent.All(config.FeedForwardSize));
        if (FaultOf(file, config, share.Count) is { } fault)
            throw new GgufException(GgufErrorKind.UnsupportedModel, -1, $"{share.Count} machines can't share its layers: {fault}");
        return new TensorCuts(
            Heads(config.HeadCount), Heads(config.KvHeadCount),
            FeedForwardOf(config.FeedForwardSize, FeedForwardUnit(file, config), share));

        Extent Heads(int count) =>
            new(share.Rank * (count / share.Count) * config.HeadSize, count / share.Count * config.HeadSize, count * config.HeadSize);
    }

    /// <summary>Why a model's layers can't be shared by so many, or null.</summary>
    public static string? FaultOf(GgufFile file, ModelConfig config, int count)
    {
        if (count <= 1)
            return null;
        if (config.KvHeadCount % count != 0)
            return $"it has {config.KvHeadCount} KV heads, which is no multiple of {count}";
        var queries = config.QueryWidth / count;
        for (var layer = 0; layer < config.LayerCount; layer++)
        {
            var output = file.RequireTensor(TensorNames.OfLayer(layer, "attn_output"));
            if (queries % TensorTypeInfo.Of(output.Type).BlockSize is not 0)
            {
                return $"tensor {output.Name} is stored in blocks of {TensorTypeInfo.Of(output.Type).BlockSize} values as {output.Type}, " +
                    $"and a share of the heads has {queries} values";
            }
        }
        var unit = FeedForwardUnit(file, config);
        return config.FeedForwardSize / unit < count
            ? $"its feed-forward layers have {config.FeedForwardSize} values, in pieces of {unit}"
            : null;
    }

    /// <summary>Whether so many can share a model's layers, and all shares have the same size.</summary>
    public static bool AreEqual(GgufFile file, ModelConfig config, int count) =>
        FaultOf(file, config, count) is null && config.FeedForwardSize % ((long)FeedForwardUnit(file, config) * count) == 0;

    /// <summary>A member's configuration: the whole model's with the heads and the feed-forward width of its own.</summary>
    public ModelConfig Cut(ModelConfig config) => config with
    {
        HeadCount = Queries.Count / config.HeadSize,
        KvHeadCount = KeysAndValues.Count / config.HeadSize,
        FeedForwardSize = FeedForward.Count,
    };

    // What is left over goes to the last member; the first may have the model's ends to compute as well.
    private static Extent FeedForwardOf(int size, int unit, TensorShare share)
    {
        var units = size / unit;
        var first = units * share.Rank / share.Count * unit;
        var end = share.Rank == share.Count - 1 ? size : units * (share.Rank + 1) / share.Count * unit;
        return new Extent(first, end - first, size);
    }

    private static int FeedForwardUnit(GgufFile file, ModelConfig config) => Enumerable.Range(0, config.LayerCount)
        .Max(layer => Math.Max(
            LeastFeedForwardUnit, TensorTypeInfo.Of(file.RequireTensor(TensorNames.OfLayer(layer, "ffn_down")).Type).BlockSize));
}
