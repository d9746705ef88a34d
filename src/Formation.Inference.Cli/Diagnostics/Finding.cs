using System.Text.Json.Serialization;

namespace Formation.Inference.Cli.Diagnostics;

/// <summary>One thing that <c>form doctor</c> looked at.</summary>
/// <param name="Name">What it is.</param>
/// <param name="State">How it stands.</param>
/// <param name="Value">What was found.</param>
/// <param name="Advice">What to do about it, or null.</param>
sealed record Finding(string Name, FindingState State, string Value, string? Advice = null);

/// <summary>How a <see cref="Finding"/> stands.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<FindingState>))]
enum FindingState
{
    [JsonStringEnumMemberName("ok")]
    Good,

    /// <summary>It works, and could be better.</summary>
    [JsonStringEnumMemberName("advice")]
    Advice,

    /// <summary>Serving fails or is unsafe until it is mended.</summary>
    [JsonStringEnumMemberName("problem")]
    Problem,
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(IReadOnlyList<Finding>))]
sealed partial class FindingsJson : JsonSerializerContext;
