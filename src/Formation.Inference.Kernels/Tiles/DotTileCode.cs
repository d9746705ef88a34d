using System.Runtime.InteropServices;
using Formation.Inference.Kernels.MachineCode;
using Formation.Inference.Kernels.Packing;
using static Formation.Inference.Kernels.MachineCode.Gpr;

namespace Formation.Inference.Kernels.Tiles;

/// <summary>
/// Writes the machine code of <see cref="IntegerTile{TQuads, TFormat}"/> for processors with AVX512_VNNI, whose instruction that adds four
/// products of bytes at once .NET does not offer. The same skeleton with more rows at a time, since there are more registers to hold
/// them; the same numbers to the bit.
/// </summary>
/// <remarks>
/// A tile has <see cref="IntegerPanel.Outputs"/> outputs in two vectors. The rows' addresses are formed from two base registers and one
/// and three strides, which reaches eight rows.
/// </remarks>
internal sealed class DotTileCode
{
    /// <summary>Most rows of a tile whose format has no groups: sixteen sums leave room for what is loaded.</summary>
    internal const int MostRowsOfBlocks = 8;

    /// <summary>Most rows of a tile whose format has groups: each sum has a second register for the group under way.</summary>
    internal const int MostRowsOfGroups = 6;

    private const int VectorBytes = 64;
    private const int QuadBytes = IntegerPanel.QuadBytes;
    private const int OutputBytes = IntegerPanel.Outputs * sizeof(float);

    // Fixed registers. The arguments come in rdi.
    private const Gpr Levels = Rsi, Inputs = Rdx, FourthInputs = R9, Stride = Rcx, ThreeStrides = R8;
    private const Gpr Sums = R10, PanelScales = R11, InputsOfTile = R13, ScalesOfTile = R14, InputSumsOfTile = R15;
    private const Zmm Input = Zmm.Zmm26, Temporary = Zmm.Zmm27, Second = Zmm.Zmm28, InputScale = Zmm.Zmm29;
    private const Zmm MinusZero = Zmm.Zmm30, Ones = Zmm.Zmm31;

    private readonly Assembler _code = new();
    private readonly DotTileShape _shape;
    private readonly int _rows;

    private DotTileCode(DotTileShape shape, int rows)
    {
        _shape = shape;
        _rows = rows;
    }

    /// <summary>The code for so many rows at a time, 1 to the most.</summary>
    internal static byte[] Write(DotTileShape shape, int rows)
    {
        var tile = new DotTileCode(shape, rows);
        tile.Write();
        return tile._code.Assemble();
    }

    private bool HasGroups => _shape.BlockColumns > _shape.GroupColumns;

    private static Zmm Part(int row, int vector) => (Zmm)(2 * row + vector);

    /// <summary>The sums over groups; the parts themselves where there are none.</summary>
    private Zmm Sum(int row, int vector) => HasGroups ? (Zmm)(12 + 2 * row + vector) : Part(row, vector);

    private void Write()
    {
        Gpr[] saved = [Rbx, Rbp, R12, R13, R14, R15];
        foreach (var register in saved)
            _code.Push(register);
        Load(Stride, nameof(DotTileArguments.InputStride));
        _code.Lea(ThreeStrides, Address.At(Stride, Stride, 2));
        Load(InputsOfTile, nameof(DotTileArguments.Inputs));
        Load(ScalesOfTile, nameof(DotTileArguments.InputScales));
        Load(InputSumsOfTile, nameof(DotTileArguments.InputSums));
        Load(Sums, nameof(DotTileArguments.Sums));
        BroadcastPair(Ones, 1);
        BroadcastPair(MinusZero, -_shape.Zero);

        var tile = _code.Here();
        Load(Levels, nameof(DotTileArguments.Levels));
        Load(PanelScales, nameof(DotTileArguments.Scales));
        _code.Mov(Inputs, InputsOfTile);
        if (HasGroups)
            WriteGroups();
        else
            WriteBlocks();
        Advance(InputsOfTile, nameof(DotTileArguments.InputStride));
        Advance(ScalesOfTile, nameof(DotTileArguments.InputScaleStride));
        Advance(InputSumsOfTile, nameof(DotTileArguments.InputSumStride));
        _code.Add(Sums, _rows * OutputBytes);
        Load(Rax, nameof(DotTileArguments.Repeats));
        _code.Sub(Rax, 1);
        _code.Mov(Argument(nameof(DotTileArguments.Repeats)), Rax);
        _code.Jcc(Condition.NotEqual, tile);

        _code.Vzeroupper();
        foreach (var register in saved.Reverse())
            _code.Pop(register);
        _code.Ret();
    }

