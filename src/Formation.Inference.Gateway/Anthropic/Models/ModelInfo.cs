using System.Globalization;

namespace Formation.Inference.Gateway.Anthropic.Models;

/// <summary>A model, as Anthropic describes one.</summary>
/// <param name="Id">The id that requests name.</param>
/// <param name="Type">Always <c>model</c>.</param>
/// <param name="DisplayName">The same as the id: models here have no other name.</param>
/// <param name="CreatedAt">When its weights file was written (RFC 3339).</param>
/// <param name="Lifecycle">Always <c>active</c>.</param>
/// <param name="MaxInputTokens">Tokens that prompt and answer may have together, or null while that is unknown.</param>
/// <param name="MaxTokens">The same: an answer's limit is what the prompt leaves of it.</param>
/// <param name="Capabilities">What it can do, or null while that is unknown.</param>
internal sealed record ModelInfo(
    string Id, string Type, string DisplayName, string CreatedAt, string Lifecycle, int? MaxInputTokens, int? MaxTokens,
    ModelCapabilities? Capabilities)
{
    // What the API has besides and this server does not: always null.

    public string? Line { get; }

    public string? DeprecatedAt { get; }

    public string? RetiresAt { get; }

    internal const string Active = "active";

    /// <param name="model">The model.</param>
    /// <param name="runsBatches">Whether this server runs batches.</param>
    internal static ModelInfo From(ModelDescription model, bool runsBatches) => new(
        model.Id,
        "model",
        model.Id,
        model.Created.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture),
        Active,
        model.ContextLength,
        model.ContextLength,
        model.Abilities is { } abilities ? ModelCapabilities.From(abilities, runsBatches) : null);
}

/// <summary>A page of the list of models.</summary>
/// <param name="Data">The models.</param>
/// <param name="HasMore">Whether there are more in the direction that was asked for.</param>
/// <param name="FirstId">The first one's id, or null where there is none.</param>
/// <param name="LastId">The last one's id, or null where there is none.</param>
internal sealed record ModelInfoPage(IReadOnlyList<ModelInfo> Data, bool HasMore, string? FirstId, string? LastId);
