namespace Formation.Inference.Kernels.MachineCode;

/// <summary>The last operand of a vector instruction: a register, 64 bytes of memory, or one dword of memory for all lanes.</summary>
internal readonly struct VectorSource
{
    internal VectorSource(Address address, bool broadcast)
    {
        Address = address;
        IsBroadcast = broadcast;
    }

    private VectorSource(Zmm register) => Register = register;

    /// <summary>The register, or null for memory.</summary>
    public Zmm? Register { get; }

    public Address Address { get; }

    public bool IsBroadcast { get; }

    public static implicit operator VectorSource(Zmm register) => new(register);

    public static implicit operator VectorSource(Address address) => new(address, broadcast: false);
}
