using Formation.Inference.Kernels.Dispatch;

namespace Formation.Inference.Kernels.Vectors;

/// <summary>A kernel written once for all vector widths.</summary>
internal interface IVectorKernel
{
    void Run<TFloats>() where TFloats : struct, IFloats<TFloats>;

    /// <summary>The same one value at a time: the definition that the vectors are tested against.</summary>
    void RunScalar();
}

internal static class VectorKernel
{
    /// <summary>Runs a kernel on one path.</summary>
    public static void Run<TKernel>(in TKernel kernel, KernelPath path) where TKernel : struct, IVectorKernel
    {
        switch (path)
        {
            case KernelPath.Avx512 or KernelPath.Amx:
                kernel.Run<Floats512>();
                break;
            case KernelPath.Avx2:
                kernel.Run<Floats256>();
                break;
            case KernelPath.Vector128:
                kernel.Run<Floats128>();
                break;
            default:
                kernel.RunScalar();
                break;
        }
    }
}
