using Microsoft.Extensions.Logging;

namespace Formation.Inference.Engine;

public sealed partial class InferenceEngine
{
    [LoggerMessage(LogLevel.Error, "A step with {Slices} sequences failed; their requests end with an error and the engine goes on.")]
    partial void LogStepFault(int slices, Exception fault);

    [LoggerMessage(LogLevel.Warning, "A stage is lost ({Reason}); {Sequences} sequences wait for a replacement.")]
    partial void LogStageLost(string reason, int sequences);

    [LoggerMessage(LogLevel.Information, "The lost stage is replaced after {Seconds:F2} s; the sequences go on.")]
    partial void LogStageRecovered(double seconds);

    [LoggerMessage(LogLevel.Error, "The lost stage could not be replaced within {Seconds:F0} s ({Reason}); its requests fail.")]
    partial void LogRecoveryGivenUp(double seconds, string reason);

    [LoggerMessage(LogLevel.Critical, "The engine has ended by a fault; all of its requests fail.")]
    partial void LogEngineFault(Exception fault);

    [LoggerMessage(LogLevel.Warning, "The engine ends while {Requests} requests are not finished; they fail.")]
    partial void LogUnfinished(int requests);
}
