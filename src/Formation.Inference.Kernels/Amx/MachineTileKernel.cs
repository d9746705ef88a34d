using System.Diagnostics;
using Formation.Inference.Kernels.Machine;
using Formation.Inference.Kernels.MachineCode;
using Formation.Inference.Kernels.Threading;

namespace Formation.Inference.Kernels.Amx;

/// <summary>Passes on the processor's matrix unit.</summary>
internal sealed unsafe class MachineTileKernel : ITileKernel
{
    private static readonly Lazy<MachineTileKernel> OfThisProcess = new(() => new MachineTileKernel());

    // Kept for the life of the process: threads may be anywhere in it.
    private readonly ExecutableCode[] _code;

    private MachineTileKernel()
    {
        if (TileUnit.Support != AmxSupport.Usable)
            throw new InvalidOperationException($"the matrix tiles of this machine can't be used: {TileUnit.Support}");
        _code = [.. TilePassShape.All.Select(shape => ExecutableCode.TryLoad(TilePassCode.Assemble(shape))
            ?? throw new InvalidOperationException("the system gives no executable memory any more"))];
    }

    /// <summary>The kernel of this process.</summary>
    /// <exception cref="InvalidOperationException">The machine's tiles can't be used, see <see cref="TileUnit.Support"/>.</exception>
    public static MachineTileKernel Instance => OfThisProcess.Value;

    public void Run(TilePassShape shape, TilePass* pass)
    {
        Debug.Assert(SignalStack.IsInstalled, "tiles on a thread whose signal stack is too small for them");
        ((delegate* unmanaged<TilePass*, void>)_code[shape.Index].EntryPoint)(pass);
    }
}
