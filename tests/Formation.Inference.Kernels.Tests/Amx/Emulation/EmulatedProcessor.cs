namespace Formation.Inference.Kernels.Tests.Amx.Emulation;

/// <summary>
/// Runs the machine code of the tile kernels without a matrix unit: the general instructions, jumps and tile instructions that <see
/// cref="Kernels.MachineCode.Assembler"/> writes for them, decoded from their bytes. Anything else is a fault.
/// </summary>
internal sealed unsafe class EmulatedProcessor
{
    private const int StackBytes = 256;
    private const int Rsp = 4, Rdi = 7;
    private const long ReturnAddress = 0x0123_4567_89AB_CDEF;

    // By the System V calling convention: rbx, rsp, rbp, r12 to r15.
    private static readonly int[] KeptRegisters = [3, 4, 5, 12, 13, 14, 15];

    private readonly EmulatedMemory _memory;
    private readonly long[] _registers = new long[16];
    private readonly byte[] _code;
    private int _next;
    private bool _zero;

    internal EmulatedProcessor(byte[] code, EmulatedMemory memory)
    {
        _code = code;
        _memory = memory;
        Tiles = new EmulatedTiles(memory);
    }

    internal EmulatedTiles Tiles { get; }

    /// <summary>Calls the code as a function of one argument and checks that it kept the calling convention.</summary>
    internal void Call(void* argument)
    {
        var stack = stackalloc byte[StackBytes];
        _memory.Allow(stack, StackBytes, writable: true);
        for (var register = 0; register < 16; register++)
            _registers[register] = 0x5151_0000 + register;
        _registers[Rdi] = (long)argument;
        _registers[Rsp] = (long)(stack + StackBytes);
        var kept = KeptRegisters.Select(register => _registers[register]).ToArray();
        Push(ReturnAddress);
        _next = 0;
        while (Step())
        {
        }
        if (!kept.SequenceEqual(KeptRegisters.Select(register => _registers[register])))
            throw new InvalidOperationException("a register that belongs to the caller was changed");
        if (Tiles.AreConfigured)
            throw new InvalidOperationException("the tiles were not released");
    }

    private bool Step()
    {
        if (_code[_next] == 0xC4)
        {
            Vex();
            return true;
        }
        var rex = 0;
        while (_code[_next] == 0x66)
            _next++;
        if ((_code[_next] & 0xF0) == 0x40)
            rex = _code[_next++];
        var opcode = _code[_next++];
        switch (opcode)
        {
            case 0xC3:
                return Pop() == ReturnAddress ? false : throw new InvalidOperationException("a return to an unknown place");
            case 0x0F:
                TwoBytes(rex);
                break;
            case >= 0x50 and <= 0x57:
                Push(_registers[(opcode & 7) | ((rex & 1) << 3)]);
                break;
            case >= 0x58 and <= 0x5F:
                _registers[(opcode & 7) | ((rex & 1) << 3)] = Pop();
                break;
            case 0x90:
                break;
            case 0x74:
            case 0x75:
                JumpIf(_zero == (opcode == 0x74), (sbyte)_code[_next++]);
                break;
            case 0xEB:
                JumpIf(true, (sbyte)_code[_next++]);
                break;
            case 0xE9:
                JumpIf(true, Int32());
                break;
            default:
                Wide(rex, opcode);
                break;
        }
        return true;
    }

    private void TwoBytes(int rex)
    {
        var opcode = _code[_next++];
        switch (opcode)
        {
            case 0x84:
            case 0x85:
                JumpIf(_zero == (opcode == 0x84), Int32());
                break;
            case 0x0D: // prefetches may point anywhere
            case 0x18:
            case 0x1F: // a long nop
                Operand(rex, vexSib: false);
                break;
            default:
                throw Unknown($"0f {opcode:x2}");
        }
    }

    private void Wide(int rex, int opcode)
    {
        if ((rex & 8) == 0)
            throw Unknown($"{opcode:x2} without REX.W");
        var operand = Operand(rex, vexSib: false);
        switch (opcode)
        {
            case 0x89:
                Write(operand, _registers[operand.Register]);
                break;
            case 0x8B:
                _registers[operand.Register] = Read(operand);
                break;
            case 0x8D when operand.IsMemory:
                _registers[operand.Register] = operand.Address;
                break;
            case 0xC7 when (operand.Register & 7) == 0:
                Write(operand, Int32());
                break;
            case 0x01:
                Write(operand, Flags(Read(operand) + _registers[operand.Register]));
                break;
            case 0x85:
                Flags(Read(operand) & _registers[operand.Register]);
                break;
            case 0xC1 when (operand.Register & 7) == 4:
                Write(operand, Flags(Read(operand) << _code[_next++]));
                break;
            case 0x81:
            case 0x83:
                long value = opcode == 0x81 ? Int32() : (sbyte)_code[_next++];
                if ((operand.Register & 7) is not (0 or 5))
                    throw Unknown($"{opcode:x2} /{operand.Register & 7}");
                Write(operand, Flags((operand.Register & 7) == 0 ? Read(operand) + value : Read(operand) - value));
                break;
            default:
                throw Unknown($"{opcode:x2}");
        }
    }

