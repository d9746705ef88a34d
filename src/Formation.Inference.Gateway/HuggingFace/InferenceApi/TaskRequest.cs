using System.Text.Json;
using Formation.Inference.Gateway.HuggingFace.TextEmbeddings;

namespace Formation.Inference.Gateway.HuggingFace.InferenceApi;

/// <summary>What the bodies of all tasks have.</summary>
internal sealed class TaskRequest
{
    /// <summary>What a task works on: its form says which task, where the path does not.</summary>
    public JsonElement? Inputs { get; init; }

    public TaskOptions? Options { get; init; }
}

/// <summary>How a request is taken.</summary>
internal sealed class TaskOptions
{
    /// <summary>Whether a request waits for a model that has to be loaded, which it does where nothing is said; false is answered 503 meanwhile.</summary>
    public bool? WaitForModel { get; init; }

    /// <summary>Accepted without effect: answers are not kept.</summary>
    public bool? UseCache { get; init; }
}

/// <summary>The body of the task <c>feature-extraction</c>: that of <c>/embed</c>, whose fields may stand in <c>parameters</c>, too.</summary>
internal sealed class FeatureRequest : EmbedRequest
{
    public EmbedRequest? Parameters { get; init; }
}
