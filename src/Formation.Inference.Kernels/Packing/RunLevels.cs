using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Packing;

/// <summary>Quads of levels that lie in the same bytes of a strip, one in each of a format's runs of columns.</summary>
internal readonly struct RunLevels<TQuads>(TQuads first, TQuads second, TQuads third, TQuads fourth)
    where TQuads : struct, IQuadBits<TQuads>
{
    internal RunLevels(TQuads first)
        : this(first, default, default, default) { }

    internal RunLevels(TQuads first, TQuads second)
        : this(first, second, default, default) { }

    internal TQuads First => first;

    internal TQuads Second => second;

    internal TQuads Third => third;

    internal TQuads Fourth => fourth;
}
