using System.Buffers;
using System.IO.Pipelines;

namespace Formation.Inference.Cluster.Relays;

/// <summary>Copies bytes between two ends, both ways, without a look at them.</summary>
/// <param name="caller">Who asked.</param>
/// <param name="target">Who called back.</param>
/// <param name="moved">Told how many bytes went through, either way.</param>
/// <param name="clock">For the times of <see cref="IsStuck"/>.</param>
internal sealed class RelaySplice(RelayEnd caller, RelayEnd target, Action<long> moved, TimeProvider clock)
{
    private long _lastMoved = clock.GetTimestamp();
    private long _writingThere;
    private long _writingBack;

    /// <summary>Whether nothing moved for longer than this, or an end took nothing of what waits for it.</summary>
    public bool IsStuck(TimeSpan idle, TimeSpan stall) =>
        clock.GetElapsedTime(Volatile.Read(ref _lastMoved)) > idle || IsLonger(ref _writingThere, stall) || IsLonger(ref _writingBack, stall);

    /// <summary>Copies until one end closes or breaks; what that end said before still goes out to the other one.</summary>
    /// <param name="linger">How long that may take.</param>
    public async Task RunAsync(TimeSpan linger)
    {
        var there = CopyAsync(caller.Input, target.Output, isBack: false);
        var back = CopyAsync(target.Input, caller.Output, isBack: true);
        await Task.WhenAny(there, back);

        // What runs through here ends both directions at once; who has closed hears nothing any more.
        caller.Input.CancelPendingRead();
        target.Input.CancelPendingRead();
        var both = Task.WhenAll(there, back);
        if (await Task.WhenAny(both, Task.Delay(linger, clock)) != both)
            Cut();
        await both;
    }

    /// <summary>Ends both ends at once.</summary>
    public void Cut()
    {
        caller.Abort();
        target.Abort();
    }

    private bool IsLonger(ref long since, TimeSpan limit) => Volatile.Read(ref since) is var start and not 0 && clock.GetElapsedTime(start) > limit;

    private async Task CopyAsync(PipeReader from, PipeWriter to, bool isBack)
    {
        try
        {
            while (true)
            {
                var read = await from.ReadAsync();
                var bytes = read.Buffer.Length;
                foreach (var segment in read.Buffer)
                    to.Write(segment.Span);
                from.AdvanceTo(read.Buffer.End);
                if (bytes > 0 && !await FlushAsync(to, bytes, isBack))
                    return;
                if (read.IsCompleted || read.IsCanceled)
                    return;
            }
        }
        // However an end breaks, the other one only has to learn that it is over.
        catch (Exception)
        {
            Cut();
        }
    }

    private async ValueTask<bool> FlushAsync(PipeWriter to, long bytes, bool isBack)
    {
        Mark(isBack, clock.GetTimestamp());
        var flush = await to.FlushAsync();
        Mark(isBack, 0);
        Volatile.Write(ref _lastMoved, clock.GetTimestamp());
        moved(bytes);
        return !flush.IsCompleted && !flush.IsCanceled;
    }

    private void Mark(bool isBack, long since)
    {
        if (isBack)
            Volatile.Write(ref _writingBack, since);
        else
            Volatile.Write(ref _writingThere, since);
    }
}
