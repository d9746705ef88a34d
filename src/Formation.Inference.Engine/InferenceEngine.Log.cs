using Microsoft.Extensions.Logging;

namespace Formation.Inference.Engine;

public sealed partial class InferenceEngine
{
    [LoggerMessage(LogLevel.Error, "A step with {Slices} sequences failed; their requests end with an error and the engine goes on.")]
    partial void LogStepFault(int slices, Exception fault);

    [LoggerMessage(LogLevel.Critical, "The engine has ended by a fault; all of its requests fail.")]
    partial void LogEngineFault(Exception fault);

    [LoggerMessage(LogLevel.Warning, "The engine ends while {Requests} requests are not finished; they fail.")]
    partial void LogUnfinished(int requests);
}
