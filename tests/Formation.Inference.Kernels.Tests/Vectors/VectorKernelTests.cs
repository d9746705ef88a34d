using Formation.Inference.Kernels.Dispatch;
using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Tests.Vectors;

public sealed class VectorKernelTests
{
    [Theory]
    [InlineData(KernelPath.Scalar, 1)]
    [InlineData(KernelPath.Vector128, 4)]
    [InlineData(KernelPath.Avx2, 8)]
    [InlineData(KernelPath.Avx512, 16)]
    [InlineData(KernelPath.Amx, 16)]
    public void Each_path_runs_with_its_vectors_and_that_of_the_tiles_with_the_widest(KernelPath path, int lanes)
    {
        var seen = new int[1];
        VectorKernel.Run(new LaneCount(seen), path);
        Assert.Equal(lanes, seen[0]);
    }

    private readonly struct LaneCount(int[] seen) : IVectorKernel
    {
        public void Run<TFloats>() where TFloats : struct, IFloats<TFloats> => seen[0] = TFloats.Count;

        public void RunScalar() => seen[0] = 1;
    }
}
