using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Formation.Inference.Kernels.Inputs;
using Formation.Inference.Kernels.MachineCode;
using Formation.Inference.Kernels.Packing;
using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Tiles;

/// <summary>
/// <see cref="StripDot{TQuads, TFloats, TFormat}"/> as machine code, made when the format is first multiplied and kept for the life of the
/// process.
/// </summary>
internal static unsafe class StripCode<TFormat>
    where TFormat : struct, IIntegerFormat
{
    // Blocks whose groups are unpacked before the code is called: with more, the first look at a block comes before the memory has answered.
    private const int MostBlocks = 2;
    private const int MostGroups = 16;
    private const int GroupBytes = 2 * MostGroups * Strip.Outputs;

    private static readonly ExecutableCode? Code = DotTile.IsAvailable ? ExecutableCode.TryLoad(StripCodeWriter<TFormat>.Write()) : null;

    private static int Groups
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => TFormat.BlockColumns / TFormat.GroupColumns;
    }

    /// <summary>Whether the code is there; the intrinsics compute otherwise.</summary>
    internal static bool IsAvailable { get; } = Code is not null;

    /// <summary>As <see cref="StripDot{TQuads, TFloats, TFormat}.Accumulate"/>.</summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Accumulate(byte* strip, int blocks, in InputRows x, float* sums)
    {
        var code = Code!.EntryPoint;
        var blockBytes = Strip.Outputs * TFormat.BlockBytes;
        StripCodeArguments arguments;
        arguments.Strip = strip;
        arguments.Blocks = blocks;
        arguments.Inputs = x.Quants(0);
        arguments.InputScales = x.Scales(0);
        arguments.InputSums = (int*)x.Sums(0);
        arguments.Sums = sums;
        if (Groups == 1)
        {
            ((delegate* unmanaged<StripCodeArguments*, void>)code)(&arguments);
            return;
        }

        // A block's are stored with those of a whole vector, over which the next one's come.
        var groupSums = stackalloc int[MostBlocks * MostGroups];
        var scratch = stackalloc byte[MostBlocks * GroupBytes];
        var inputSums = x.Sums(0);
        arguments.InputSums = groupSums;
        for (; blocks > 0; blocks -= MostBlocks)
        {
            arguments.Blocks = Math.Min(blocks, MostBlocks);
            arguments.Groups = TFormat.Groups(arguments.Strip, scratch);
            // Where they lie in the strip as they are needed, their distance is that of the blocks.
            arguments.GroupStride = arguments.Groups == scratch ? GroupBytes : blockBytes;
            SumGroups(inputSums).Store(groupSums);
            for (var block = 1; block < arguments.Blocks; block++)
            {
                TFormat.Groups(arguments.Strip + block * blockBytes, scratch + block * GroupBytes);
                SumGroups(inputSums + block * MostGroups).Store(groupSums + block * Groups);
            }
            // It takes less than a microsecond: a collection of garbage may wait for it, and the way to unmanaged code and back would show.
            ((delegate* unmanaged[SuppressGCTransition]<StripCodeArguments*, void>)code)(&arguments);
            arguments.Strip += MostBlocks * blockBytes;
            arguments.Inputs += MostBlocks * TFormat.BlockColumns;
            arguments.InputScales += MostBlocks;
            inputSums += MostBlocks * MostGroups;
        }
    }

    /// <summary>The sums of a block's groups from those of its sixteen times sixteen columns, times the zero level if there is one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> SumGroups(short* inputSums)
    {
        var parts = Vector256.Load(inputSums);
        var sums = TFormat.GroupColumns == 16
            ? Avx512F.ConvertToVector512Int32(parts)
            : Avx2.MultiplyAddAdjacent(parts, Vector256<short>.One).ToVector512Unsafe();
        return TFormat.Zero == 0 ? sums : sums * TFormat.Zero;
    }
}
