namespace Formation.Inference.Kernels.Tiles;

/// <summary>How a register of quads is computed; equal expressions have equal values.</summary>
/// <param name="Number">What the operation takes beside registers: a displacement, a count of bits, or the dword that is repeated.</param>
/// <param name="Bytes">A table's.</param>
internal sealed record QuadExpression(
    QuadOperation Operation, QuadExpression? Left = null, QuadExpression? Right = null, int Number = 0, UInt128 Bytes = default)
{
    /// <summary>Whether it is the same in all blocks.</summary>
    internal bool IsConstant => Operation is QuadOperation.Broadcast or QuadOperation.Table;

    /// <summary>This and everything it is computed from, operands first, as often as it is used.</summary>
    internal IEnumerable<QuadExpression> WithOperands() => [.. Left?.WithOperands() ?? [], .. Right?.WithOperands() ?? [], this];
}

/// <summary>The operations of <see cref="Vectors.IQuadBits{TSelf}"/>.</summary>
internal enum QuadOperation
{
    Load,
    Broadcast,
    Table,
    And,
    Or,
    ExclusiveOr,
    Multiply,
    ShiftRight,
    ShiftLeft,
    LookUp,
}
