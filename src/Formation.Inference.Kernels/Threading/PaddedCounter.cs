using System.Runtime.InteropServices;

namespace Formation.Inference.Kernels.Threading;

/// <summary>
/// A counter that several threads write, alone on its cache lines so that they do not slow down readers of its neighbours.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = 192)]
internal struct PaddedCounter
{
    [FieldOffset(64)]
    public long Value;
}
