using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Tiles;

/// <summary>
/// Quads that are not computed but written down: what a format's unpacking does to them becomes machine code, so that a format is
/// unpacked by one definition everywhere. Addresses count from the begin of the block.
/// </summary>
internal readonly unsafe struct RecordedQuads(QuadExpression expression) : IQuadBits<RecordedQuads>
{
    /// <summary>How the quads come about.</summary>
    internal QuadExpression Expression => expression;

    public static RecordedQuads Load(void* source) => new(new(QuadOperation.Load, Number: checked((int)(nint)source)));

    public static RecordedQuads Broadcast(int value) => new(new(QuadOperation.Broadcast, Number: value));

    public static RecordedQuads operator &(RecordedQuads left, RecordedQuads right) => Of(QuadOperation.And, left, right);

    public static RecordedQuads operator |(RecordedQuads left, RecordedQuads right) => Of(QuadOperation.Or, left, right);

    public static RecordedQuads operator ^(RecordedQuads left, RecordedQuads right) => Of(QuadOperation.ExclusiveOr, left, right);

    public static RecordedQuads operator *(RecordedQuads left, RecordedQuads right) => Of(QuadOperation.Multiply, left, right);

    public static RecordedQuads ShiftRight(RecordedQuads value, [ConstantExpected] int count) => ShiftRightBy(value, count);

    public static RecordedQuads ShiftRightBy(RecordedQuads value, int count) =>
        count == 0 ? value : new(new(QuadOperation.ShiftRight, value.Expression, Number: count));

    public static RecordedQuads ShiftLeft(RecordedQuads value, [ConstantExpected] int count) =>
        new(new(QuadOperation.ShiftLeft, value.Expression, Number: count));

    public static RecordedQuads LookUp(RecordedQuads table, RecordedQuads indices) => Of(QuadOperation.LookUp, table, indices);

    public static RecordedQuads Table(ReadOnlySpan<byte> entries) =>
        new(new(QuadOperation.Table, Bytes: MemoryMarshal.Read<UInt128>(entries)));

    private static RecordedQuads Of(QuadOperation operation, RecordedQuads left, RecordedQuads right) =>
        new(new(operation, left.Expression, right.Expression));
}
