using Formation.Inference.Kernels.Dispatch;

namespace Formation.Inference.Kernels.Tests.Dispatch;

public sealed class KernelPathsTests
{
    [Fact]
    public void The_widest_available_path_is_chosen_when_none_is_named()
    {
        Assert.Equal(KernelPaths.Available[^1], KernelPaths.Choose(null));
        Assert.Equal(KernelPaths.Available[^1], KernelPaths.Choose(" "));
        Assert.Equal(KernelPath.Scalar, KernelPaths.Available[0]);
    }

    [Fact]
    public void Each_available_path_can_be_named()
    {
        foreach (var path in KernelPaths.Available)
        {
            Assert.Equal(path, KernelPaths.Choose(KernelPaths.Name(path)));
            Assert.Equal(path, KernelPaths.Choose(KernelPaths.Name(path).ToUpperInvariant()));
        }
    }

    [Fact]
    public void An_unknown_name_is_refused_with_the_names_that_exist()
    {
        var error = Assert.Throws<InvalidOperationException>(() => KernelPaths.Choose("sse9"));
        Assert.Contains("sse9", error.Message);
        Assert.Contains("scalar", error.Message);
    }

    [Fact]
    public void A_path_that_the_processor_lacks_is_refused_rather_than_replaced()
    {
        foreach (var path in Enum.GetValues<KernelPath>().Except(KernelPaths.Available))
            Assert.Throws<InvalidOperationException>(() => KernelPaths.Choose(KernelPaths.Name(path)));
    }
}