    private void Vex()
    {
        var first = _code[_next + 1];
        var second = _code[_next + 2];
        var opcode = _code[_next + 3];
        _next += 4;
        if ((first & 0x1F) != 2 || (second & 0x84) != 0)
            throw Unknown("VEX outside of the map 0f38, or of other than 128 bits");
        // Inverted in VEX: as in REX, a one stands for the upper eight registers.
        var rex = (~first >> 5) & 7;
        var third = (~second >> 3) & 0xF;
        var operand = Operand(rex, vexSib: opcode == 0x4B);
        switch (opcode, second & 3)
        {
            case (0x49, 0) when operand.IsMemory:
                Tiles.Configure(operand.Address);
                break;
            case (0x49, 0) when operand is { Register: 0, Rm: 0 }:
                Tiles.Release();
                break;
            case (0x49, 3) when !operand.IsMemory:
                Tiles.Zero(operand.Register);
                break;
            case (0x4B, 1):
            case (0x4B, 3):
                Tiles.Load(operand.Register, operand.AddressWithoutIndex, operand.Index);
                break;
            case (0x4B, 2):
                Tiles.Store(operand.Register, operand.AddressWithoutIndex, operand.Index);
                break;
            case (0x5C, 2) when !operand.IsMemory:
                Tiles.MultiplyBrain(operand.Register, operand.Rm, third);
                break;
            default:
                throw Unknown($"VEX {opcode:x2} with prefix {second & 3}");
        }
    }

    private Operand Operand(int rex, bool vexSib)
    {
        var modRm = _code[_next++];
        var register = ((modRm >> 3) & 7) | ((rex & 4) << 1);
        var mode = modRm >> 6;
        var rm = modRm & 7;
        if (mode == 3)
            return new Operand(register, rm | ((rex & 1) << 3), false, 0, 0);
        if (vexSib && rm != 4)
            throw Unknown("a tile in memory without SIB");
        if (mode == 0 && rm == 5)
            throw Unknown("an address relative to the instruction");
        long index = 0;
        if (rm == 4)
        {
            var sib = _code[_next++];
            var number = ((sib >> 3) & 7) | ((rex & 2) << 2);
            if (number != Rsp)
                index = _registers[number] << (sib >> 6);
            rm = sib & 7;
            if (mode == 0 && rm == 5)
                throw Unknown("an address without a base");
        }
        var place = _registers[rm | ((rex & 1) << 3)];
        place += mode switch { 1 => (sbyte)_code[_next++], 2 => Int32(), _ => 0 };
        return new Operand(register, rm, true, place, index);
    }

    private long Read(Operand operand) => operand.IsMemory ? *(long*)_memory.ForReading(operand.Address, 8) : _registers[operand.Rm];

    private void Write(Operand operand, long value)
    {
        if (operand.IsMemory)
            *(long*)_memory.ForWriting(operand.Address, 8) = value;
        else
            _registers[operand.Rm] = value;
    }

    private void Push(long value)
    {
        _registers[Rsp] -= 8;
        *(long*)_memory.ForWriting(_registers[Rsp], 8) = value;
    }

    private long Pop()
    {
        var value = *(long*)_memory.ForReading(_registers[Rsp], 8);
        _registers[Rsp] += 8;
        return value;
    }

    private long Flags(long result)
    {
        _zero = result == 0;
        return result;
    }

    private void JumpIf(bool taken, int distance)
    {
        if (taken)
            _next += distance;
    }

    private int Int32()
    {
        var value = BitConverter.ToInt32(_code, _next);
        _next += 4;
        return value;
    }

    private InvalidOperationException Unknown(string what) => new($"not emulated, before {_next:x}: {what}");
}

/// <param name="Register">The register in the middle of ModRM.</param>
/// <param name="Rm">The register at its end, where there is no memory operand.</param>
/// <param name="AddressWithoutIndex">Base and displacement.</param>
/// <param name="Index">The index register times the scale: for a tile, the bytes from one row to the next.</param>
internal readonly record struct Operand(int Register, int Rm, bool IsMemory, long AddressWithoutIndex, long Index)
{
    internal long Address => AddressWithoutIndex + Index;
}
