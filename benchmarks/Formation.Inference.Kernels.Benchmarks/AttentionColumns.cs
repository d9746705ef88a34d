using System.Globalization;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using Formation.Inference.Kernels.Attention;
using Formation.Inference.Kernels.Machine;
using Formation.Inference.Kernels.Threading;

namespace Formation.Inference.Kernels.Benchmarks;

/// <summary>A column that is computed from a benchmark's parameters and its mean time.</summary>
internal abstract class RateColumn(string name, string legend) : IColumn
{
    public string Id => name;

    public string ColumnName => name;

    public string Legend => legend;

    public bool AlwaysShow => true;

    public ColumnCategory Category => ColumnCategory.Custom;

    public int PriorityInCategory => 0;

    public bool IsNumeric => true;

    public UnitType UnitType => UnitType.Dimensionless;

    public bool IsAvailable(Summary summary) => true;

    public bool IsDefault(Summary summary, BenchmarkCase benchmarkCase) => false;

    public string GetValue(Summary summary, BenchmarkCase benchmarkCase) => GetValue(summary, benchmarkCase, summary.Style);

    public string GetValue(Summary summary, BenchmarkCase benchmarkCase, SummaryStyle style)
    {
        if (summary[benchmarkCase]?.ResultStatistics is not { } statistics)
            return "-";
        var parameters = benchmarkCase.Parameters;
        var rate = Rate(
            (AttentionCase)parameters[nameof(AttentionBenchmarks.Case)], (int)parameters[nameof(AttentionBenchmarks.HeadSize)],
            (KvFormat)parameters[nameof(AttentionBenchmarks.Format)], statistics.Mean * 1e-9);
        return rate?.ToString("F1", CultureInfo.InvariantCulture) ?? "-";
    }

    protected abstract double? Rate(AttentionCase attention, int headSize, KvFormat format, double seconds);

    /// <summary>Bytes of keys and values a second, where each is read once.</summary>
    protected static double? BytesPerSecond(AttentionCase attention, int headSize, KvFormat format, double seconds) => attention.Rows == 1
        ? new KvLayout(AttentionBenchmarks.KvHeads, headSize, 16, format).BytesPerBlock / 16.0 * attention.Positions / seconds
        : null;
}

internal sealed class MultiplyAddColumn() : RateColumn("GMAC/s", "Billions of multiply-adds a second")
{
    protected override double? Rate(AttentionCase attention, int headSize, KvFormat format, double seconds) =>
        attention.MultiplyAdds(AttentionBenchmarks.Heads, headSize) / seconds * 1e-9;
}

internal sealed class BytesColumn() : RateColumn("GB/s", "Keys and values read, in billions of bytes a second")
{
    protected override double? Rate(AttentionCase attention, int headSize, KvFormat format, double seconds) =>
        BytesPerSecond(attention, headSize, format, seconds) * 1e-9;
}

internal sealed class BandwidthColumn() : RateColumn("% of memory", "The same as a part of what the threads read from memory in a measurement after the run")
{
    private readonly Lazy<double?> _bandwidth = new(() =>
    {
        var machine = MachineDescription.Read();
        using var team = new WorkerTeam(machine.DefaultThreads);
        return MemoryBandwidth.Measure(team, machine.MemoryAvailableBytes, TimeProvider.System);
    });

    protected override double? Rate(AttentionCase attention, int headSize, KvFormat format, double seconds) =>
        BytesPerSecond(attention, headSize, format, seconds) / _bandwidth.Value * 100;
}
