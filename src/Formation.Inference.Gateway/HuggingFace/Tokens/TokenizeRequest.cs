using System.Text.Json;

namespace Formation.Inference.Gateway.HuggingFace.Tokens;

/// <summary>The body of <c>POST /tokenize</c> of both services.</summary>
internal sealed class TokenizeRequest
{
    /// <summary>A text; Text Embeddings Inference takes an array of texts, too.</summary>
    public JsonElement? Inputs { get; init; }

    /// <summary>Whether tokens that the model's own rules put around a text are told of; Text Embeddings Inference only.</summary>
    public bool? AddSpecialTokens { get; init; }

    /// <summary>Only null: models here have no prompts by name. Text Embeddings Inference only.</summary>
    public string? PromptName { get; init; }

    /// <summary>Accepted by Text Generation Inference, without effect.</summary>
    public JsonElement? Parameters { get; init; }
}
