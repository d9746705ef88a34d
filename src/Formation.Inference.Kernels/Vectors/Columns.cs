using System.Runtime.CompilerServices;

namespace Formation.Inference.Kernels.Vectors;

/// <summary>A register whose lanes are sums of products.</summary>
internal interface ISums<TSelf>
    where TSelf : struct, ISums<TSelf>
{
    /// <summary>left · right + addend, lane by lane.</summary>
    static abstract TSelf MultiplyAdd(TSelf left, TSelf right, TSelf addend);
}

/// <summary>
/// One register, or two side by side: the columns of a block of sums that stay in registers, so that a broadcast factor is used for both.
/// </summary>
internal interface IColumns<TSelf, TSums>
    where TSelf : struct, IColumns<TSelf, TSums>
    where TSums : struct, ISums<TSums>
{
    /// <summary>Registers: 1 or 2.</summary>
    static abstract int Count { get; }

    static abstract TSelf From(TSums first, TSums second);

    TSums First { get; }

    /// <summary>Meaningless where there is one register.</summary>
    TSums Second { get; }

    static abstract TSelf MultiplyAdd(TSums factor, TSelf columns, TSelf addend);
}

internal readonly struct OneColumn<TSums>(TSums first) : IColumns<OneColumn<TSums>, TSums>
    where TSums : struct, ISums<TSums>
{
    private readonly TSums _first = first;

    public static int Count => 1;

    public TSums First => _first;

    public TSums Second => default;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static OneColumn<TSums> From(TSums first, TSums second) => new(first);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static OneColumn<TSums> MultiplyAdd(TSums factor, OneColumn<TSums> columns, OneColumn<TSums> addend) =>
        new(TSums.MultiplyAdd(factor, columns._first, addend._first));
}

internal readonly struct TwoColumns<TSums>(TSums first, TSums second) : IColumns<TwoColumns<TSums>, TSums>
    where TSums : struct, ISums<TSums>
{
    private readonly TSums _first = first;
    private readonly TSums _second = second;

    public static int Count => 2;

    public TSums First => _first;

    public TSums Second => _second;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TwoColumns<TSums> From(TSums first, TSums second) => new(first, second);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TwoColumns<TSums> MultiplyAdd(TSums factor, TwoColumns<TSums> columns, TwoColumns<TSums> addend) => new(
        TSums.MultiplyAdd(factor, columns._first, addend._first), TSums.MultiplyAdd(factor, columns._second, addend._second));
}
