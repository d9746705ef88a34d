namespace Formation.Inference.Kernels.MachineCode;

/// <summary>A place in memory that an instruction names: base + index * scale + displacement.</summary>
internal readonly record struct Address
{
    private Address(Gpr @base, Gpr? index, int scale, int displacement)
    {
        Base = @base;
        Index = index;
        Scale = scale;
        Displacement = displacement;
    }

    public Gpr Base { get; }

    public Gpr? Index { get; }

    /// <summary>1, 2, 4 or 8.</summary>
    public int Scale { get; }

    /// <summary>Bytes.</summary>
    public int Displacement { get; }

    public static Address At(Gpr @base, int displacement = 0) => new(@base, null, 1, displacement);

    /// <summary>An address with an index; for a tile, the index register holds the bytes from one row to the next.</summary>
    /// <exception cref="ArgumentException">The index is the stack pointer, or the scale is none that an instruction can hold.</exception>
    public static Address At(Gpr @base, Gpr index, int scale = 1, int displacement = 0)
    {
        if (index == Gpr.Rsp)
            throw new ArgumentException("the stack pointer can't be an index", nameof(index));
        if (scale is not (1 or 2 or 4 or 8))
            throw new ArgumentException($"{scale} is no scale: an instruction multiplies its index by 1, 2, 4 or 8", nameof(scale));
        return new Address(@base, index, scale, displacement);
    }

    /// <summary>One dword at this address, repeated into all lanes of the instruction's vector.</summary>
    public VectorSource Broadcast() => new(this, broadcast: true);
}
