using Formation.Inference.Kernels.Amx;
using Formation.Inference.Kernels.Machine;

namespace Formation.Inference.Kernels.Threading;

/// <summary>
/// Makes a thread fit for matrix tiles. A thread that lives for computing does so at its start, so that <see
/// cref="WorkerTeam.RunOnTileThreads"/> lets it work instead of handing everything to others.
/// </summary>
public sealed class TileThread : IDisposable
{
    private readonly SignalStack _signalStack = SignalStack.Install();

    private TileThread()
    {
    }

    /// <summary>Prepares the current thread, which has to be one of the caller's own, not of a pool.</summary>
    /// <returns>
    /// To be disposed of on the same thread before it ends; null where nothing is to be done: this machine has no tiles, or the thread is
    /// prepared already.
    /// </returns>
    public static TileThread? Prepare() => TileUnit.Support == AmxSupport.Usable ? PrepareAnyway() : null;

    internal static TileThread? PrepareAnyway() => SignalStack.IsInstalled ? null : new TileThread();

    /// <exception cref="InvalidOperationException">Called on another thread.</exception>
    public void Dispose() => _signalStack.Dispose();
}
