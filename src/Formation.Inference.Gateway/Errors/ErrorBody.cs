using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Formation.Inference.Gateway.Errors;

/// <summary>OpenAI's error object: the body of every answer that is not a success, and the last event of a stream that fails.</summary>
internal sealed record ErrorBody(ErrorDetail Error)
{
    internal static ErrorBody From(ApiError error) => new(new ErrorDetail(error.Message, error.Type, error.Param, error.Code));
}

/// <summary>What went wrong.</summary>
/// <param name="Message">For people: which value, which limit, what to do.</param>
/// <param name="Type">The class of error.</param>
/// <param name="Param">The parameter at fault, as a path in the body, or null.</param>
/// <param name="Code">What exactly is wrong, for programs, or null.</param>
internal sealed record ErrorDetail(string Message, string Type, string? Param, string? Code);

[JsonSerializable(typeof(ErrorBody))]
internal sealed partial class ErrorJsonContext : JsonSerializerContext
{
    internal static ErrorJsonContext Relaxed { get; } = new(new JsonSerializerOptions
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });
}
