using System.Numerics;
using System.Runtime.InteropServices;
using Formation.Inference.Kernels.Memory;
using Formation.Inference.Kernels.Threading;

namespace Formation.Inference.Kernels.Machine;

/// <summary>Measures how fast memory can be read: the limit of token generation, which reads every weight once for each step.</summary>
public static class MemoryBandwidth
{
    /// <summary>The most memory that a measurement takes.</summary>
    public const long MaxBytes = 512L << 20;

    private const int ChunkBytes = 4 << 20;
    private const int Passes = 4;

    /// <summary>Reads a large buffer a few times with all threads of a team; takes well under a second.</summary>
    /// <param name="team">The threads that read.</param>
    /// <param name="availableBytes">Free memory; at most an eighth of it is used.</param>
    /// <param name="clock">Measures the time.</param>
    /// <returns>Bytes a second of the fastest pass, or null where too little memory is free to leave the caches.</returns>
    public static double? Measure(WorkerTeam team, long availableBytes, TimeProvider clock)
    {
        var chunks = (int)(Math.Min(MaxBytes, availableBytes / 8) / ChunkBytes);
        if (chunks < 16)
            return null;
        using var buffer = new NativeBuffer((long)chunks * ChunkBytes);
        // The first pass writes: untouched pages all show the same zeros and would be read from the cache.
        team.Run(new FillJob(buffer), chunks);
        var sums = new ulong[chunks];
        var fastest = 0.0;
        for (var pass = 0; pass < Passes; pass++)
        {
            var start = clock.GetTimestamp();
            team.Run(new ReadJob(buffer, sums), chunks);
            var seconds = clock.GetElapsedTime(start).TotalSeconds;
            if (seconds > 0)
                fastest = Math.Max(fastest, buffer.Length / seconds);
        }
        GC.KeepAlive(sums);
        return fastest > 0 ? fastest : null;
    }

    private readonly struct FillJob(NativeBuffer buffer) : IJob
    {
        public void Execute(int task, int worker) => buffer.Span((long)task * ChunkBytes, ChunkBytes).Fill((byte)(task + 1));
    }

    private readonly struct ReadJob(NativeBuffer buffer, ulong[] sums) : IJob
    {
        public void Execute(int task, int worker)
        {
            var words = MemoryMarshal.Cast<byte, Vector<ulong>>(buffer.Span((long)task * ChunkBytes, ChunkBytes));
            Vector<ulong> first = default, second = default, third = default, fourth = default;
            for (var i = 0; i + 4 <= words.Length; i += 4)
            {
                first += words[i];
                second += words[i + 1];
                third += words[i + 2];
                fourth += words[i + 3];
            }
            sums[task] = Vector.Sum(first + second + third + fourth);
        }
    }
}
