using Formation.Inference.Kernels.Dispatch;
using Formation.Inference.Kernels.Formats;
using Formation.Inference.Kernels.Packing;
using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Tiles;

/// <summary>The products of two neighbouring strips of a weight with rows of an input: 32 outputs of each row.</summary>
internal static unsafe class StripPair
{
    /// <summary>Outputs of a pair.</summary>
    internal const int Outputs = IntegerPanel.Outputs;

    /// <summary>Most rows at a time: their sums stay in the second-level cache.</summary>
    internal const int MostRows = 512;

    /// <summary>Floats of scratch memory for the unpacked panel.</summary>
    internal static int PanelFloats => Math.Max(IntegerPanel.Floats, FloatPanel.Floats);

    /// <summary>Floats of the sums of so many rows.</summary>
    internal static int SumFloats(int rows) => (rows + 3) / 4 * 4 * Outputs;

    /// <summary>Computes the sums of a pair.</summary>
    /// <param name="pair">Which pair, from 0.</param>
    /// <param name="panel">Scratch memory.</param>
    /// <param name="sums">Shape: (rows, <see cref="Outputs"/>), with room as <see cref="SumFloats"/> says; overwritten.</param>
    internal static void Multiply(
        PackedMatrix weight, int pair, LinearInput x, int firstRow, int rows, float* panel, float* sums, KernelPath path)
    {
        new Span<float>(sums, SumFloats(rows)).Clear();
        var work = new Work(weight, pair, x, firstRow, rows, panel, sums);
        switch (path)
        {
            case KernelPath.Amx or KernelPath.Avx512:
                work.Run<Quads512, Floats512>();
                break;
            case KernelPath.Avx2:
                work.Run<Quads256, Floats256>();
                break;
            case KernelPath.Vector128:
                work.Run<Quads128, Floats128>();
                break;
            default:
                work.RunScalar();
                break;
        }
    }

