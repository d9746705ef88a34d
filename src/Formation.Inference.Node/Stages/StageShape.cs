using Formation.Inference.Cluster.Weights;
using Formation.Inference.Kernels.Attention;
using Formation.Inference.Node.Stages.Wire;

namespace Formation.Inference.Node.Stages;

/// <summary>What all stages of a deployment have in common, and the limits that every frame is checked against.</summary>
public sealed record StageShape
{
    /// <summary>Which deployment, 1 to 512 bytes.</summary>
    public required string DeploymentId { get; init; }

    /// <summary>SHA-256 of the model, 64 lower-case hexadecimal digits.</summary>
    public required string ModelDigest { get; init; }

    /// <summary>Values of a row.</summary>
    public required int HiddenSize { get; init; }

    /// <summary>Rows of the largest batch.</summary>
    public required int MaxRows { get; init; }

    /// <summary>KV blocks that the head hands out.</summary>
    public required int BlockCount { get; init; }

    /// <summary>Positions of a block.</summary>
    public required int BlockSize { get; init; }

    /// <summary>How keys and values are stored. It decides results, so all stages of a model have the same.</summary>
    public KvFormat KvFormat { get; init; } = KvFormat.F16;

    /// <summary>Block ids of all slices of a batch together.</summary>
    public int MaxBlockReferences => (int)Math.Min((long)MaxRows * BlockCount, StageProtocol.MaxBlockReferences);

    /// <summary>Bytes of the largest payload of any frame.</summary>
    internal int MaxPayload => (int)MaxPayloadBytes;

    long MaxPayloadBytes =>
        BatchFrame.HeadBytes + (long)MaxRows * (BatchFrame.SliceBytes + HiddenSize * sizeof(float)) + (long)MaxBlockReferences * sizeof(int);

    /// <exception cref="ArgumentException">A value is outside of what the protocol can say.</exception>
    public void Validate()
    {
        if (FindFault() is { } fault)
            throw new ArgumentException(fault);
    }

    /// <summary>What is wrong with it, or null.</summary>
    internal string? FindFault()
    {
        if (DeploymentId.Length is < 1 or > StageProtocol.MaxTextBytes)
            return $"a deployment's id has from 1 to {StageProtocol.MaxTextBytes} bytes";
        if (!ModelManifest.IsDigest(ModelDigest))
            return "a model's digest is 64 lower-case hexadecimal digits";
        if (HiddenSize is < 1 or > StageProtocol.MaxHiddenSize)
            return $"rows of {HiddenSize} values; there must be from 1 to {StageProtocol.MaxHiddenSize}";
        if (MaxRows is < 1 or > StageProtocol.MaxRows)
            return $"batches of {MaxRows} rows; there must be from 1 to {StageProtocol.MaxRows}";
        if (BlockCount is < 1 or > StageProtocol.MaxBlocks)
            return $"{BlockCount} KV blocks; there must be from 1 to {StageProtocol.MaxBlocks}";
        if (BlockSize is < 1 or > StageProtocol.MaxBlockSize || (long)BlockCount * BlockSize > int.MaxValue)
            return $"{BlockCount} KV blocks of {BlockSize} positions; a block has {StageProtocol.MaxBlockSize} at most, all have {int.MaxValue}";
        if (!Enum.IsDefined(KvFormat))
            return $"there is no KV format {(int)KvFormat}";
        return MaxPayloadBytes > StageProtocol.MaxFrameBytes
            ? $"a batch of {MaxRows} rows of {HiddenSize} values has {MaxPayloadBytes} bytes; the limit is {StageProtocol.MaxFrameBytes}"
            : null;
    }
}
