using Formation.Inference.Engine.Devices;
using Formation.Inference.Engine.Gguf;

namespace Formation.Inference.Engine.Models;

/// <summary>How a rotary embedding is stretched to contexts longer than it was first trained for.</summary>
public enum RotaryScaling
{
    None,

    /// <summary>Positions are divided by the factor (Chen et al. 2023).</summary>
    Linear,

    /// <summary>High frequencies stay, low ones are divided, with a ramp between (Peng et al. 2023).</summary>
    Yarn,
}

/// <summary>A model's rotary embedding as its metadata give it.</summary>
public sealed record RotaryConfig
{
    /// <summary>Values of a head that rotate, from its first on; even.</summary>
    public required int Dimensions { get; init; }

    /// <summary>Base of the frequencies: pair i turns by base^(-2i / dimensions) a position.</summary>
    public required double Base { get; init; }

    public required RotaryScaling Scaling { get; init; }

    /// <summary>By how much the context is stretched; 1 for not at all.</summary>
    public required double Factor { get; init; }

    /// <summary>Positions before stretching.</summary>
    public required int OriginalContextLength { get; init; }

    /// <summary>Multiplies the turned queries and keys.</summary>
    public required double AttentionFactor { get; init; }

    /// <summary>YaRN: how much of the ramp counts, 0 to 1.</summary>
    public double ExtrapolationFactor { get; init; } = 1;

    /// <summary>YaRN: pairs that turn more often than this over the original context stay as they are.</summary>
    public double BetaFast { get; init; } = 32;

    /// <summary>YaRN: pairs that turn less often than this are divided by the factor.</summary>
    public double BetaSlow { get; init; } = 1;

    /// <exception cref="GgufException">A value is out of range, or the scaling is not one that is computed.</exception>
    internal static RotaryConfig Read(GgufMetadata metadata, string architecture, int headSize, int contextLength)
    {
        string Key(string name) => $"{architecture}.rope.{name}";

        var dimensions = metadata.GetInt32(Key("dimension_count"), headSize, 2, headSize);
        if (dimensions % 2 != 0)
            throw OutOfRange(Key("dimension_count"), dimensions, "even");

        // Older files say only how much, and mean the linear way.
        var factor = metadata.FindSingle(Key("scaling.factor")) ?? metadata.FindSingle(Key("scale_linear")) ?? 0;
        var scaling = (metadata.FindString(Key("scaling.type")) ?? "linear") switch
        {
            "none" => RotaryScaling.None,
            "linear" => RotaryScaling.Linear,
            "yarn" => RotaryScaling.Yarn,
            var other => throw new GgufException(GgufErrorKind.UnsupportedModel, -1,
                $"{Key("scaling.type")} is {GgufLimits.Quote(other)}; this engine computes none, linear and yarn"),
        };
        return new RotaryConfig
        {
            Dimensions = dimensions,
            Base = Within(metadata, Key("freq_base"), 10_000, 1.0001, 1e15),
            Scaling = scaling,
            Factor = factor == 0 || scaling == RotaryScaling.None ? 1 : InRange(Key("scaling.factor"), factor, 1e-3, 1e6),
            OriginalContextLength = metadata.GetInt32(Key("scaling.original_context_length"), contextLength, 1),
            AttentionFactor = Within(metadata, Key("scaling.attn_factor"), 1, 1e-3, 1e3)
                * Within(metadata, Key("scaling.yarn_attn_factor"), 1, 1e-3, 1e3),
            ExtrapolationFactor = Within(metadata, Key("scaling.yarn_ext_factor"), 1, 0, 1),
            BetaFast = Within(metadata, Key("scaling.yarn_beta_fast"), 32, 1e-3, 1e6),
            BetaSlow = Within(metadata, Key("scaling.yarn_beta_slow"), 1, 1e-3, 1e6),
        };
    }

    /// <summary>The angles a position of every pair, all scaling worked in.</summary>
    /// <param name="divisors">A divisor for each pair (Llama 3.1), or empty for none.</param>
    public RotaryFrequencies ToFrequencies(ReadOnlySpan<float> divisors)
    {
        var pairs = Dimensions / 2;
        var ramp = Scaling == RotaryScaling.Yarn ? YarnRamp() : null;
        var frequencies = new double[pairs];
        for (var i = 0; i < pairs; i++)
        {
            var trained = Math.Pow(Base, -2.0 * i / Dimensions) / (divisors.IsEmpty ? 1 : divisors[i]);
            var stretched = trained / Factor;
            frequencies[i] = ramp is null ? stretched : stretched + (trained - stretched) * ramp[i];
        }
        var magnitude = ramp is null || ExtrapolationFactor == 0 ? AttentionFactor : AttentionFactor * (1 + 0.1 * Math.Log(Factor));
        return new RotaryFrequencies(frequencies, magnitude);
    }

    /// <summary>How far each pair keeps its trained frequency: 1 for wholly, 0 for not at all.</summary>
    private double[] YarnRamp()
    {
        // The pair that makes a given number of turns over the original context.
        double PairOfTurns(double turns) => Dimensions * Math.Log(OriginalContextLength / (turns * 2 * Math.PI)) / (2 * Math.Log(Base));

        var low = Math.Max(0, Math.Floor(PairOfTurns(BetaFast)));
        var high = Math.Min(Dimensions - 1, Math.Ceiling(PairOfTurns(BetaSlow)));
        var ramp = new double[Dimensions / 2];
        for (var i = 0; i < ramp.Length; i++)
            ramp[i] = ExtrapolationFactor * (1 - Math.Clamp((i - low) / Math.Max(0.001, high - low), 0, 1));
        return ramp;
    }

    private static double Within(GgufMetadata metadata, string key, float defaultValue, double minimum, double maximum) =>
        InRange(key, metadata.GetSingle(key, defaultValue), minimum, maximum);

    private static double InRange(string key, double value, double minimum, double maximum) =>
        value >= minimum && value <= maximum ? value : throw OutOfRange(key, value, $"from {minimum} to {maximum}");

    private static GgufException OutOfRange(string key, double value, string expected) =>
        new(GgufErrorKind.OutOfRange, -1, $"{key} is {value} and must be {expected}");
}
