namespace Formation.Inference.Node.Stages.Wire;

/// <summary>The numbers of the stage protocol that are the same everywhere; docs/formats/stage-protocol.md has the whole of it.</summary>
internal static class StageProtocol
{
    /// <summary>The letters FSTG: the first bytes of a hello.</summary>
    public const uint Magic = 0x4754_5346;

    public const ushort Version = 1;

    /// <summary>Payload of the largest frame before both sides have agreed on a shape.</summary>
    public const int MaxHandshakeBytes = 4096;

    /// <summary>Bytes of the longest reason, name and address.</summary>
    public const int MaxTextBytes = 512;

    // Far above any model that exists, and small enough that a product of two of them fits a long.
    public const int MaxHiddenSize = 1 << 20;
    public const int MaxRows = 1 << 16;
    public const int MaxBlocks = 1 << 24;
    public const int MaxBlockSize = 1 << 12;
    public const int MaxLayers = 1 << 16;
    public const int MaxInFlight = 64;

    /// <summary>Block ids of all slices of a frame together.</summary>
    public const int MaxBlockReferences = 1 << 20;

    /// <summary>The largest payload that a shape may lead to: a frame is one array.</summary>
    public const int MaxFrameBytes = 1 << 30;
}
