using System.Runtime.Intrinsics.X86;
using Formation.Inference.Kernels.Inputs;
using Formation.Inference.Kernels.MachineCode;
using Formation.Inference.Kernels.Packing;

namespace Formation.Inference.Kernels.Tiles;

/// <summary>Whether this process can run the machine code of <see cref="DotTileCode"/>.</summary>
internal static class DotTile
{
    private const int Avx512VnniBit = 11;

    /// <summary>Whether the processor has the instruction and the system lets this process make code.</summary>
    internal static bool IsAvailable { get; } = HasInstruction() && CanRunCode();

    private static bool HasInstruction() =>
        Avx512BW.IsSupported && X86Base.CpuId(0, 0).Eax >= 7 && ((X86Base.CpuId(7, 0).Ecx >> Avx512VnniBit) & 1) != 0;

    private static bool CanRunCode()
    {
        var nothing = new Assembler();
        nothing.Ret();
        using var code = ExecutableCode.TryLoad(nothing.Assemble());
        return code is not null;
    }
}

/// <summary>The machine code for one format, made when the format is first multiplied and kept for the life of the process.</summary>
internal static unsafe class DotTile<TFormat>
    where TFormat : struct, IIntegerFormat
{
    private static readonly int Most =
        TFormat.BlockColumns > TFormat.GroupColumns ? DotTileCode.MostRowsOfGroups : DotTileCode.MostRowsOfBlocks;

    private static readonly ExecutableCode?[] Code = Load();

    /// <summary>Whether the code is there; the intrinsics compute otherwise.</summary>
    internal static bool IsAvailable { get; } = Code.Length > 0 && Code.All(code => code is not null);

    /// <summary>As <see cref="IntegerTile{TQuads, TFormat}.Accumulate"/>.</summary>
    internal static void Accumulate(in IntegerPanel panel, int blocks, in InputRows x, int rows, float* sums)
    {
        var arguments = new DotTileArguments
        {
            Levels = panel.Levels,
            LevelsEnd = panel.Levels + blocks * (TFormat.BlockColumns / 4) * IntegerPanel.QuadBytes,
            GroupScales = panel.GroupScales,
            Minimums = panel.Minimums,
            Scales = panel.Scales,
            InputStride = x.Stride,
            InputScaleStride = x.ScaleStride * sizeof(float),
            InputSumStride = x.SumStride * sizeof(short),
        };
        var whole = rows / Most * Most;
        if (whole > 0)
            Run(Most, 0, whole / Most, ref arguments, x, sums);
        if (rows > whole)
            Run(rows - whole, whole, 1, ref arguments, x, sums);
    }

    private static void Run(int tileRows, int row, int repeats, ref DotTileArguments arguments, in InputRows x, float* sums)
    {
        arguments.Inputs = x.Quants(row);
        arguments.InputScales = x.Scales(row);
        arguments.InputSums = x.Sums(row);
        arguments.Sums = sums + row * IntegerPanel.Outputs;
        arguments.Repeats = repeats;
        fixed (DotTileArguments* pointer = &arguments)
            ((delegate* unmanaged<DotTileArguments*, void>)Code[tileRows - 1]!.EntryPoint)(pointer);
    }

    private static ExecutableCode?[] Load()
    {
        if (!DotTile.IsAvailable)
            return [];
        var shape = new DotTileShape(TFormat.BlockColumns, TFormat.GroupColumns, TFormat.Zero, TFormat.HasOffsets);
        return [.. Enumerable.Range(1, Most).Select(rows => ExecutableCode.TryLoad(DotTileCode.Write(shape, rows)))];
    }
}
