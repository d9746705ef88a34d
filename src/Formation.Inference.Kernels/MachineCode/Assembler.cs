using System.Buffers.Binary;

namespace Formation.Inference.Kernels.MachineCode;

/// <summary>
/// Writes x86-64 machine code for the instructions that .NET has no intrinsics for, and for the loops around them. One method for each
/// instruction, named by its mnemonic; operands in Intel's order, the destination first.
/// </summary>
/// <remarks>
/// Source: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2. The files Assembler.*.cs hold the groups of
/// instructions; this one the bytes and the jumps.
/// </remarks>
internal sealed partial class Assembler
{
    private const int Unbound = -1;

    private readonly List<byte> _bytes = [];
    private readonly List<int> _labels = [];
    private readonly List<(int Field, Label Target)> _openJumps = [];

    /// <summary>Bytes written so far.</summary>
    public int Length => _bytes.Count;

    /// <summary>A place in the code that jumps can name before it is known.</summary>
    public Label NewLabel()
    {
        _labels.Add(Unbound);
        return new Label(_labels.Count - 1);
    }

    /// <summary>Gives a label the current place.</summary>
    /// <exception cref="InvalidOperationException">It has one already.</exception>
    public void Bind(Label label)
    {
        if (_labels[label.Number] != Unbound)
            throw new InvalidOperationException("a label has one place only");
        _labels[label.Number] = Length;
    }

    /// <summary>A label at the current place: the begin of a loop.</summary>
    public Label Here()
    {
        var label = NewLabel();
        Bind(label);
        return label;
    }

    public void Jmp(Label target) => Jump(0xEB, [0xE9], target);

    public void Jcc(Condition condition, Label target) => Jump((byte)(0x70 + condition), [0x0F, (byte)(0x80 + condition)], target);

    /// <summary>The finished code.</summary>
    /// <exception cref="InvalidOperationException">A jump leads to a label that was given no place.</exception>
    public byte[] Assemble()
    {
        var code = _bytes.ToArray();
        foreach (var (field, target) in _openJumps)
        {
            var place = _labels[target.Number];
            if (place == Unbound)
                throw new InvalidOperationException("a jump leads to a label without a place");
            BinaryPrimitives.WriteInt32LittleEndian(code.AsSpan(field), place - (field + sizeof(int)));
        }
        return code;
    }

    private void Jump(byte shortOpcode, ReadOnlySpan<byte> nearOpcode, Label target)
    {
        var place = _labels[target.Number];
        if (place != Unbound && place - (Length + 2) >= sbyte.MinValue)
        {
            Emit(shortOpcode);
            Emit((byte)(place - (Length + 1)));
            return;
        }
        // A jump ahead takes the long form: the distance is not known yet.
        foreach (var part in nearOpcode)
            Emit(part);
        _openJumps.Add((Length, target));
        EmitInt32(0);
    }

    private void Emit(byte value) => _bytes.Add(value);

    private void Emit(int value) => _bytes.Add(checked((byte)value));

    private void EmitInt32(int value)
    {
        for (var shift = 0; shift < 32; shift += 8)
            _bytes.Add((byte)(value >> shift));
    }

    /// <summary>A place in the code.</summary>
    internal readonly record struct Label(int Number);
}
