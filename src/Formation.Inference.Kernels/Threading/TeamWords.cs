using System.Runtime.InteropServices;

namespace Formation.Inference.Kernels.Threading;

/// <summary>
/// The words through which the threads of a team meet. Those that change during a job lie alone on their cache lines (and on the
/// neighbours that processors fetch along), so that writing one does not slow down readers of another.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = 640)]
internal struct TeamWords
{
    /// <summary>
    /// Number of the call in the upper half, tasks not yet taken in the lower: one word, so that a late worker can't take a task of another
    /// call.
    /// </summary>
    [FieldOffset(0)]
    public long Ticket;

    /// <summary>The number of the call by itself: what idle workers park on.</summary>
    [FieldOffset(4)]
    public int Call;

    /// <summary>Tasks of the call that have not ended.</summary>
    [FieldOffset(128)]
    public int Unfinished;

    /// <summary>Not 0 where a worker parked, or is about to, since the last wake-up.</summary>
    [FieldOffset(256)]
    public int WorkersMayBeParked;

    [FieldOffset(384)]
    public int CallerIsParked;

    /// <summary>The last call for which the stand-in of the caller was wanted.</summary>
    [FieldOffset(512)]
    public int StandInCall;
}
