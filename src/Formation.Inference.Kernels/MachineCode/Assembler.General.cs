namespace Formation.Inference.Kernels.MachineCode;

/// <summary>Moves, sums and comparisons of 64-bit general registers, prefetches, calls.</summary>
internal sealed partial class Assembler
{
    // Longest first; Intel's recommended sequences (volume 2, NOP).
    private static readonly byte[][] Nops =
    [
        [0x0F, 0x1F, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00],
        [0x0F, 0x1F, 0x80, 0x00, 0x00, 0x00, 0x00],
        [0x66, 0x0F, 0x1F, 0x44, 0x00, 0x00],
        [0x0F, 0x1F, 0x44, 0x00, 0x00],
        [0x0F, 0x1F, 0x40, 0x00],
        [0x0F, 0x1F, 0x00],
        [0x66, 0x90],
        [0x90],
    ];

    public void Mov(Gpr destination, Gpr source) => Wide(0x89, (int)source, destination);

    public void Mov(Gpr destination, Address source) => Wide(0x8B, (int)destination, source);

    public void Mov(Address destination, Gpr source) => Wide(0x89, (int)source, destination);

    /// <summary>Loads a number, its sign extended to 64 bits.</summary>
    public void Mov(Gpr destination, int value)
    {
        Wide(0xC7, 0, destination);
        EmitInt32(value);
    }

    public void Lea(Gpr destination, Address address) => Wide(0x8D, (int)destination, address);

    public void Add(Gpr destination, Gpr source) => Wide(0x01, (int)source, destination);

    public void Add(Gpr destination, Address source) => Wide(0x03, (int)destination, source);

    public void Add(Gpr destination, int value) => Immediate(0, destination, value);

    public void Sub(Gpr destination, Gpr source) => Wide(0x29, (int)source, destination);

    public void Sub(Gpr destination, Address source) => Wide(0x2B, (int)destination, source);

    public void Sub(Gpr destination, int value) => Immediate(5, destination, value);

    public void Cmp(Gpr left, Gpr right) => Wide(0x39, (int)right, left);

    public void Cmp(Gpr left, Address right) => Wide(0x3B, (int)left, right);

    public void Cmp(Gpr left, int right) => Immediate(7, left, right);

    public void Test(Gpr left, Gpr right) => Wide(0x85, (int)right, left);

    /// <summary>Multiplies by a power of two.</summary>
    public void Shl(Gpr destination, byte bits)
    {
        Wide(0xC1, 4, destination);
        Emit(bits);
    }

    public void Push(Gpr source)
    {
        Rex(wide: false, 0, 0, (int)source);
        Emit(0x50 + Low((int)source));
    }

    public void Pop(Gpr destination)
    {
        Rex(wide: false, 0, 0, (int)destination);
        Emit(0x58 + Low((int)destination));
    }

    public void Ret() => Emit(0xC3);

    /// <summary>Asks for a cache line in all levels of the cache. Never faults.</summary>
    public void Prefetcht0(Address address) => Prefetch(0x18, 1, address);

    /// <summary>Asks for a cache line in the second level and further out.</summary>
    public void Prefetcht1(Address address) => Prefetch(0x18, 2, address);

    /// <summary>Asks for a cache line that is going to be written.</summary>
    public void Prefetchw(Address address) => Prefetch(0x0D, 1, address);

    /// <summary>Fills up with instructions that do nothing, so that a loop begins where the processor fetches well.</summary>
    /// <param name="bytes">A power of two; the code is laid at the begin of a page.</param>
    public void Align(int bytes)
    {
        var missing = -Length & (bytes - 1);
        foreach (var nop in Nops)
        {
            for (; missing >= nop.Length; missing -= nop.Length)
            {
                foreach (var part in nop)
                    Emit(part);
            }
        }
    }

    private void Prefetch(byte opcode, int hint, Address address)
    {
        Rex(wide: false, 0, (int)(address.Index ?? 0), (int)address.Base);
        Emit(0x0F);
        Emit(opcode);
        Memory(hint, address);
    }

    private void Immediate(int operation, Gpr destination, int value)
    {
        var isShort = value == (sbyte)value;
        Wide((byte)(isShort ? 0x83 : 0x81), operation, destination);
        if (isShort)
            Emit((byte)value);
        else
            EmitInt32(value);
    }
}
