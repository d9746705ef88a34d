using Formation.Inference.Kernels.Dispatch;
using Formation.Inference.Kernels.Formats;
using Formation.Inference.Kernels.Tiles;

namespace Formation.Inference.Kernels.Tests.Dispatch;

public sealed class LinearKernelsTests
{
    [Theory]
    [InlineData(KernelPath.Scalar, "scalar")]
    [InlineData(KernelPath.Vector128, "intrinsics 128 bit")]
    [InlineData(KernelPath.Avx2, "intrinsics 256 bit")]
    public void Narrow_paths_compute_all_formats_without_machine_code(KernelPath path, string kernel)
    {
        foreach (var format in Enum.GetValues<TensorType>().Where(type => TensorTypeInfo.Find(type) is { IsComputed: true }))
            Assert.Equal(new LinearKernel(format, kernel, kernel), LinearKernels.Of(format, path));
    }

    [Fact]
    public void The_widest_path_tells_whether_the_machine_code_is_there()
    {
        var kernel = DotTile.IsAvailable ? "machine code AVX512-VNNI" : "intrinsics 512 bit";

        Assert.Equal(kernel, LinearKernels.Of(TensorType.Q4_K, KernelPath.Avx512).Rows);
        Assert.Equal(kernel, LinearKernels.Of(TensorType.Q4_K, KernelPath.Avx512).OneRow);
        Assert.Equal(LinearKernels.Of(TensorType.F16, KernelPath.Avx512), LinearKernels.Of(TensorType.F16, KernelPath.Amx));
    }

    [Theory]
    [InlineData(KernelPath.Scalar)]
    [InlineData(KernelPath.Avx512)]
    public void A_format_that_is_not_computed_has_no_kernel(KernelPath path) =>
        Assert.Throws<NotSupportedException>(() => LinearKernels.Of(TensorType.IQ1_S, path));
}
