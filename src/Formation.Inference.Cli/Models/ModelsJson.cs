using System.Text.Json.Serialization;

namespace Formation.Inference.Cli.Models;

/// <summary>A row of <c>form models list</c>.</summary>
/// <param name="Id">The id that requests name.</param>
/// <param name="State">How far the model is from serving; <c>available</c> where no server was asked.</param>
/// <param name="ContextLength">Tokens of context, or null while unknown.</param>
/// <param name="Parameters">Number of weights, or null while unknown.</param>
/// <param name="Path">The file, where this machine's own list was shown.</param>
/// <param name="Origin">Who named it, where this machine's own list was shown.</param>
sealed record ModelRow(string Id, string State, int? ContextLength, long? Parameters, string? Path, string? Origin);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(IReadOnlyList<ModelRow>))]
sealed partial class ModelsJson : JsonSerializerContext;
