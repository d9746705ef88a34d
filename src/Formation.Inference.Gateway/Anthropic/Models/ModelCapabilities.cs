using System.Text.Json.Serialization;

namespace Formation.Inference.Gateway.Anthropic.Models;

/// <summary>What a model can do, as Anthropic tells it: what of its API has an effect with this model on this server.</summary>
/// <param name="Batch">Message batches.</param>
/// <param name="Citations">None here.</param>
/// <param name="CodeExecution">None here.</param>
/// <param name="ContextManagement">None here.</param>
/// <param name="Effort"><c>output_config.effort</c>.</param>
/// <param name="ImageInput">None here: the models read text.</param>
/// <param name="PdfInput">None here.</param>
/// <param name="ServerTools">None here.</param>
/// <param name="StructuredOutputs"><c>output_config.format</c>, and calls that are held to their schemas.</param>
/// <param name="Thinking"><c>thinking</c>.</param>
internal sealed record ModelCapabilities(
    CapabilitySupport Batch, CapabilitySupport Citations, CapabilitySupport CodeExecution, ContextManagementCapability ContextManagement,
    EffortCapability Effort, CapabilitySupport ImageInput, CapabilitySupport PdfInput, ServerToolsCapability ServerTools,
    CapabilitySupport StructuredOutputs, ThinkingCapability Thinking)
{
    internal static ModelCapabilities From(ModelAbilities abilities, bool runsBatches)
    {
        CapabilitySupport never = new(false), effort = new(abilities.TakesEffort), thinks = new(abilities.Thinks);
        return new ModelCapabilities(
            new(runsBatches), never, never, new(never, never, never, false), new(effort, effort, effort, effort, effort.Supported, effort), never, never,
            new(never, false, never), new(true), new(abilities.Thinks, new(thinks, never, new(true), thinks)));
    }
}

/// <summary>Whether something is supported.</summary>
internal sealed record CapabilitySupport(bool Supported);

/// <summary>What the service can leave out of a conversation by itself.</summary>
internal sealed record ContextManagementCapability(
    [property: JsonPropertyName("clear_thinking_20251015")] CapabilitySupport ClearThinking,
    [property: JsonPropertyName("clear_tool_uses_20250919")] CapabilitySupport ClearToolUses,
    [property: JsonPropertyName("compact_20260112")] CapabilitySupport Compact,
    bool Supported);

/// <summary>The efforts that the model can be told to make.</summary>
internal sealed record EffortCapability(
    CapabilitySupport High, CapabilitySupport Low, CapabilitySupport Max, CapabilitySupport Medium, bool Supported, CapabilitySupport Xhigh);

/// <summary>Tools that the service has of its own.</summary>
internal sealed record ServerToolsCapability(CapabilitySupport CodeExecution, bool Supported, CapabilitySupport WebSearch);

/// <summary>Whether the model thinks, and which kinds of <c>thinking</c> have an effect.</summary>
internal sealed record ThinkingCapability(bool Supported, ThinkingTypes Types);

/// <summary>The kinds of <c>thinking</c>. A model that can't think takes those of one that can, and answers.</summary>
internal sealed record ThinkingTypes(CapabilitySupport Adaptive, CapabilitySupport BetweenTools, CapabilitySupport Disabled, CapabilitySupport Enabled);
