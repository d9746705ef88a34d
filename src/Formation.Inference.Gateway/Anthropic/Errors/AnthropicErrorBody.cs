using Formation.Inference.Gateway.Errors;

namespace Formation.Inference.Gateway.Anthropic.Errors;

/// <summary>Anthropic's error object: the body of every answer that is not a success, and the last event of a stream that fails.</summary>
/// <param name="Type">Always <c>error</c>.</param>
/// <param name="Error">What went wrong.</param>
/// <param name="RequestId">The request, as in the header <c>request-id</c>.</param>
internal sealed record AnthropicErrorBody(string Type, AnthropicErrorDetail Error, string RequestId)
{
    internal static AnthropicErrorBody From(ApiError error, string requestId) =>
        new("error", new AnthropicErrorDetail(AnthropicErrors.TypeOf(error), error.Message), requestId);
}

/// <summary>What went wrong.</summary>
/// <param name="Type">The class of error.</param>
/// <param name="Message">For people: which value, which limit, what to do.</param>
internal sealed record AnthropicErrorDetail(string Type, string Message);
