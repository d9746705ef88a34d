using System.Runtime.InteropServices;
using Formation.Inference.Kernels.Formats;
using Formation.Inference.Kernels.MachineCode;
using Formation.Inference.Kernels.Packing;
using static Formation.Inference.Kernels.MachineCode.Gpr;

namespace Formation.Inference.Kernels.Tiles;

/// <summary>
/// Writes the machine code of <see cref="FloatTile{TFloats}"/> for AVX-512, which reads half precision weights with the instruction for it that
/// .NET does not offer, straight from the strips: no panel. The same numbers to the bit.
/// </summary>
internal sealed class FloatTileCode
{
    /// <summary>Most rows of a tile: sixteen sums hide the latency of multiply-add.</summary>
    internal const int MostRows = 8;

    private const int VectorBytes = 64;
    private const int PrefetchBytes = StripPrefetch.Bytes;
    private const int OutputBytes = FloatPanel.Outputs * sizeof(float);

    private const Gpr First = Rsi, Second = R11, End = R9, Inputs = Rdx, FourthInputs = Rax;
    private const Gpr Stride = Rcx, ThreeStrides = R8, Sums = R10, InputsOfTile = Rbx;
    private const Zmm Weight0 = Zmm.Zmm16, Weight1 = Zmm.Zmm17;

    private readonly Assembler _code = new();
    private readonly TensorType _type;
    private readonly int _rows;

    private FloatTileCode(TensorType type, int rows)
    {
        _type = type;
        _rows = rows;
    }

    /// <summary>The code for so many rows at a time, 1 to the most.</summary>
    /// <param name="type">F32, F16 or BF16.</param>
    internal static byte[] Write(TensorType type, int rows)
    {
        var tile = new FloatTileCode(type, rows);
        tile.Write();
        return tile._code.Assemble();
    }

    private int ColumnBytes => (_type == TensorType.F32 ? sizeof(float) : sizeof(ushort)) * Strip.Outputs;

    private static Zmm Sum(int row, int vector) => (Zmm)(2 * row + vector);

    private void Write()
    {
        _code.Push(Rbx);
        Load(Stride, nameof(FloatTileArguments.InputStride));
        _code.Lea(ThreeStrides, Address.At(Stride, Stride, 2));
        Load(InputsOfTile, nameof(FloatTileArguments.Inputs));
        Load(Sums, nameof(FloatTileArguments.Sums));
        Load(End, nameof(FloatTileArguments.FirstEnd));

        var tile = _code.Here();
        Load(First, nameof(FloatTileArguments.First));
        Load(Second, nameof(FloatTileArguments.Second));
        _code.Mov(Inputs, InputsOfTile);
        if (_rows > 4)
            _code.Lea(FourthInputs, Address.At(Inputs, Stride, 4));
        for (var row = 0; row < _rows; row++)
        {
            Clear(Sum(row, 0));
            Clear(Sum(row, 1));
        }

        var column = _code.Here();
        _code.Prefetcht1(Address.At(First, PrefetchBytes));
        _code.Prefetcht1(Address.At(Second, PrefetchBytes));
        ReadWeights(Weight0, First);
        ReadWeights(Weight1, Second);
        for (var row = 0; row < _rows; row++)
        {
            var input = InputOf(row).Broadcast();
            _code.Vfmadd231ps(Sum(row, 0), Weight0, input);
            _code.Vfmadd231ps(Sum(row, 1), Weight1, input);
        }
        _code.Add(First, ColumnBytes);
        _code.Add(Second, ColumnBytes);
        _code.Add(Inputs, sizeof(float));
        if (_rows > 4)
            _code.Add(FourthInputs, sizeof(float));
        _code.Cmp(First, End);
        _code.Jcc(Condition.Below, column);

        for (var row = 0; row < _rows; row++)
        {
            for (var vector = 0; vector < 2; vector++)
            {
                var sum = Address.At(Sums, row * OutputBytes + vector * VectorBytes);
                _code.Vaddps(Sum(row, vector), Sum(row, vector), sum);
                _code.Vmovups(sum, Sum(row, vector));
            }
            _code.Add(InputsOfTile, Stride);
        }
        _code.Add(Sums, _rows * OutputBytes);
        Load(Rax, nameof(FloatTileArguments.Repeats));
        _code.Sub(Rax, 1);
        _code.Mov(Argument(nameof(FloatTileArguments.Repeats)), Rax);
        _code.Jcc(Condition.NotEqual, tile);

        _code.Vzeroupper();
        _code.Pop(Rbx);
        _code.Ret();
    }

    private void ReadWeights(Zmm weight, Gpr strip)
    {
        switch (_type)
        {
            case TensorType.F16:
                _code.Vcvtph2ps(weight, Address.At(strip));
                break;
            case TensorType.BF16:
                _code.Vpmovzxwd(weight, Address.At(strip));
                _code.Vpslld(weight, weight, 16);
                break;
            default:
                _code.Vmovups(weight, Address.At(strip));
                break;
        }
    }

    private static Address InputOf(int row)
    {
        var first = row < 4 ? Inputs : FourthInputs;
        return (row % 4) switch
        {
            0 => Address.At(first),
            1 => Address.At(first, Stride),
            2 => Address.At(first, Stride, 2),
            _ => Address.At(first, ThreeStrides),
        };
    }

    private void Clear(Zmm register) => _code.Vpxord(register, register, register);

    private void Load(Gpr register, string field) => _code.Mov(register, Argument(field));

    private static Address Argument(string field) => Address.At(Rdi, (int)Marshal.OffsetOf<FloatTileArguments>(field));
}
