using Formation.Inference.Kernels.Machine;

namespace Formation.Inference.Node.Weights.Manifests;

/// <summary>
/// Whether a file's stamp says enough. A file that is written to twice within one tick of its file system's clock has the same stamp both times, so
/// what was found in a file that has only just been written is not remembered.
/// </summary>
static class FileRest
{
    /// <summary>The coarsest clock of a file system in use.</summary>
    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(2);

    /// <param name="stamp">The file's stamp.</param>
    /// <param name="readFrom">When reading it began.</param>
    public static bool Rested(FileStamp stamp, DateTimeOffset readFrom)
    {
        var changed = Math.Max(stamp.ChangedNanoseconds, stamp.ModifiedNanoseconds);
        return changed / 1_000_000 < (readFrom - Tick).ToUnixTimeMilliseconds();
    }
}
