using System.Diagnostics.CodeAnalysis;

namespace Formation.Inference.Kernels.Vectors;

/// <summary>
/// What takes the levels of a weight out of their bits: the operations on quads that the unpacking of every format is made of. They compute
/// (<see cref="IQuads{TSelf}"/>), or are recorded to become machine code.
/// </summary>
internal unsafe interface IQuadBits<TSelf>
    where TSelf : struct, IQuadBits<TSelf>
{
    static abstract TSelf Load(void* source);

    static abstract TSelf Broadcast(int value);

    static abstract TSelf operator &(TSelf left, TSelf right);

    static abstract TSelf operator |(TSelf left, TSelf right);

    static abstract TSelf operator ^(TSelf left, TSelf right);

    /// <summary>Shifts 32-bit lanes; the upper bits of a byte move into the one below it.</summary>
    static abstract TSelf ShiftRight(TSelf value, [ConstantExpected] int count);

    /// <summary>Like <see cref="ShiftRight"/>, by a count that is not known in advance.</summary>
    static abstract TSelf ShiftRightBy(TSelf value, int count);

    static abstract TSelf ShiftLeft(TSelf value, [ConstantExpected] int count);

    /// <summary>For every byte the table's byte of that number.</summary>
    /// <param name="table">From <see cref="Table"/>.</param>
    /// <param name="indices">Bytes from 0 to 15.</param>
    static abstract TSelf LookUp(TSelf table, TSelf indices);

    /// <summary>A table of sixteen bytes.</summary>
    static abstract TSelf Table(ReadOnlySpan<byte> entries);

    /// <summary>Low halves of the products of int32.</summary>
    static abstract TSelf operator *(TSelf left, TSelf right);
}
