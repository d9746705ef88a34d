using System.Globalization;

namespace Formation.Inference.Cli.Models;

/// <summary>Numbers of weights as people say them: <c>7.3 M</c>, <c>8.0 B</c>.</summary>
static class ParameterCount
{
    public static string Format(long parameters) => parameters switch
    {
        >= 1_000_000_000 => string.Create(CultureInfo.InvariantCulture, $"{parameters / 1e9:0.0} B"),
        >= 1_000_000 => string.Create(CultureInfo.InvariantCulture, $"{parameters / 1e6:0.0} M"),
        >= 1_000 => string.Create(CultureInfo.InvariantCulture, $"{parameters / 1e3:0.0} K"),
        _ => parameters.ToString(CultureInfo.InvariantCulture),
    };
}
