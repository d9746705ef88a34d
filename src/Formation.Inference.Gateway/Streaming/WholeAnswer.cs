using System.Text.Json.Serialization.Metadata;
using Formation.Inference.Gateway.Errors;
using Microsoft.AspNetCore.Http;

namespace Formation.Inference.Gateway.Streaming;

/// <summary>Step 10 of the request path for answers that are sent whole.</summary>
internal static class WholeAnswer
{
    /// <summary>Takes all events of a request.</summary>
    /// <exception cref="ApiErrorException">The backend reports a failure.</exception>
    internal static async Task CollectAsync(IAsyncEnumerable<PromptEvent> events, Action<PromptEvent> add, IStreamDialect dialect)
    {
        await foreach (PromptEvent item in events)
        {
            if (dialect.FailureIn(item) is { } failure)
                throw new ApiErrorException(failure);
            add(item);
        }

        if (!dialect.IsComplete)
            throw new InvalidOperationException("The backend ended before every choice had finished.");
    }

    internal static Task WriteAsync<T>(HttpContext context, T answer, JsonTypeInfo<T> type) =>
        context.Response.WriteAsJsonAsync(answer, type, "application/json", context.RequestAborted);
}