    private readonly struct Work(PackedMatrix weight, int pair, LinearInput x, int firstRow, int rows, float* panel, float* sums)
    {
        private byte* First => weight.StripAt(2 * pair);

        private bool HasSecond => 2 * pair + 1 < weight.Strips;

        internal void Run<TQuads, TFloats>()
            where TQuads : struct, IQuads<TQuads>
            where TFloats : struct, IFloats<TFloats>
        {
            switch (weight.Type)
            {
                case TensorType.F32: Floats<TFloats, PackedF32>(); break;
                case TensorType.F16: Floats<TFloats, PackedF16>(); break;
                case TensorType.BF16: Floats<TFloats, PackedBF16>(); break;
                case TensorType.Q4_0: Integers<TQuads, TFloats, PackedQ4_0>(); break;
                case TensorType.Q4_1: Integers<TQuads, TFloats, PackedQ4_1>(); break;
                case TensorType.Q5_0: Integers<TQuads, TFloats, PackedQ5_0>(); break;
                case TensorType.Q5_1: Integers<TQuads, TFloats, PackedQ5_1>(); break;
                case TensorType.Q8_0: Integers<TQuads, TFloats, PackedQ8_0>(); break;
                case TensorType.Q2_K: Integers<TQuads, TFloats, PackedQ2_K>(); break;
                case TensorType.Q3_K: Integers<TQuads, TFloats, PackedQ3_K>(); break;
                case TensorType.Q4_K: Integers<TQuads, TFloats, PackedQ4_K>(); break;
                case TensorType.Q5_K: Integers<TQuads, TFloats, PackedQ5_K>(); break;
                case TensorType.Q6_K: Integers<TQuads, TFloats, PackedQ6_K>(); break;
                case TensorType.IQ4_NL: Integers<TQuads, TFloats, PackedIQ4_NL>(); break;
                case TensorType.IQ4_XS: Integers<TQuads, TFloats, PackedIQ4_XS>(); break;
                case TensorType.MXFP4: Integers<TQuads, TFloats, PackedMXFP4>(); break;
                default: throw RowShape.NotComputed(weight.Type);
            }
        }

        internal void RunScalar()
        {
            switch (weight.Type)
            {
                case TensorType.F32: Floats<PackedF32>(); break;
                case TensorType.F16: Floats<PackedF16>(); break;
                case TensorType.BF16: Floats<PackedBF16>(); break;
                case TensorType.Q4_0: Integers<PackedQ4_0>(); break;
                case TensorType.Q4_1: Integers<PackedQ4_1>(); break;
                case TensorType.Q5_0: Integers<PackedQ5_0>(); break;
                case TensorType.Q5_1: Integers<PackedQ5_1>(); break;
                case TensorType.Q8_0: Integers<PackedQ8_0>(); break;
                case TensorType.Q2_K: Integers<PackedQ2_K>(); break;
                case TensorType.Q3_K: Integers<PackedQ3_K>(); break;
                case TensorType.Q4_K: Integers<PackedQ4_K>(); break;
                case TensorType.Q5_K: Integers<PackedQ5_K>(); break;
                case TensorType.Q6_K: Integers<PackedQ6_K>(); break;
                case TensorType.IQ4_NL: Integers<PackedIQ4_NL>(); break;
                case TensorType.IQ4_XS: Integers<PackedIQ4_XS>(); break;
                case TensorType.MXFP4: Integers<PackedMXFP4>(); break;
                default: throw RowShape.NotComputed(weight.Type);
            }
        }

        private void Integers<TQuads, TFloats, TFormat>()
            where TQuads : struct, IQuads<TQuads>
            where TFloats : struct, IFloats<TFloats>
            where TFormat : struct, IIntegerFormat
        {
            var unpacked = new IntegerPanel(panel);
            if (LinearKernels.IsDirect(rows))
            {
                var blocks = weight.Columns / TFormat.BlockColumns;
                var input = x.Quantized(TFormat.BlockColumns, firstRow, 0);
                StripDot<TQuads, TFloats, TFormat>.Accumulate(First, blocks, input, sums);
                if (HasSecond)
                    StripDot<TQuads, TFloats, TFormat>.Accumulate(
                        First + weight.StripBytes, blocks, input, sums + Strip.Outputs);
                return;
            }
            for (var column = 0; column < weight.Columns; column += IntegerPanel.Columns)
            {
                var blocks = Math.Min(IntegerPanel.Columns, weight.Columns - column) / TFormat.BlockColumns;
                var strip = StripFrom<TFormat>(First, TFormat.BlockColumns, column);
                var ahead = Ahead<TFormat>(strip);
                PanelUnpacker.Integers<TFormat, TQuads, TFloats>(strip, ahead, blocks, unpacked);
                if (HasSecond)
                    PanelUnpacker.Integers<TFormat, TQuads, TFloats>(
                        strip + weight.StripBytes, ahead + weight.StripBytes, blocks, unpacked.SecondStrip());
                var inputs = x.Quantized(TFormat.BlockColumns, firstRow, column);
                if (LinearKernels.HasIntegerCode<TQuads, TFormat>())
                    DotTile<TFormat>.Accumulate(unpacked, blocks, inputs, rows, sums);
                else
                    IntegerTile<TQuads, TFormat>.Accumulate(unpacked, blocks, inputs, rows, sums);
            }
        }

        private void Integers<TFormat>()
            where TFormat : struct, IIntegerFormat
        {
            var unpacked = new IntegerPanel(panel);
            for (var column = 0; column < weight.Columns; column += IntegerPanel.Columns)
            {
                var blocks = Math.Min(IntegerPanel.Columns, weight.Columns - column) / TFormat.BlockColumns;
                PanelUnpacker.Integers<TFormat>(StripFrom<TFormat>(First, TFormat.BlockColumns, column), blocks, unpacked);
                if (HasSecond)
                    PanelUnpacker.Integers<TFormat>(
                        StripFrom<TFormat>(First + weight.StripBytes, TFormat.BlockColumns, column), blocks, unpacked.SecondStrip());
                IntegerTile<Quads128, TFormat>.AccumulateScalar(
                    unpacked, blocks, x.Quantized(TFormat.BlockColumns, firstRow, column), rows, sums);
            }
        }

        private void Floats<TFloats, TFormat>()
            where TFloats : struct, IFloats<TFloats>
            where TFormat : struct, IFloatFormat
        {
            for (var column = 0; column < weight.Columns; column += FloatPanel.Columns)
            {
                var columns = Math.Min(FloatPanel.Columns, weight.Columns - column);
                var first = StripFrom<TFormat>(First, 1, column);
                if (LinearKernels.HasFloatCode<TFloats, TFormat>())
                {
                    var second = HasSecond ? first + weight.StripBytes : first;
                    DirectFloatTile<TFormat>.Accumulate(first, second, columns, Inputs(column), weight.Columns, rows, sums);
                    continue;
                }
                PanelUnpacker.Floats<TFormat, TFloats>(first, columns, panel);
                if (HasSecond)
                    PanelUnpacker.Floats<TFormat, TFloats>(first + weight.StripBytes, columns, panel + Strip.Outputs);
                FloatTile<TFloats>.Accumulate(panel, columns, Inputs(column), weight.Columns, rows, sums);
            }
        }

        private void Floats<TFormat>()
            where TFormat : struct, IFloatFormat
        {
            for (var column = 0; column < weight.Columns; column += FloatPanel.Columns)
            {
                var columns = Math.Min(FloatPanel.Columns, weight.Columns - column);
                PanelUnpacker.Floats<TFormat>(StripFrom<TFormat>(First, 1, column), columns, panel);
                if (HasSecond)
                    PanelUnpacker.Floats<TFormat>(
                        StripFrom<TFormat>(First + weight.StripBytes, 1, column), columns, panel + Strip.Outputs);
                FloatTile.AccumulateScalar(panel, columns, Inputs(column), weight.Columns, rows, sums);
            }
        }

        /// <summary>What is unpacked a little later than a place of the first strip: at its end, the next pair's.</summary>
        private byte* Ahead<TFormat>(byte* place)
            where TFormat : struct, IIntegerFormat
        {
            var ahead = place + StripPrefetch.Bytes;
            return ahead - First < weight.StripBytes ? ahead : ahead + weight.StripBytes;
        }

        private float* Inputs(int column) => x.Values + (nint)firstRow * weight.Columns + column;

        private static byte* StripFrom<TFormat>(byte* strip, int blockColumns, int column)
            where TFormat : struct, IPackedFormat => strip + (nint)(column / blockColumns) * TFormat.BlockBytes * Strip.Outputs;
    }
}
