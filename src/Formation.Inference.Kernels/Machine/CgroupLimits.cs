namespace Formation.Inference.Kernels.Machine;

/// <summary>What a container or service manager allows this process (Linux control groups, versions 1 and 2).</summary>
/// <param name="Cpus">Processor time, in whole processors; null where there is no limit.</param>
/// <param name="MemoryBytes">Memory of the whole group; null where there is no limit.</param>
/// <param name="MemoryUsedBytes">Memory that the group uses and that can't simply be dropped, where there is a limit.</param>
public sealed record CgroupLimits(double? Cpus, long? MemoryBytes, long? MemoryUsedBytes)
{
    // Version 1 writes "no limit" as the largest multiple of a page.
    private const long NoLimitFrom = 1L << 60;

    /// <summary>The limits of this process.</summary>
    public static CgroupLimits Read() => Read(SystemFiles.OfThisMachine);

    internal static CgroupLimits Read(SystemFiles files)
    {
        double? cpus = null;
        long? memory = null, used = null;
        foreach (var (version, folder) in CgroupFolders.Of(files, "cpu"))
            cpus = Smaller(cpus, version == 2 ? CpusV2(files, folder) : CpusV1(files, folder));
        foreach (var (version, folder) in CgroupFolders.Of(files, "memory"))
        {
            var limit = files.Number($"{folder}/{(version == 2 ? "memory.max" : "memory.limit_in_bytes")}");
            if (limit is null or <= 0 or >= NoLimitFrom || limit >= memory)
                continue;
            memory = limit;
            used = version == 2
                ? Used(files, folder, "memory.current", "inactive_file")
                : Used(files, folder, "memory.usage_in_bytes", "total_inactive_file");
        }
        return new CgroupLimits(cpus, memory, used);
    }

    private static double? CpusV2(SystemFiles files, string folder)
    {
        // "quota period" in microseconds, or "max period"
        var parts = files.Lines($"{folder}/cpu.max") is [var line, ..] ? line.Split(' ') : [];
        return parts.Length == 2 ? Ratio(SystemFiles.Parse(parts[0]), SystemFiles.Parse(parts[1])) : null;
    }

    private static double? CpusV1(SystemFiles files, string folder) =>
        Ratio(files.Number($"{folder}/cpu.cfs_quota_us"), files.Number($"{folder}/cpu.cfs_period_us"));

    private static double? Ratio(long? quota, long? period) => quota > 0 && period > 0 ? (double)quota / period : null;

    private static double? Smaller(double? left, double? right) =>
        left is null || right is null ? left ?? right : Math.Min(left.Value, right.Value);

    private static long? Used(SystemFiles files, string folder, string usageFile, string inactive)
    {
        var usage = files.Number($"{folder}/{usageFile}");
        return usage is null ? null : Math.Max(0, usage.Value - (files.Named($"{folder}/memory.stat", inactive) ?? 0));
    }
}