    private void WriteBlocks()
    {
        _code.Mov(Rbx, ScalesOfTile);
        _code.Mov(Rbp, InputSumsOfTile);
        var block = _code.Here();
        LoadFourthInputs();
        _code.Mov(Rax, Rbp);
        for (var row = 0; row < _rows; row++)
        {
            // The zero level's products are taken off first: a pair of input sums times minus the level.
            for (var vector = 0; vector < 2; vector++)
                Clear(Part(row, vector));
            if (_shape.Zero != 0)
            {
                _code.Vpdpwssd(Part(row, 0), MinusZero, Address.At(Rax).Broadcast());
                _code.Vmovaps(Part(row, 1), Part(row, 0));
                if (row + 1 < _rows)
                    _code.Add(Rax, Argument(nameof(DotTileArguments.InputSumStride)));
            }
        }
        WriteQuads(_shape.BlockColumns / 4);

        _code.Mov(Rax, Rbx);
        _code.Mov(R12, Rbp);
        for (var row = 0; row < _rows; row++)
        {
            _code.Vbroadcastss(InputScale, Address.At(Rax));
            for (var vector = 0; vector < 2; vector++)
                AddScaled(row, vector, Part(row, vector), vector * VectorBytes);
            if (_shape.HasOffsets)
            {
                Clear(Temporary);
                _code.Vpdpwssd(Temporary, Ones, Address.At(R12).Broadcast());
                _code.Vcvtdq2ps(Temporary, Temporary);
                _code.Vmulps(Temporary, Temporary, InputScale);
                for (var vector = 0; vector < 2; vector++)
                {
                    var sum = Address.At(Sums, row * OutputBytes + vector * VectorBytes);
                    _code.Vmovups(Second, sum);
                    _code.Vfmadd231ps(
                        Second, Temporary, Address.At(PanelScales, IntegerPanel.OffsetsFromScales + vector * VectorBytes));
                    _code.Vmovups(sum, Second);
                }
            }
            NextRow(row);
        }

        _code.Add(Levels, _shape.BlockColumns / 4 * QuadBytes);
        _code.Add(Inputs, _shape.BlockColumns);
        _code.Add(Rbx, sizeof(float));
        _code.Add(Rbp, _shape.BlockColumns / 16 * sizeof(short));
        _code.Add(PanelScales, OutputBytes);
        _code.Cmp(Levels, Argument(nameof(DotTileArguments.LevelsEnd)));
        _code.Jcc(Condition.Below, block);
    }

    private void WriteGroups()
    {
        Load(Rbp, nameof(DotTileArguments.GroupScales));
        for (var row = 0; row < _rows; row++)
        {
            Clear(Sum(row, 0));
            Clear(Sum(row, 1));
        }
        var group = _code.Here();
        LoadFourthInputs();
        for (var row = 0; row < _rows; row++)
        {
            Clear(Part(row, 0));
            Clear(Part(row, 1));
        }
        WriteQuads(_shape.GroupColumns / 4);
        for (var vector = 0; vector < 2; vector++)
        {
            _code.Vmovdqu32(Temporary, Address.At(Rbp, vector * VectorBytes));
            for (var row = 0; row < _rows; row++)
            {
                _code.Vpmulld(Part(row, vector), Part(row, vector), Temporary);
                _code.Vpaddd(Sum(row, vector), Sum(row, vector), Part(row, vector));
            }
        }
        _code.Add(Levels, _shape.GroupColumns / 4 * QuadBytes);
        _code.Add(Inputs, _shape.GroupColumns);
        _code.Add(Rbp, OutputBytes);
        _code.Cmp(Levels, Argument(nameof(DotTileArguments.LevelsEnd)));
        _code.Jcc(Condition.Below, group);

        Load(Rbp, nameof(DotTileArguments.Minimums));
        _code.Mov(Rax, ScalesOfTile);
        _code.Mov(R12, InputSumsOfTile);
        for (var row = 0; row < _rows; row++)
        {
            _code.Vbroadcastss(InputScale, Address.At(Rax));
            Clear(Part(row, 0));
            Clear(Part(row, 1));
            for (var pair = 0; pair < _shape.BlockColumns / 32; pair++)
            {
                _code.Vpbroadcastd(Input, Address.At(R12, pair * sizeof(int)));
                for (var vector = 0; vector < 2; vector++)
                    _code.Vpdpwssd(Part(row, vector), Input, Address.At(Rbp, pair * OutputBytes + vector * VectorBytes));
            }
            for (var vector = 0; vector < 2; vector++)
            {
                AddScaled(row, vector, Sum(row, vector), vector * VectorBytes);
                AddScaled(row, vector, Part(row, vector), IntegerPanel.OffsetsFromScales + vector * VectorBytes);
            }
            NextRow(row);
        }
    }

