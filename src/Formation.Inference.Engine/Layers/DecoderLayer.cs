using Formation.Inference.Engine.Devices;

namespace Formation.Inference.Engine.Layers;

/// <summary>The parameters of one transformer layer, named as in <see cref="Models.Decoder"/>'s equations.</summary>
public sealed record DecoderLayer
{
    public required DeviceVector AttentionNorm { get; init; }

    public required LinearLayer Query { get; init; }

    public required LinearLayer Key { get; init; }

    public required LinearLayer Value { get; init; }

    /// <summary>Gain of the norm of each head's query, or null.</summary>
    public DeviceVector? QueryNorm { get; init; }

    /// <summary>Gain of the norm of each head's key, or null.</summary>
    public DeviceVector? KeyNorm { get; init; }

    public required LinearLayer AttentionOutput { get; init; }

    public required DeviceVector FeedForwardNorm { get; init; }

    public required LinearLayer Gate { get; init; }

    public required LinearLayer Up { get; init; }

    public required LinearLayer Down { get; init; }
}
