using System.Reflection;
using System.Runtime.Intrinsics.X86;
using Formation.Inference.Kernels.Dispatch;
using Formation.Inference.Kernels.Formats;
using Formation.Inference.Kernels.Memory;
using Formation.Inference.Kernels.Packing;
using Formation.Inference.Kernels.Tests.Formats;
using Formation.Inference.Kernels.Threading;
using Formation.Inference.Kernels.Tiles;
using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Tests.Tiles;

/// <summary>
/// The intrinsics of 512 bits for one row, which machine code stands in for where the processor has AVX512_VNNI: there no other test reaches
/// them.
/// </summary>
public sealed unsafe class StripDotTests : IDisposable
{
    private readonly WorkerTeam _team = new(1);

    public static TheoryData<TensorType> Formats() => [.. RandomRows.ComputedTypes.Where(type => TensorTypeInfo.Of(type).BlockSize > 1)];

    [Theory]
    [MemberData(nameof(Formats))]
    public void Intrinsics_of_512_bits_give_the_bits_of_the_scalar_twin(TensorType type)
    {
        Assert.SkipUnless(Avx512BW.IsSupported, "this processor has no AVX-512BW");
        var format = typeof(IIntegerFormat).Assembly.GetType($"{typeof(IIntegerFormat).Namespace}.Packed{type}", throwOnError: true)!;
        var compare = typeof(StripDotTests).GetMethod(nameof(Compare), BindingFlags.NonPublic | BindingFlags.Instance)!;
        foreach (var blocks in new[] { 1, 2, 5, 18 })
            compare.MakeGenericMethod(format).Invoke(this, [blocks]);
    }

    public void Dispose() => _team.Dispose();

    private void Compare<TFormat>(int blocks)
        where TFormat : struct, IIntegerFormat
    {
        const int outputs = Strip.Outputs;
        var columns = blocks * TFormat.BlockColumns;
        var bytes = RandomRows.Quantized(TFormat.Type, RandomRows.Values(outputs * columns, seed: blocks));
        using var stored = Filled(bytes);
        using var weight = PackedMatrix.Pack(new WeightMatrix(stored.Region, TFormat.Type, outputs, columns), _team, new HugePageArena());
        using var x = Filled<float>(RandomRows.Values(columns, seed: 3));
        using var y = Filled<float>(new float[outputs]);
        using var input = new LinearInput();
        input.Set(x.Region, 1, columns);
        Linear.Run([new(weight, default, y.Region)], input, LinearEnd.Store, _team, KernelPath.Scalar);

        var sums = stackalloc float[outputs];
        new Span<float>(sums, outputs).Clear();
        StripDot<Quads512, Floats512, TFormat>.AccumulateIntrinsics(
            weight.StripAt(0), blocks, input.Quantized(TFormat.BlockColumns, 0, 0), sums);

        for (var i = 0; i < outputs; i++)
            Assert.Equal(BitConverter.SingleToInt32Bits(((float*)y.Region.Pointer)[i]), BitConverter.SingleToInt32Bits(sums[i]));
    }

    private static NativeBuffer Filled<T>(ReadOnlySpan<T> values)
        where T : unmanaged
    {
        var buffer = new NativeBuffer(values.Length * sizeof(T));
        values.CopyTo(new Span<T>(buffer.Region.Pointer, values.Length));
        return buffer;
    }
}
