namespace Formation.Inference.Kernels.Machine;

/// <summary>
/// Counts cores rather than hardware threads: two threads of one core share its multipliers, so kernels gain nothing from the
/// second.
/// </summary>
internal static class CpuTopology
{
    // More processors than this are not counted one by one: the list comes from outside.
    private const int MaxProcessors = 4096;

    /// <summary>Cores on which this process may run, or null where the system does not say.</summary>
    internal static int? Cores(SystemFiles files) => FirstProcessorOfEachCore(files)?.Count;

    /// <summary>One processor of each core on which this process may run, or null where the system does not say.</summary>
    internal static IReadOnlyList<int>? FirstProcessorOfEachCore(SystemFiles files)
    {
        var allowed = files.Lines("proc/self/status")
            .Where(line => line.StartsWith("Cpus_allowed_list:", StringComparison.Ordinal))
            .Select(line => ParseList(line["Cpus_allowed_list:".Length..]))
            .FirstOrDefault();
        if (allowed is null)
            return null;
        var cores = new HashSet<string>();
        var processors = new List<int>();
        foreach (var cpu in allowed)
        {
            if (files.Lines($"sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list") is not [var siblings, ..])
                return null;
            if (cores.Add(siblings.Trim()))
                processors.Add(cpu);
        }
        return processors.Count == 0 ? null : processors;
    }

    /// <summary>The numbers of a list such as "0-3,8"; null where it is none.</summary>
    internal static List<int>? ParseList(string text)
    {
        var numbers = new List<int>();
        foreach (var range in text.Trim().Split(','))
        {
            var ends = range.Split('-');
            var first = SystemFiles.Parse(ends[0]);
            var last = ends.Length == 1 ? first : SystemFiles.Parse(ends[1]);
            if (ends.Length > 2 || first is null or < 0 || last is null || last < first || last - first + numbers.Count >= MaxProcessors)
                return null;
            for (var number = first.Value; number <= last; number++)
                numbers.Add((int)number);
        }
        return numbers;
    }
}
