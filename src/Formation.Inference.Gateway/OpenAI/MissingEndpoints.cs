using Formation.Inference.Gateway.Errors;

namespace Formation.Inference.Gateway.OpenAI;

/// <summary>Paths of OpenAI's API that this server does not have: a client is told what is missing, and not that it has mistyped.</summary>
internal static class MissingEndpoints
{
    static readonly (string Path, string Why)[] Known =
    [
        ("/v1/moderations", "No model here moderates."),
        ("/v1/audio", "No model here hears or speaks."),
        ("/v1/realtime", "No model here hears or speaks."),
        ("/v1/images", "No model here draws."),
        ("/v1/videos", "No model here makes videos."),
        ("/v1/fine_tuning", "Models are not trained here over HTTP."),
        ("/v1/fine-tunes", "Models are not trained here over HTTP."),
        ("/v1/evals", "Models are not evaluated here over HTTP."),
        ("/v1/graders", "Models are not evaluated here over HTTP."),
        ("/v1/assistants", "Assistants were superseded by POST /v1/responses, which is there."),
        ("/v1/threads", "Threads were superseded by POST /v1/responses with 'previous_response_id', which is there."),
        ("/v1/conversations", "Go on with POST /v1/responses and 'previous_response_id'."),
        ("/v1/responses/compact", "POST /v1/responses with 'truncation' leaves out what does not fit."),
        ("/v1/vector_stores", "Files are not searched here."),
        ("/v1/uploads", "Send a file in one piece with POST /v1/files, where the server keeps any."),
        ("/v1/containers", "The models here run no code."),
        ("/v1/skills", "The models here run no code."),
        ("/v1/chatkit", "There is no ChatKit here."),
        ("/v1/organization", "Accounts and keys are managed by the server's operator."),
    ];

    /// <summary>The same where a route has the path for other methods: only some of these lie on the paths of routes.</summary>
    internal static ApiError? FindUnder(string method, string path) => path == "/v1/responses/compact" ? Find(method, path) : null;

    /// <summary>What to tell of a path, or null where it is none of these.</summary>
    internal static ApiError? Find(string method, string path)
    {
        foreach ((string known, string why) in Known)
            if (path.StartsWith(known, StringComparison.Ordinal) && (path.Length == known.Length || path[known.Length] == '/'))
                return new ApiError(404, ApiError.InvalidRequest, "endpoint_not_available", $"{method} {known} is not available on this server. {why}");
        return null;
    }
}
