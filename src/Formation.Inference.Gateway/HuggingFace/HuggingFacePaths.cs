using Microsoft.AspNetCore.Http;

namespace Formation.Inference.Gateway.HuggingFace;

/// <summary>The paths under which Hugging Face's services are spoken.</summary>
internal static class HuggingFacePaths
{
    /// <summary>Before a model's id.</summary>
    internal const string Models = "/models";

    /// <summary>Text Generation Inference, where a name could mean either service.</summary>
    internal const string Generation = "/tgi";

    /// <summary>Text Embeddings Inference, where a name could mean either service.</summary>
    internal const string Embedding = "/tei";

    /// <summary>Before a task and a model's id.</summary>
    internal const string Pipeline = "/pipeline";

    static readonly string[] OfBoth = ["/", "/info", "/health", "/tokenize"];
    static readonly string[] OfGeneration = ["/generate", "/generate_stream", "/chat_tokenize"];
    static readonly string[] OfEmbedding = ["/embed", "/embed_all", "/embed_sparse", "/rerank", "/similarity", "/predict", "/decode"];

    /// <summary>Whether a path is one of a service of Hugging Face's.</summary>
    internal static bool Has(PathString path) =>
        path.StartsWithSegments(Models) || path.StartsWithSegments(Pipeline) || path.StartsWithSegments(Generation) || path.StartsWithSegments(Embedding)
        || OfBoth.Contains(path.Value) || OfGeneration.Contains(path.Value) || OfEmbedding.Contains(path.Value);

    /// <summary>Whether a path is one of Text Embeddings Inference's, whose errors have other names.</summary>
    internal static bool IsOfEmbedding(PathString path) =>
        path.StartsWithSegments(Embedding)
        || (path.Value is { } text && (OfEmbedding.Contains(text[Math.Max(0, text.LastIndexOf('/'))..]) || text.Contains(Embedding + "/", StringComparison.Ordinal) || text.EndsWith(Embedding, StringComparison.Ordinal)));
}
