namespace Formation.Inference.Kernels.MachineCode;

/// <summary>Prefixes and operand bytes: what the instructions are made of.</summary>
internal sealed partial class Assembler
{
    // Opcode maps by their number in a VEX or EVEX prefix.
    private const int Map0F = 1;
    private const int Map0F38 = 2;
    private const int Map0F3A = 3;

    /// <summary>A prefix of older encodings that became two bits of VEX and EVEX.</summary>
    private enum Mandatory
    {
        None = 0,
        P66 = 1,
        PF3 = 2,
        PF2 = 3,
    }

    /// <summary>How a vector instruction reads memory, which says what one step of an 8-bit displacement is worth.</summary>
    private enum Reading
    {
        /// <summary>A whole vector, or one dword of it broadcast.</summary>
        Full,

        /// <summary>One dword.</summary>
        Dword,

        /// <summary>As many 16-bit numbers as a vector has dwords.</summary>
        Half,

        /// <summary>As many bytes as a vector has dwords.</summary>
        Quarter,
    }

    /// <summary>opcode with a register in the middle of ModRM and a register at its end, both of 64 bits.</summary>
    private void Wide(byte opcode, int register, Gpr rm)
    {
        Rex(wide: true, register, 0, (int)rm);
        Emit(opcode);
        ModRm(register, (int)rm);
    }

    private void Wide(byte opcode, int register, Address address)
    {
        Rex(wide: true, register, (int)(address.Index ?? 0), (int)address.Base);
        Emit(opcode);
        Memory(register, address);
    }

    private void Rex(bool wide, int register, int index, int @base)
    {
        var bits = (wide ? 8 : 0) | (High(register) << 2) | (High(index) << 1) | High(@base);
        if (bits != 0)
            Emit(0x40 | bits);
    }

    /// <summary>A VEX instruction of 128 bits: the form of all tile instructions.</summary>
    private void Vex(Mandatory prefix, int map, byte opcode, int register, int second, int rm)
    {
        VexPrefix(prefix, map, register, second, 0, rm);
        Emit(opcode);
        ModRm(register, rm);
    }

    private void Vex(Mandatory prefix, int map, byte opcode, int register, Address address, bool needsSib)
    {
        VexPrefix(prefix, map, register, 0, (int)(address.Index ?? 0), (int)address.Base);
        Emit(opcode);
        Memory(register, address, needsSib: needsSib);
    }

    private void VexPrefix(Mandatory prefix, int map, int register, int second, int index, int @base)
    {
        Emit(0xC4);
        // The high bits of register numbers stand inverted in VEX and EVEX.
        Emit(((High(register) ^ 1) << 7) | ((High(index) ^ 1) << 6) | ((High(@base) ^ 1) << 5) | map);
        Emit(((~second & 0xF) << 3) | (int)prefix);
    }

    /// <summary>An EVEX instruction on 512 bits, without a mask.</summary>
    private void Evex(Mandatory prefix, int map, byte opcode, int register, int second, VectorSource source, Reading reading = Reading.Full)
    {
        if (source.Register is { } last)
        {
            EvexPrefix(prefix, map, register, second, (int)last >> 4, (int)last, broadcast: false);
            Emit(opcode);
            ModRm(register, (int)last);
            return;
        }
        var address = source.Address;
        EvexPrefix(prefix, map, register, second, High((int)(address.Index ?? 0)), (int)address.Base, source.IsBroadcast);
        Emit(opcode);
        var unit = source.IsBroadcast ? 4 : reading switch { Reading.Dword => 4, Reading.Quarter => 16, Reading.Half => 32, _ => 64 };
        Memory(register, address, displacementUnit: unit);
    }

    private void EvexPrefix(Mandatory prefix, int map, int register, int second, int extension, int @base, bool broadcast)
    {
        const int length512 = 2 << 5;
        Emit(0x62);
        Emit(((High(register) ^ 1) << 7) | ((extension ^ 1) << 6) | ((High(@base) ^ 1) << 5) | (((register >> 4) ^ 1) << 4) | map);
        Emit(((~second & 0xF) << 3) | 0x04 | (int)prefix);
        Emit(length512 | (broadcast ? 0x10 : 0) | (((second >> 4) ^ 1) << 3));
    }

    private void ModRm(int register, int rm) => Emit(0xC0 | (Low(register) << 3) | Low(rm));

    /// <summary>ModRM, SIB and displacement of a memory operand.</summary>
    /// <param name="register">What stands in the middle of ModRM: a register, or a further part of the opcode.</param>
    /// <param name="address">The operand.</param>
    /// <param name="displacementUnit">An 8-bit displacement counts in these bytes.</param>
    /// <param name="needsSib">Whether the instruction knows no form without SIB.</param>
    private void Memory(int register, Address address, int displacementUnit = 1, bool needsSib = false)
    {
        const int sibFollows = 4, noIndex = 4, noDisplacementFor = 5;
        var low = Low((int)address.Base);
        var steps = Math.DivRem(address.Displacement, displacementUnit, out var rest);
        // Base registers whose low bits are 5 have no form without displacement: that code means something else.
        var mode = address.Displacement == 0 && low != noDisplacementFor ? 0 : rest == 0 && steps == (sbyte)steps ? 1 : 2;
        if (address.Index is not null || low == sibFollows || needsSib)
        {
            Emit((mode << 6) | (Low(register) << 3) | sibFollows);
            var index = address.Index is { } given ? Low((int)given) : noIndex;
            Emit((int.Log2(address.Scale) << 6) | (index << 3) | low);
        }
        else
        {
            Emit((mode << 6) | (Low(register) << 3) | low);
        }
        if (mode == 1)
            Emit((byte)steps);
        else if (mode == 2)
            EmitInt32(address.Displacement);
    }

    private static int Low(int register) => register & 7;

    private static int High(int register) => (register >> 3) & 1;
}
