using System.Runtime.Intrinsics.X86;
using Formation.Inference.Kernels.MachineCode;
using Formation.Inference.Kernels.Packing;

namespace Formation.Inference.Kernels.Tiles;

/// <summary>The machine code of <see cref="FloatTileCode"/> for one format, made when the format is first multiplied and kept for the life of the process.</summary>
internal static unsafe class DirectFloatTile<TFormat>
    where TFormat : struct, IFloatFormat
{
    private static readonly ExecutableCode?[] Code = Load();

    /// <summary>Whether the code is there; the intrinsics compute otherwise.</summary>
    internal static bool IsAvailable { get; } = Code.Length > 0 && Code.All(code => code is not null);

    /// <summary>Adds the products of some columns of two strips to the sums, as <see cref="FloatTile{TFloats}.Accumulate"/> does.</summary>
    /// <param name="first">The first strip from its first column on.</param>
    /// <param name="second">The second strip, or the first again where there is none: its sums have no meaning then.</param>
    internal static void Accumulate(byte* first, byte* second, int columns, float* x, nint stride, int rows, float* sums)
    {
        var arguments = new FloatTileArguments
        {
            First = first,
            FirstEnd = first + (nint)columns * Strip.Outputs * TFormat.BlockBytes,
            Second = second,
            InputStride = stride * sizeof(float),
        };
        var whole = rows / FloatTileCode.MostRows * FloatTileCode.MostRows;
        if (whole > 0)
            Run(FloatTileCode.MostRows, whole / FloatTileCode.MostRows, ref arguments, x, sums);
        if (rows > whole)
            Run(rows - whole, 1, ref arguments, x + whole * stride, sums + whole * FloatPanel.Outputs);
    }

    private static void Run(int tileRows, int repeats, ref FloatTileArguments arguments, float* x, float* sums)
    {
        arguments.Inputs = x;
        arguments.Sums = sums;
        arguments.Repeats = repeats;
        fixed (FloatTileArguments* pointer = &arguments)
            ((delegate* unmanaged<FloatTileArguments*, void>)Code[tileRows - 1]!.EntryPoint)(pointer);
    }

    private static ExecutableCode?[] Load()
    {
        if (!Avx512BW.IsSupported)
            return [];
        return [.. Enumerable.Range(1, FloatTileCode.MostRows).Select(rows => ExecutableCode.TryLoad(FloatTileCode.Write(TFormat.Type, rows)))];
    }
}
