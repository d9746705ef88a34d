using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Tiles;

/// <summary>Scales that are not read but written down, as <see cref="RecordedQuads"/> are.</summary>
internal readonly unsafe struct RecordedScales(ScaleExpression expression) : IScales<RecordedScales>
{
    /// <summary>How the scales come about; null where a format has none.</summary>
    internal ScaleExpression? Expression => expression;

    public static RecordedScales LoadHalf(ushort* source) => new(new(checked((int)(nint)source), IsPower: false, IsNegated: false));

    public static RecordedScales LoadHalfPowers(byte* source) => new(new(checked((int)(nint)source), IsPower: true, IsNegated: false));

    public static RecordedScales operator -(RecordedScales value) =>
        new(value.Expression! with { IsNegated = !value.Expression!.IsNegated });
}

/// <summary>Where a block's sixteen scales lie, and how they are stored.</summary>
/// <param name="IsPower">Whether they are exponents; otherwise they are of half precision.</param>
internal sealed record ScaleExpression(int Displacement, bool IsPower, bool IsNegated);