    /// <summary>Adds the products of neighbouring quads to the parts.</summary>
    private void WriteQuads(int quads)
    {
        // The first two of the registers that are free while quads are multiplied.
        const Zmm level0 = Temporary, level1 = Second;
        for (var quad = 0; quad < quads; quad++)
        {
            _code.Vmovdqu32(level0, Address.At(Levels, quad * QuadBytes));
            _code.Vmovdqu32(level1, Address.At(Levels, quad * QuadBytes + VectorBytes));
            for (var row = 0; row < _rows; row++)
            {
                _code.Vpbroadcastd(Input, InputsOf(row, quad * 4));
                _code.Vpdpbusd(Part(row, 0), level0, Input);
                _code.Vpdpbusd(Part(row, 1), level1, Input);
            }
        }
    }

    /// <summary>sums += float(value) · (panel scale · input scale).</summary>
    private void AddScaled(int row, int vector, Zmm value, int scaleOffset)
    {
        var sum = Address.At(Sums, row * OutputBytes + vector * VectorBytes);
        _code.Vcvtdq2ps(value, value);
        _code.Vmulps(Temporary, InputScale, Address.At(PanelScales, scaleOffset));
        _code.Vmovups(Second, sum);
        _code.Vfmadd231ps(Second, value, Temporary);
        _code.Vmovups(sum, Second);
    }

    private void NextRow(int row)
    {
        if (row + 1 == _rows)
            return;
        _code.Add(Rax, Argument(nameof(DotTileArguments.InputScaleStride)));
        _code.Add(R12, Argument(nameof(DotTileArguments.InputSumStride)));
    }

    private void LoadFourthInputs()
    {
        if (_rows > 4)
            _code.Lea(FourthInputs, Address.At(Inputs, Stride, 4));
    }

    private static Address InputsOf(int row, int offset)
    {
        var first = row < 4 ? Inputs : FourthInputs;
        return (row % 4) switch
        {
            0 => Address.At(first, offset),
            1 => Address.At(first, Stride, 1, offset),
            2 => Address.At(first, Stride, 2, offset),
            _ => Address.At(first, ThreeStrides, 1, offset),
        };
    }

    private void Clear(Zmm register) => _code.Vpxord(register, register, register);

    private void BroadcastPair(Zmm register, short value)
    {
        _code.Mov(Rax, (ushort)value | (value << 16));
        _code.Vpbroadcastd(register, Rax);
    }

    private void BroadcastPair(Zmm register, int value) => BroadcastPair(register, (short)value);

    /// <summary>Moves a pointer on by the tile's rows.</summary>
    private void Advance(Gpr pointer, string stride)
    {
        for (var row = 0; row < _rows; row++)
            _code.Add(pointer, Argument(stride));
    }

    private void Load(Gpr register, string field) => _code.Mov(register, Argument(field));

    private static Address Argument(string field) => Address.At(Rdi, (int)Marshal.OffsetOf<DotTileArguments>(field));
}

/// <summary>What the code of a tile depends on, see <see cref="IIntegerFormat"/>.</summary>
internal readonly record struct DotTileShape(int BlockColumns, int GroupColumns, int Zero, bool HasOffsets);
