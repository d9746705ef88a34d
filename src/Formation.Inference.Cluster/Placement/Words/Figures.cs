using System.Globalization;

namespace Formation.Inference.Cluster.Placement.Words;

/// <summary>Figures as reasons show them.</summary>
internal static class Figures
{
    private static readonly string[] Units = ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB"];

    /// <summary>A rounded size, with the exact number where it is rounded.</summary>
    public static string Bytes(long bytes)
    {
        double value = bytes;
        var unit = 0;
        for (; value >= 1024 && unit < Units.Length - 1; unit++)
            value /= 1024;
        return unit == 0
            ? Inv($"{bytes} bytes")
            : Inv($"{value:0.0} {Units[unit]} ({bytes:N0} bytes)");
    }

    /// <summary>A duration in milliseconds, or in seconds from one on.</summary>
    public static string Time(double seconds) => seconds switch
    {
        < 0.01 => Inv($"{seconds * 1e3:0.00} ms"),
        < 0.1 => Inv($"{seconds * 1e3:0.0} ms"),
        < 1 => Inv($"{seconds * 1e3:0} ms"),
        _ => Inv($"{seconds:0.0} s"),
    };

    public static string Rate(double tokensPerSecond) => tokensPerSecond < 10 ? Inv($"{tokensPerSecond:0.00}") : Inv($"{tokensPerSecond:0.0}");

    public static string Percent(double share) => Inv($"{share * 100:0} %");

    public static string Count(int count, string one) => count == 1 ? $"1 {one}" : Inv($"{count} {one}s");

    private static string Inv(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
