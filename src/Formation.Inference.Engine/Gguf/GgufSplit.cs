namespace Formation.Inference.Engine.Gguf;

/// <summary>What a part of a split model says about itself and the whole.</summary>
/// <param name="Index">Number of the part, from 0.</param>
/// <param name="Count">Number of parts, at least 2.</param>
/// <param name="TensorCount">Tensors of all parts together.</param>
/// <param name="Name">The part's path, taken apart.</param>
internal sealed record GgufSplit(int Index, int Count, int TensorCount, GgufSplitName Name)
{
    internal const string IndexKey = "split.no";
    internal const string CountKey = "split.count";
    internal const string TensorCountKey = "split.tensors.count";

    /// <summary>Reads what a part says, or gives null where the file is whole.</summary>
    /// <exception cref="GgufException">It contradicts itself or its name.</exception>
    public static GgufSplit? Of(GgufMetadata metadata, string path)
    {
        if (metadata.GetInt32(CountKey, 0, 0, GgufLimits.MaximumParts) is var count && count <= 1)
            return null;
        var index = metadata.RequireInt32(IndexKey, 0, count - 1);
        var tensorCount = metadata.RequireInt32(TensorCountKey, 0, GgufLimits.MaximumTensors);
        var name = GgufSplitName.Parse(path);
        if (name is null || name.Number != index + 1 || name.Count != count)
            throw new GgufException(GgufErrorKind.SplitMismatch, -1,
                $"{Path.GetFileName(path)}: this is part {index + 1} of {count} and must be named ...-{index + 1:D5}-of-{count:D5}.gguf");
        return new GgufSplit(index, count, tensorCount, name);
    }

    /// <summary>Path of a part.</summary>
    /// <param name="index">Number of the part, from 0.</param>
    public string PathOf(int index) => Name.PathOf(index + 1);

    /// <summary>What another part says.</summary>
    /// <exception cref="GgufException">It is not part <paramref name="index"/> of the same whole.</exception>
    public GgufSplit RequireSame(GgufMetadata metadata, int index)
    {
        var path = PathOf(index);
        var other = Of(metadata, path);
        if (other is null || other.TensorCount != TensorCount)
            throw new GgufException(GgufErrorKind.SplitMismatch, -1, other is null
                ? $"{Path.GetFileName(path)}: this is no part of a split model"
                : $"{Path.GetFileName(path)}: part of a model of {other.TensorCount} tensors, beside parts of one of {TensorCount}");
        return other;
    }

    /// <summary>Checks that a later part, where it names a model at all, names the first part's.</summary>
    /// <exception cref="GgufException">It names another.</exception>
    public static void RequireSameModel(GgufMetadata first, GgufMetadata part, string path)
    {
        foreach (var key in (ReadOnlySpan<string>)["general.architecture", "general.name"])
            if (part.FindString(key) is { } value && value != first.FindString(key))
                throw new GgufException(GgufErrorKind.SplitMismatch, part[key].Offset,
                    $"{Path.GetFileName(path)}: '{key}' differs from the first part's; the parts are of different models");
    }

    /// <summary>Checks that the parts together hold what they promise.</summary>
    /// <exception cref="GgufException">Tensors are missing, too many, or there twice.</exception>
    public void RequireAllTensors(IReadOnlyCollection<GgufTensor> tensors)
    {
        var file = Path.GetFileName(PathOf(0));
        if (tensors.Count != TensorCount)
            throw new GgufException(GgufErrorKind.SplitMismatch, -1,
                $"{file}: the parts hold {tensors.Count} tensors and promise {TensorCount}");
        var names = new HashSet<string>(tensors.Count, StringComparer.Ordinal);
        foreach (var tensor in tensors)
            if (!names.Add(tensor.Name))
                throw new GgufException(GgufErrorKind.DuplicateTensor, -1,
                    $"{file}: tensor {GgufLimits.Quote(tensor.Name)} is in two parts");
    }
}
