using System.Diagnostics;
using Microsoft.Extensions.Logging;

namespace Formation.Inference.Gateway.Telemetry;

/// <summary>
/// All that the gateway logs. Never a prompt, a completion, a key, or an exception's message (it may quote one of them), but for the database's,
/// which holds no row.
/// </summary>
internal static partial class GatewayLog
{
    [LoggerMessage(1, LogLevel.Information,
        "{RequestId} {Method} {Route} {Status} in {Milliseconds} ms: account {Account}, model {Model}, {PromptTokens} + {CompletionTokens} "
        + "tokens")]
    internal static partial void RequestEnded(
        ILogger logger, string requestId, string method, string route, int status, long milliseconds, string account, string model,
        int promptTokens, int completionTokens);

    internal static void RequestFailed(ILogger logger, string requestId, Exception exception) =>
        RequestFailed(logger, requestId, exception.GetType().FullName!, new StackTrace(exception).ToString());

    [LoggerMessage(2, LogLevel.Error, "{RequestId} failed with {ExceptionType}\n{StackTrace}")]
    private static partial void RequestFailed(ILogger logger, string requestId, string exceptionType, string stackTrace);

    [LoggerMessage(3, LogLevel.Warning, "{RequestId} ended in the middle of its stream: {Status} {Code}")]
    internal static partial void StreamFailed(ILogger logger, string requestId, int status, string code);

    [LoggerMessage(4, LogLevel.Warning, "{RequestId} met a failure of the database: {Reason}")]
    internal static partial void DatabaseFailed(ILogger logger, string requestId, string reason);

    [LoggerMessage(6, LogLevel.Warning, "Batch {Batch} could not go on and will be tried again: {ExceptionType}")]
    internal static partial void BatchFailed(ILogger logger, string batch, string exceptionType);

    [LoggerMessage(7, LogLevel.Warning, "Response {Response} in the background could not go on and will be tried again: {ExceptionType}")]
    internal static partial void BackgroundFailed(ILogger logger, string response, string exceptionType);

    [LoggerMessage(5, LogLevel.Warning, "Kept contents that are too old could not be removed: {Reason}")]
    internal static partial void SweepFailed(ILogger logger, string reason);
}
